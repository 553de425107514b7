/** The agents, as data: how each is told to work without a person, and what its tools are called. Seen in their traffic. */
import type { ClientName } from '#gateway/snippets/names.ts';
import type { Tools } from './task.ts';

export type Dialect = 'chat' | 'responses' | 'messages';

export interface Agent {
  /** As `headgate connect` names it. */
  readonly name: ClientName;
  readonly package: string;
  readonly dialect: Dialect;
  /** Where the printed settings file goes, below the home folder; null: the environment is enough. */
  readonly file: string | null;
  readonly env?: Readonly<Record<string, string>>;
  readonly ask: (prompt: string, first: boolean) => readonly string[];
  /** How it is made to compact: by a command of its own, or by a window that it takes for full. */
  readonly compact:
    | { readonly how: 'command'; readonly command: readonly string[] }
    | {
        readonly how: 'window';
        readonly args?: readonly string[];
        readonly env?: Readonly<Record<string, string>>;
        /** Below the home folder, with its text. */
        readonly file?: readonly [string, string];
      }
    | null;
  /** In which words it tells its user that the budget is spent. */
  readonly saysBroke: RegExp;
  /** `folder` is where the task's files lie. */
  readonly tools: (folder: string) => Tools;
}

const MODEL = 'claude-lab-script:task';
/** The same for all, so that prompts which name the model have the same bytes with and without the gate. */
export const TASK_MODEL = MODEL;

const claudeCode: Agent = {
  name: 'claude-code',
  package: '@anthropic-ai/claude-code',
  dialect: 'messages',
  file: null,
  // It refuses to run unattended as root elsewhere.
  env: { IS_SANDBOX: '1' },
  ask: (prompt, first) => ['claude', '--dangerously-skip-permissions', ...(first ? [] : ['--continue']), '-p', prompt],
  compact: { how: 'command', command: ['claude', '--dangerously-skip-permissions', '--continue', '-p', '/compact'] },
  saysBroke: /budget/i,
  tools: (folder) => ({
    read: (path) => ({ name: 'Read', input: { file_path: `${folder}/${path}` } }),
    write: (path, content) => ({ name: 'Write', input: { file_path: `${folder}/${path}`, content } }),
    edit: (path, old_string, new_string) => ({
      name: 'Edit',
      input: { file_path: `${folder}/${path}`, old_string, new_string },
    }),
    shell: (command) => ({ name: 'Bash', input: { command, description: 'A step' } }),
  }),
};

export const AGENTS: readonly Agent[] = [claudeCode];
