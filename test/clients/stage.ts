/** Where a run takes place: a provider that speaks one dialect, a gate before it or not, and an agent's own home. */
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import type { Snippet } from '#gateway/snippets/index.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { TASK_MODEL, type Agent, type Dialect } from './agents.ts';
import { FILES_BEFORE, scriptFor } from './task.ts';

const root = join(import.meta.dirname, '..', '..');
const LONGEST_MS = 120_000;

export interface Stage {
  readonly agent: Agent;
  readonly dialect: Dialect;
  readonly provider: Provider;
  /** Null: the agent calls the provider itself. */
  readonly gate: GateProcess | null;
  /** Of the key that `headgate connect` made. */
  readonly key: string | null;
  readonly home: string;
  readonly work: string;
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

export interface Ran {
  /** Null: killed. */
  readonly code: number | null;
  readonly output: string;
  readonly ms: number;
}

const config = (url: string, dialect: Dialect, heartbeat: string): string => `
providers: { up: { kind: lab-${dialect}, baseUrl: "${url}/v1" } }
models:
  "${TASK_MODEL}": { deployments: [{ provider: up, model: "${TASK_MODEL}" }] }
prices:
  - { provider: "*", model: "*", perMillion: { input: "1", output: "2", cachedRead: "0.1", cacheWrite: "1.25", cacheWrite1h: "2" } }
stream: { heartbeat: ${heartbeat} }
log: { level: silent }
`;

/** `folder` is the same for every run of an agent: its path stands in prompts, and prompts are compared. */
export async function setStage(
  agent: Agent,
  dialect: Dialect,
  folder: string,
  /** Null: without a gate. */
  gated: { readonly heartbeat: string } | null,
): Promise<Stage> {
  const [home, work] = [join(folder, 'home'), join(folder, 'work')];
  for (const path of [home, work]) {
    rmSync(path, { recursive: true, force: true });
    mkdirSync(path, { recursive: true });
  }
  for (const [name, text] of Object.entries(FILES_BEFORE)) writeFileSync(join(work, name), text);
  const provider = await startProvider({ seed: 20261125, scripts: { task: scriptFor(agent.tools(work)) } });
  const gate = gated ? await startGate({ config: config(provider.url, dialect, gated.heartbeat) }) : null;
  const { settings, key } = await connect(agent, gate, provider.url);
  const env = { ...install(agent, settings, home), ...agent.env };
  const close = async (): Promise<void> => {
    await gate?.stop();
    await provider.close();
  };
  return { agent, dialect, provider, gate, key, home, work, env, close };
}

/** What `headgate connect` prints. Without a gate, the same text with the provider's address in it. */
async function connect(agent: Agent, gate: GateProcess | null, url: string) {
  if (gate === null) {
    const { clientNamed, fill } = await import('#gateway/snippets/index.ts');
    const settings = clientNamed(agent.name)!.snippets.map((one) => ({
      ...one,
      text: fill(one.text, { url, key: 'sk-lab', model: TASK_MODEL }),
    }));
    return { settings, key: null };
  }
  const args = [join(root, 'bin/headgate.js'), 'connect', agent.name, '--model', TASK_MODEL, '--json'];
  const env = { ...process.env, HEADGATE_DATA: join(gate.dataDir, 'state') } as Record<string, string>;
  const { code, output } = await runProcess(process.execPath, args, { cwd: root, env, stdout: true });
  if (code !== 0) throw new Error(`headgate connect ${agent.name}: ${output}`);
  const printed = JSON.parse(output) as { settings: Snippet[]; key: { id: string } };
  return { settings: printed.settings, key: printed.key.id };
}

/** Puts the printed file where it belongs; returns what the printed shell lines export. */
function install(agent: Agent, settings: readonly Snippet[], home: string): Record<string, string> {
  const file = settings.find(({ language }) => language === 'toml' || language === 'json');
  if (agent.file !== null && file) writeBelow(home, agent.file, file.text);
  const exported = settings
    .filter(({ language }) => language === 'sh')
    .flatMap(({ text }) => [...text.matchAll(/^export (\w+)=(\S+)$/gm)]);
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    TERM: 'dumb',
    ...Object.fromEntries(exported.map(([, name, value]) => [name!, value!])),
  };
}

export function writeBelow(folder: string, file: string, text: string): void {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), text);
}

export const filesIn = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder, { withFileTypes: true })
      .filter((one) => one.isFile())
      .map(({ name }) => [name, readFileSync(join(folder, name), 'utf8')]),
  );

/** Runs the agent. `killWhen`: it and its children are killed as soon as that is true. */
export function runAgent(
  stage: Stage,
  [command, ...args]: readonly string[],
  more: { readonly env?: Readonly<Record<string, string>>; readonly killWhen?: () => boolean } = {},
): Promise<Ran> {
  const path = join(import.meta.dirname, 'agents/node_modules/.bin', command!);
  const { agent, dialect } = stage;
  const all = [...args, ...(dialect === agent.dialect ? [] : (agent.crossing ?? []))];
  return runProcess(path, all, { cwd: stage.work, ...more, env: { ...stage.env, ...more.env } });
}

interface Run {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly killWhen?: () => boolean;
  /** Only what stands on stdout is wanted. */
  readonly stdout?: boolean;
}

function runProcess(path: string, args: readonly string[], run: Run): Promise<Ran> {
  const startedMs = performance.now();
  // A group of its own, so that what an agent starts ends with it.
  const child = spawn(path, args, { cwd: run.cwd, env: run.env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk));
  child.stderr.on('data', (chunk: Buffer) => (output += run.stdout ? '' : chunk));
  const kill = (): void => {
    try {
      process.kill(-child.pid!, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  };
  const watch = setInterval(() => run.killWhen?.() && kill(), 20);
  const limit = setTimeout(kill, LONGEST_MS);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      clearInterval(watch);
      clearTimeout(limit);
      kill();
      resolve({ code, output, ms: performance.now() - startedMs });
    });
  });
}
