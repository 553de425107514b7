/**
 * The settings that `headgate connect` prints, given to the clients themselves beside a gate on the lab. They take 1.3 GB
 * and are no dependency of this project; install them where you like and name the folder:
 *
 *   npm i --prefix /tmp/agents @openai/codex@0.169.0 @anthropic-ai/claude-code@2.1.197 opencode-ai@1.18.33 \
 *     @mariozechner/pi-coding-agent@0.73.1 @google/gemini-cli@0.61.0 @langchain/openai@1.6.0 @langchain/core@1.4.0
 *   node scripts/connect-agents.ts /tmp/agents
 *
 * Exits with 1 where a client fails or the ledger has no call of it.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Snippet } from '#gateway/snippets/index.ts';

const QUESTION = 'Say hello.';
const MODEL = 'lab-small';
const LONGEST_MS = 120_000;
/** A gate reports its call once it has settled. */
const SETTLE_TRIES = 30;

interface Client {
  readonly name: string;
  /** Below the home folder: where the printed file goes. */
  readonly file: string | null;
  readonly command: readonly string[];
}

const CLIENTS: readonly Client[] = [
  { name: 'claude-code', file: null, command: ['claude', '-p', QUESTION] },
  { name: 'codex', file: '.codex/config.toml', command: ['codex', 'exec', '--skip-git-repo-check', QUESTION] },
  { name: 'gemini-cli', file: '.gemini/settings.json', command: ['gemini', '--skip-trust', '-p', QUESTION] },
  { name: 'opencode', file: '.config/opencode/opencode.json', command: ['opencode', 'run', QUESTION] },
  {
    name: 'pi',
    file: '.pi/agent/models.json',
    command: ['pi', '--provider', 'headgate', '--model', MODEL, '-p', QUESTION],
  },
  { name: 'langchain', file: null, command: [] },
];

const [given, ...wanted] = process.argv.slice(2);
if (given === undefined) {
  console.error('usage: node scripts/connect-agents.ts <folder of npm i --prefix> [client…]');
  process.exit(2);
}
const folder = resolve(given);
const headgate = join(import.meta.dirname, '..', 'bin', 'headgate.js');
const home = mkdtempSync(join(tmpdir(), 'headgate-agents-'));
const env = { ...process.env, HEADGATE_DATA: join(home, 'state') };
const gate = spawn(process.execPath, [headgate, 'up', '--lab', '--port', '0'], {
  cwd: home,
  env,
  stdio: ['ignore', 'pipe', 'ignore'],
});
await new Promise<void>((done) => gate.stdout.on('data', (text: Buffer) => /models/.test(String(text)) && done()));

const ask = (...args: readonly string[]): Record<string, unknown> =>
  JSON.parse(spawnSync(process.execPath, [headgate, ...args, '--json'], { env, encoding: 'utf8' }).stdout) as never;

interface Connected {
  readonly key: { readonly id: string };
  readonly settings: readonly Snippet[];
}

/** Runs one client in a home of its own, with what the printed shell lines export. */
function runClient({ name, file, command }: Client, { settings }: Connected) {
  const own = join(home, name);
  mkdirSync(join(own, 'work'), { recursive: true });
  const exported = settings
    .filter(({ language }) => language === 'sh')
    .flatMap(({ text }) => [...text.matchAll(/^export (\w+)=(\S+)$/gm)]);
  const clientEnv = {
    PATH: process.env['PATH'],
    HOME: own,
    TERM: 'dumb',
    ...Object.fromEntries(exported.map(([, key, value]) => [key, value])),
  };
  const printed = settings.find(({ language }) => language === 'toml' || language === 'json');
  if (file !== null && printed) {
    mkdirSync(dirname(join(own, file)), { recursive: true });
    writeFileSync(join(own, file), printed.text);
  }
  const options = { cwd: join(own, 'work'), env: clientEnv, encoding: 'utf8', timeout: LONGEST_MS, input: '' } as const;
  if (command.length > 0) return spawnSync(join(folder, 'node_modules/.bin', command[0]!), command.slice(1), options);
  // A library: its program has to lie where it finds its packages.
  const program = join(folder, `headgate-${name}.mjs`);
  writeFileSync(program, settings.find(({ language }) => language === 'ts')!.text);
  const ran = spawnSync(process.execPath, [program], options);
  rmSync(program);
  return ran;
}

async function callsOf(key: string): Promise<readonly { status: string; client: string; clientVersion: string }[]> {
  for (let tries = 0; tries < SETTLE_TRIES; tries++) {
    const { calls } = ask('calls', 'list', '--key', key) as { calls: readonly never[] };
    if (calls.length > 0) return calls;
    await sleep(100);
  }
  return [];
}

let failed = 0;
try {
  for (const client of CLIENTS.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
    const connected = ask('connect', client.name, '--model', MODEL) as unknown as Connected;
    const ran = runClient(client, connected);
    const calls = await callsOf(connected.key.id);
    const good =
      ran.status === 0 && ran.stdout.trim() !== '' && calls.length > 0 && calls.every(({ status }) => status === 'ok');
    if (!good) failed++;
    const seen = calls
      .map(({ client: name, clientVersion, status }) => `${name} ${clientVersion} ${status}`)
      .join(', ');
    console.log(
      `${client.name.padEnd(12)} ${good ? 'ok' : 'FAILED'}   exit ${ran.status}   ${seen || 'no call in the ledger'}`,
    );
    if (!good) console.log(`${ran.stdout}\n${ran.stderr}`);
  }
} finally {
  gate.kill();
  await sleep(500);
  rmSync(home, { recursive: true, force: true });
}
process.exit(failed > 0 ? 1 : 0);
