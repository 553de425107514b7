import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { epochMs } from '#kernel/brand.ts';
import type { AdminClient } from '../connect/admin-client.ts';
import { gateSource } from '../connect/gate-source.ts';
import { ASKER, connect } from '../connect/source.ts';
import { show, type CliContext } from '../context.ts';
import { CliFailure, EXIT } from '../failure.ts';
import type { CommonFlags } from '../flags.ts';
import { count, duration } from '../format.ts';
import { drawSpend } from '../spend/draw.ts';
import { spendReport, type SpendReport } from '../spend/report.ts';

export interface DemoFlags extends CommonFlags {
  readonly speed: number;
  readonly calls?: number;
  readonly model?: string;
  readonly trace?: string;
  readonly seed: number;
}

const TENANTS = ['demo-acme', 'demo-globex', 'demo-initech'] as const;

/** What the load generator prints. */
interface LoadResult {
  readonly calls: number;
  readonly complete: number;
  readonly errors: Readonly<Record<string, number>>;
  readonly durationMs: number;
  readonly latencyMs: { readonly p50: number; readonly p99: number } | null;
  readonly ttftMs: { readonly p50: number; readonly p99: number } | null;
}

interface DemoReport {
  readonly report: 'demo';
  readonly load: LoadResult;
  readonly spend: SpendReport;
}

export async function demo(this: CliContext, flags: DemoFlags): Promise<void> {
  const script = loadScript();
  const client = await connect(this, flags);
  const from = this.now();
  const keys = await demoKeys(client);
  try {
    const model = flags.model ?? (await firstModel(client, [...keys.values()][0]!.raw));
    this.terminal.note(
      `replaying ${flags.trace ?? 'the sample trace'} at ${flags.speed}× on ${model} for ${TENANTS.join(', ')}`,
    );
    const load = await replay(this, { script, url: `${client.url}/v1`, model, keys, flags });
    const spend = await spendOf(this, client, {
      from,
      calls: load.calls,
      keys: [...keys.values()].map(({ id }) => id),
    });
    show<DemoReport>(this, {
      json: flags.json,
      report: { report: 'demo', load, spend },
      draw: (report) => draw(this, report),
    });
    if (load.complete !== load.calls) this.exit(EXIT.failed);
  } finally {
    // Keys of one run: nothing is left behind that opens the gate.
    for (const { id } of keys.values()) await client.ask('POST', `/keys/${id}/revoke`, { body: {} });
  }
}

/** The load generator lies beside the sources, and is a program of its own. */
function loadScript(): string {
  const root = join(import.meta.dirname, '..', '..', '..');
  const places = [join(root, 'lab/load/main.ts'), join(root, 'lab/load/main.js'), join(root, 'dist/lab/load/main.js')];
  const script = places.find((path) => existsSync(path));
  if (script) return script;
  throw new CliFailure({
    code: 'demo_missing',
    message: 'The load generator is not part of this installation.',
    hint: 'run the demo from a checkout of the repository',
  });
}

interface DemoKey {
  readonly id: string;
  readonly raw: string;
}

async function demoKeys(client: AdminClient): Promise<Map<string, DemoKey>> {
  const keys = new Map<string, DemoKey>();
  for (const tenant of TENANTS) {
    await client.ask('POST', '/tenants', { body: { id: tenant } }).catch((error: unknown) => {
      const isThere = error instanceof CliFailure && ['conflict', 'declared_in_file'].includes(error.code);
      if (!isThere) throw error;
    });
    const body = { tenant, name: 'demo', owner: 'headgate demo' };
    const { id, key } = (await client.ask('POST', '/keys', { body })) as { id: string; key: string };
    keys.set(tenant, { id, raw: key });
  }
  return keys;
}

/** The first model that a key may call by its full name and that is not one of embeddings. */
async function firstModel({ url }: AdminClient, key: string): Promise<string> {
  const response = await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${key}` } });
  const { data = [] } = (await response.json()) as { data?: readonly { id: string }[] };
  const model = data.map(({ id }) => id).find((id) => !id.includes('*') && !/embed/.test(id));
  if (model) return model;
  throw new CliFailure({
    code: 'usage',
    message: 'The gate lists no model by its full name.',
    hint: 'name one with --model',
    exit: EXIT.usage,
  });
}

interface Replay {
  readonly script: string;
  readonly url: string;
  readonly model: string;
  readonly keys: ReadonlyMap<string, DemoKey>;
  readonly flags: DemoFlags;
}

async function replay({ terminal }: CliContext, { script, url, model, keys, flags }: Replay): Promise<LoadResult> {
  const args = [
    ...['--url', url, '--model', model, '--speed', String(flags.speed), '--seed', String(flags.seed)],
    ...[...keys].flatMap(([tenant, { raw }]) => ['--key', `${tenant}=${raw}`]),
    ...(flags.trace === undefined ? [] : ['--trace', flags.trace]),
    ...(flags.calls === undefined ? [] : ['--limit', String(flags.calls)]),
  ];
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (out += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    said = chunk.trim().split('\n').at(-1) ?? '';
    terminal.progress(said);
  });
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once('error', reject).once('close', resolve),
  );
  terminal.progress('');
  if (out.startsWith('{')) return JSON.parse(out) as LoadResult;
  throw new CliFailure({
    code: 'demo_failed',
    message: `The load generator ended with ${code}: ${said}`,
    hint: 'run it again with --calls 10',
  });
}

/** Entries reach the store moments after their calls end. */
const SETTLE_TRIES = 50;
const SETTLE_WAIT_MS = 100;

/** What the keys of this run spent: others may use the gate meanwhile. */
async function spendOf(
  context: CliContext,
  client: AdminClient,
  { from, calls, keys }: { readonly from: number; readonly calls: number; readonly keys: readonly string[] },
): Promise<SpendReport> {
  const source = gateSource(client);
  const by = ['tenant', 'model'] as const;
  for (let tries = 1; ; tries++) {
    const to = context.now() + 1;
    const question = { whose: ASKER, by, from: epochMs(from), to: epochMs(to) };
    const rows = (await Promise.all(keys.map((key) => source.spend({ ...question, key })))).flat();
    const report = spendReport({ from, to, zone: context.zone, by, filters: {}, rows, priorRows: null });
    if (report.total.calls >= calls || tries === SETTLE_TRIES) return report;
    await sleep(SETTLE_WAIT_MS);
  }
}

function draw({ terminal }: CliContext, { load, spend }: DemoReport): string {
  const failed = Object.entries(load.errors).map(([why, times]) => `${count(times)} × ${why}`);
  const facts = [
    `${count(load.complete)} of ${count(load.calls)} calls complete in ${duration(load.durationMs)}`,
    ...(failed.length > 0 ? [terminal.paint.bad(failed.join(', '))] : []),
    ...(load.ttftMs ? [`first token p50 ${duration(load.ttftMs.p50)}, p99 ${duration(load.ttftMs.p99)}`] : []),
    ...(load.latencyMs ? [`whole p50 ${duration(load.latencyMs.p50)}, p99 ${duration(load.latencyMs.p99)}`] : []),
  ];
  return `${facts.join('\n')}\n\n${drawSpend(spend, { terminal, limit: 20, keyName: () => null })}`;
}
