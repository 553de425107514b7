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
  /** What it is told besides where the provider speaks another dialect: tools that no other API can express. */
  readonly crossing?: readonly string[];
  /** It sets no cache markers: a provider that caches what is marked caches nothing of its prompts. */
  readonly marksNothing?: true;
  /** How it is made to compact: by a command of its own, or by a window that it takes for full. */
  readonly compact:
    | { readonly how: 'command'; readonly command: readonly string[] }
    | {
        readonly how: 'window';
        readonly args?: readonly string[];
        /** From the printed settings file to one that names a small window. */
        readonly settings?: (printed: string) => string;
        /** Another file below the home folder, with its text. */
        readonly file?: readonly [string, string];
      }
    | null;
  /** Requests after a refusal that no retry can help: 1 where `x-should-retry` or the status is obeyed. */
  readonly asksWhenBroke: number;
  /** How its timer of a stream that is silent is set to `IDLE_MS`; null: it has none that can be set. */
  readonly idle: { readonly args: readonly string[] } | null;
  /** Its own call for a summary names no session; every other call does. */
  readonly compactsUnnamed?: true;
  /** In which words it tells its user that the budget is spent. */
  readonly saysBroke: RegExp;
  /** `folder` is where the task's files lie. */
  readonly tools: (folder: string) => Tools;
}

/** What the agents' own timers of silence are shortened to. */
export const IDLE_MS = 4_000;
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
  asksWhenBroke: 1,
  // Its watchdog of streams waits for five minutes at the least.
  idle: null,
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

const codex: Agent = {
  name: 'codex',
  package: '@openai/codex',
  dialect: 'responses',
  file: '.codex/config.toml',
  ask: (prompt, first) => [
    ...['codex', 'exec', ...(first ? [] : ['resume', '--last'])],
    ...['--skip-git-repo-check', '--dangerously-bypass-approvals-and-sandbox', prompt],
  ],
  crossing: ['-c', 'web_search="disabled"', '-c', 'features.multi_agent=false'],
  marksNothing: true,
  compact: { how: 'window', args: ['-c', 'model_auto_compact_token_limit=10500'] },
  // `stream_max_retries` of its configuration, 5, and the first.
  asksWhenBroke: 6,
  idle: { args: ['-c', `model_providers.headgate.stream_idle_timeout_ms=${IDLE_MS}`] },
  saysBroke: /budget/i,
  // It has one tool for all of it.
  tools: (folder) => {
    const run = (cmd: string) => ({ name: 'exec_command', input: { cmd, workdir: folder } });
    const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
    return {
      read: (path) => run(`cat ${path}`),
      write: (path, text) => run(`printf %s ${quoted(text)} > ${path}`),
      edit: (path, old, now) => run(`node -e ${quoted(EDIT)} ${path} ${quoted(old)} ${quoted(now)}`),
      shell: run,
    };
  },
};

const EDIT =
  'const [path, old, now] = process.argv.slice(1), fs = require("fs"); fs.writeFileSync(path, fs.readFileSync(path, "utf8").replace(old, () => now));';

const opencode: Agent = {
  name: 'opencode',
  package: 'opencode-ai',
  dialect: 'chat',
  file: '.config/opencode/opencode.json',
  ask: (prompt, first) => ['opencode', 'run', ...(first ? [] : ['--continue']), prompt],
  compact: {
    how: 'window',
    settings: (printed) => {
      const config = JSON.parse(printed);
      config.provider.headgate.models[MODEL] = { limit: { context: 12_000, output: 1_000 } };
      return JSON.stringify(config);
    },
  },
  asksWhenBroke: 1,
  idle: null,
  saysBroke: /budget/i,
  tools: (folder) => ({
    read: (path) => ({ name: 'read', input: { filePath: `${folder}/${path}` } }),
    write: (path, content) => ({ name: 'write', input: { filePath: `${folder}/${path}`, content } }),
    edit: (path, oldString, newString) => ({
      name: 'edit',
      input: { filePath: `${folder}/${path}`, oldString, newString },
    }),
    shell: (command) => ({ name: 'bash', input: { command, description: 'A step' } }),
  }),
};

const pi: Agent = {
  name: 'pi',
  package: '@mariozechner/pi-coding-agent',
  dialect: 'chat',
  file: '.pi/agent/models.json',
  ask: (prompt, first) => [
    ...['pi', '--provider', 'headgate', '--model', MODEL, ...(first ? [] : ['--continue'])],
    ...['-p', prompt],
  ],
  marksNothing: true,
  compact: {
    how: 'window',
    file: [
      '.pi/agent/settings.json',
      JSON.stringify({ compaction: { enabled: true, reserveTokens: 126_000, keepRecentTokens: 200 } }),
    ],
  },
  compactsUnnamed: true,
  asksWhenBroke: 1,
  idle: null,
  saysBroke: /budget/i,
  tools: (folder) => ({
    read: (path) => ({ name: 'read', input: { path: `${folder}/${path}` } }),
    write: (path, content) => ({ name: 'write', input: { path: `${folder}/${path}`, content } }),
    edit: (path, oldText, newText) => ({
      name: 'edit',
      input: { path: `${folder}/${path}`, edits: [{ oldText, newText }] },
    }),
    shell: (command) => ({ name: 'bash', input: { command } }),
  }),
};

export const AGENTS: readonly Agent[] = [claudeCode, codex, opencode, pi];
