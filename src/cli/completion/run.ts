import type { CliContext } from '../context.ts';
import { completionScript, wordsOf, type Shell } from './script.ts';

export async function completion(this: CliContext, _: object, shell: Shell): Promise<void> {
  // The whole tree, this command included: loaded when it is asked for, since it imports us.
  const { root } = await import('../app.ts');
  this.terminal.print(completionScript(shell, wordsOf(root)));
}
