import { spawn, execFileSync, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { epochMs } from '#kernel/brand.ts';
import { openSqliteState } from '#stores/sqlite/state-store.ts';
import { keyText, KEY_BYTES } from '#capabilities/tenants/index.ts';
import { benchState } from './seed.ts';

/** The gateway alone has core 1; upstream and load share core 0. */
export const GATEWAY_CORE = '1';
export const LOAD_CORE = '0';

export interface Target {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  readonly keys: readonly string[];
  readonly dataDir: string | null;
  stop(): Promise<void>;
}

const root = join(import.meta.dirname, '..', '..');
const live = new Set<ChildProcess>();
process.once('exit', () => live.forEach((child) => child.kill('SIGKILL')));

export function pinned(core: string, command: readonly string[], env: Record<string, string> = {}): ChildProcess {
  const child = spawn('taskset', ['-c', core, ...command], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  live.add(child);
  child.once('exit', () => live.delete(child));
  return child;
}

export const said = (child: ChildProcess, what: RegExp): Promise<RegExpExecArray> =>
  new Promise((resolve, reject) => {
    let text = '';
    child.stdout!.on('data', (chunk: Buffer) => {
      text += chunk;
      const found = what.exec(text);
      if (found) resolve(found);
    });
    child.once('exit', (code) => reject(new Error(`ended with ${code}\n${text}`)));
  });

export async function startUpstream(port: number): Promise<ChildProcess> {
  const child = pinned(LOAD_CORE, [process.execPath, join(import.meta.dirname, 'upstream.ts')], { PORT: String(port) });
  await said(child, /listening/);
  return child;
}

/** What a provider says of its account's limits: the gate learns them, and takes a turn for each call. */
const ACCOUNT_HEADERS = [
  ['limit-requests', '1000000000'],
  ['remaining-requests', '999999999'],
  ['reset-requests', '1ms'],
  ['limit-tokens', '1000000000000'],
  ['remaining-tokens', '999999999999'],
  ['reset-tokens', '1ms'],
]
  .map(([name, value]) => `add_header x-ratelimit-${name} ${value};`)
  .join(' ');

/** nginx with a canned answer: never the bottleneck of a saturation run. */
export function startCanned(port: number): ChildProcess {
  const dir = mkdtempSync(join(tmpdir(), 'headgate-bench-'));
  const text = 'Hello from the bench upstream. '.repeat(16);
  const body = `{"id":"chatcmpl-bench","object":"chat.completion","created":1700000000,"model":"gpt-bench","choices":[{"index":0,"message":{"role":"assistant","content":"${text}"},"finish_reason":"stop"}],"usage":{"prompt_tokens":120,"completion_tokens":100,"total_tokens":220,"prompt_tokens_details":{"cached_tokens":40}}}`;
  const message = `{"id":"msg_bench","type":"message","role":"assistant","model":"gpt-bench","content":[{"type":"text","text":"${text}"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":80,"cache_creation_input_tokens":0,"cache_read_input_tokens":40,"output_tokens":100}}`;
  writeFileSync(
    join(dir, 'nginx.conf'),
    `worker_processes 1; daemon off; pid ${dir}/pid; error_log ${dir}/error.log warn; events { worker_connections 4096; }
http { access_log off; keepalive_requests 100000000; client_max_body_size 64m; client_body_buffer_size 256k; client_body_temp_path ${dir}/b; proxy_temp_path ${dir}/x; fastcgi_temp_path ${dir}/f; uwsgi_temp_path ${dir}/u; scgi_temp_path ${dir}/s;
  server { listen 127.0.0.1:${port}; location / { default_type application/json; ${ACCOUNT_HEADERS} return 200 '${body}'; } location /v1/messages { default_type application/json; return 200 '${message}'; } } }`,
  );
  return pinned(LOAD_CORE, ['nginx', '-p', dir, '-c', join(dir, 'nginx.conf')]);
}

export async function startBare(port: number, upstream: number): Promise<Target> {
  const child = pinned(GATEWAY_CORE, [process.execPath, join(import.meta.dirname, 'bare.ts')], {
    PORT: String(port),
    UPSTREAM: String(upstream),
  });
  await said(child, /listening/);
  return { name: 'bare', port, pid: child.pid!, keys: ['bench'], dataDir: null, stop: () => stopped(child) };
}

const stopped = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
  });

const KEYS = 10_000;

/** Headgate with everything on: 10,000 keys with allow-lists, budgets and limits, turns at the account, prices, the durable ledger. */
export async function startHeadgate(upstream: number, kind: 'lab-chat' | 'lab-messages' = 'lab-chat'): Promise<Target> {
  const dataDir = mkdtempSync(join(tmpdir(), 'headgate-bench-'));
  const state = join(dataDir, 'state');
  mkdirSync(state, { recursive: true });
  const config = join(dataDir, 'headgate.yaml');
  writeFileSync(
    config,
    `dataDir: ${state}
listen: { port: 0 }
providers: { up: { kind: ${kind}, baseUrl: "http://127.0.0.1:${upstream}/v1" } }
models: { gpt-bench: { deployments: [{ provider: up }] } }
prices: [{ provider: up, model: gpt-bench, perMillion: { input: "2.50", cachedRead: "1.25", output: "10" } }]
features: { search: {}, support: {} }
`,
  );
  const keys = await seedKeys(join(state, 'state.db'));
  const child = pinned(GATEWAY_CORE, [process.execPath, join(root, 'bin/headgate.js'), 'up', '--config', config], {
    HEADGATE_CONFIG: config,
  });
  const [, port] = await said(child, /listens on http:\/\/127\.0\.0\.1:(\d+)/);
  return { name: 'headgate', port: Number(port), pid: child.pid!, keys, dataDir: state, stop: () => stopped(child) };
}

async function seedKeys(path: string): Promise<string[]> {
  const now = epochMs(Date.now());
  const raws = Array.from({ length: KEYS }, () => keyText(randomBytes(KEY_BYTES)));
  const store = openSqliteState(path);
  await store.apply(benchState(raws, now), {
    id: 'aud_bench',
    at: now,
    actor: 'bench',
    action: 'seed',
    subject: 'bench',
    tenant: null,
    detail: '{}',
  });
  await store.close();
  return raws;
}

/** CPU in microseconds of the serving thread and of the whole process, and resident megabytes. */
export function usageOf(pid: number): { mainUs: number; allUs: number; rssMb: number } {
  const ticks = (path: string): number => {
    const fields = readFileSync(path, 'utf8').split(') ')[1]!.split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10_000;
  };
  const rss = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return {
    mainUs: ticks(`/proc/${pid}/task/${pid}/stat`),
    allUs: ticks(`/proc/${pid}/stat`),
    rssMb: Math.round(Number(rss ?? 0) / 1024),
  };
}

export const threadsOf = (pid: number): number => readdirSync(`/proc/${pid}/task`).length;

export function commitOf(): string {
  return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();
}
