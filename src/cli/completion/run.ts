import { show, type CliContext } from '../context.ts';
import { completionScript, wordsOf, type Shell } from './script.ts';

export interface CompletionFlags {
  readonly json: boolean;
}

export async function completion(this: CliContext, { json }: CompletionFlags, shell: Shell): Promise<void> {
  // The whole tree, this command included: loaded when it is asked for, since it imports us.
  const { root } = await import('../app.ts');
  const report = { report: 'completion', shell, script: completionScript(shell, wordsOf(root)) };
  show(this, { json, report, draw: ({ script }) => script });
}
