import { createInterface } from 'node:readline/promises';
import type { CliContext } from '../context.ts';
import { usageFailure } from '../failure.ts';

/** Asks a person; a script must have said `--yes` before. */
export async function confirmed({ terminal }: CliContext, question: string): Promise<boolean> {
  if (!process.stdin.isTTY)
    throw usageFailure(
      'Nothing was changed: nobody is here to confirm.',
      'add --yes, or --dry-run to see the plan alone',
    );
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await reader.question(`${question} [y/N] `);
    const yes = /^y(es)?$/i.test(answer.trim());
    if (!yes) terminal.note('nothing was changed');
    return yes;
  } finally {
    reader.close();
  }
}
