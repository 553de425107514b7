import { createInterface } from 'node:readline/promises';
import type { CliContext } from './context.ts';

/** Asks a person before something is changed; null where nobody can answer. */
export async function confirm({ terminal }: CliContext, question: string): Promise<boolean | null> {
  if (!terminal.isTerminal || !process.stdin.isTTY) return null;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await lines.question(`${question} [y/N] `)).trim());
  } finally {
    lines.close();
  }
}
