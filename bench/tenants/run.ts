/**
 * Do the pages of tenants stay usable with 10,000 tenants? `npm run bench -- tenants [--entries 200000]`: each has a
 * limit and a budget of its own and called in the last day. Measured is each question of the pages, the first time after
 * a start and then again and again, and how long the loop that serves calls is held meanwhile. The bar: 200 ms a question,
 * once it was asked. Figures go to bench/results/tenants.json.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import {
  epochMs,
  type BudgetId,
  type EpochMs,
  type FeatureName,
  type KeyId,
  type LimitId,
  type TenantId,
} from '#kernel/brand.ts';
import { nanoUsd } from '#kernel/money.ts';
import { seededRng } from '#kernel/rng.ts';
import { shipped } from '#ports/entry-text.ts';
import type { StateChange } from '#ports/state-store.ts';
import { openSqliteLedger } from '#stores/sqlite/ledger-store.ts';
import { openSqliteState } from '#stores/sqlite/state-store.ts';
import { startGate, temporaryFolder, type GateProcess } from '../../test/harness/gate-process.ts';
import { generated } from '../console/entries.ts';
import { commitOf } from '../gateway/targets.ts';
import { median } from '../median.ts';

const SEED = 20_261_127;
const [TENANTS, BATCH, RUNS, BAR_MS, DAY_MS] = [10_000, 5_000, 9, 200, 86_400_000];
const argument = process.argv.indexOf('--entries');
const ENTRIES = argument < 0 ? 200_000 : Number(process.argv[argument + 1]);
const FEATURES = ['search', 'chat', 'docs'];

const QUESTIONS: Readonly<Record<string, string>> = {
  'tenants by spend': '/tenant-report?since=24h',
  'tenants by limit': '/tenant-report?since=24h&sort=limit&offset=5000',
  'tenants found': '/tenant-report?since=24h&search=tenant-77',
  'tenants at a loss': '/tenant-report?since=24h&only=loss&sort=margin',
  'spend by tenant': '/spend?since=24h&by=tenant&figures=sums',
  'spend with latency': '/spend?since=24h&by=tenant&figures=quantiles',
  'what is wrong now': '/now',
  limits: '/limit-use',
  'limits of one': '/limit-use?tenant=tenant-77',
  'bill by tenant': '/attribution/level',
  'bill of one': '/attribution/level?tenant=tenant-77',
  'entries of one': '/attribution/entries?tenant=tenant-77&feature=chat&purpose=answer',
};

const config = `
providers: { lab: { kind: lab, baseUrl: "http://127.0.0.1:9/v1" } }
models: { small: { deployments: [{ provider: lab }] } }
features: { search: {}, chat: {}, docs: {} }
log: { level: silent }
attribution:
  shared: { probes: { kinds: [probe], rule: even } }
  pricing: { plans: { pro: { markup: 20 } } }
`;

async function fill(folder: string): Promise<void> {
  const state = join(folder, 'state');
  mkdirSync(state, { recursive: true });
  const store = openSqliteLedger(join(state, 'ledger.db'));
  const rng = seededRng(SEED);
  const start = Date.now() - DAY_MS;
  const entry = (i: number) => ({
    ...generated({ at: start + (i / ENTRIES) * DAY_MS, rng }),
    tenant: `tenant-${i % TENANTS}` as TenantId,
    key: `key_${i % TENANTS}` as KeyId,
    feature: FEATURES[i % FEATURES.length] as FeatureName,
    ...{ team: null, labels: {} },
  });
  for (let i = 0; i < ENTRIES; i += BATCH)
    await store.ship(shipped(Array.from({ length: Math.min(BATCH, ENTRIES - i) }, (_, n) => entry(i + n))));
  await store.close();
  await fillState(join(state, 'state.db'));
}

/** Each tenant with a limit and a budget. */
async function fillState(path: string): Promise<void> {
  const store = openSqliteState(path);
  const now = epochMs(Date.now());
  for (let i = 0; i < TENANTS; i += BATCH) {
    const changes = Array.from({ length: BATCH }, (_, n) => rowsOf(i + n, now)).flat();
    const audit = {
      id: `aud_${i}`,
      at: now,
      actor: 'bench',
      action: 'bench',
      subject: 'all',
      tenant: null,
      detail: '{}',
    };
    await store.apply(changes, audit);
  }
  await store.close();
}

function rowsOf(i: number, now: EpochMs): StateChange[] {
  const id = `tenant-${i}` as TenantId;
  const scope = { level: 'tenant', tenant: id, id: null } as const;
  const common = { scope, raise: null, contact: null, createdAt: now };
  return [
    {
      put: 'tenant',
      value: {
        ...{ id, name: `Customer ${i}`, createdAt: now, disabledAt: null, secret: 'ab'.repeat(32), costExpose: null },
        plan: i % 2 ? 'pro' : null,
      },
    },
    { put: 'limit', value: { ...common, id: `lim_${i}` as LimitId, unit: 'requests', window: 'minute', limit: 600 } },
    {
      put: 'budget',
      value: {
        ...{ ...common, id: `bud_${i}` as BudgetId, limitNanoUsd: nanoUsd(50_000_000_000n), mode: 'bounded' },
        ...{ window: { kind: 'calendar', unit: 'month', timeZone: 'UTC' }, endWhenSpent: false, warnAt: [] },
        unknownPriceNanoUsd: null,
      },
    },
  ];
}

interface Measured {
  readonly question: string;
  readonly firstMs: number;
  readonly medianMs: number;
  readonly worstMs: number;
  readonly bytes: number;
}

async function measured(gate: GateProcess): Promise<Measured[]> {
  const results: Measured[] = [];
  for (const [question, path] of Object.entries(QUESTIONS)) {
    const took: number[] = [];
    let bytes = 0;
    for (let i = 0; i <= RUNS; i++) {
      const from = performance.now();
      bytes = JSON.stringify(await gate.admin('GET', path)).length;
      took.push(performance.now() - from);
      if (i === 0) await whole(gate);
    }
    const [firstMs, ...rest] = took as [number, ...number[]];
    results.push({ question, firstMs, medianMs: median(rest), worstMs: Math.max(...rest), bytes });
  }
  return results;
}

/** What the first answer left to be read. */
const whole = (gate: GateProcess): Promise<void> =>
  gate.until(
    'the whole report',
    async () => (await gate.admin('GET', QUESTIONS['tenants by spend']!)).reading.length === 0,
  );

/** The longest that a question which needs nothing waits while others are answered. */
async function held(gate: GateProcess, work: () => Promise<unknown>): Promise<number> {
  let [worst, running] = [0, true];
  const watching = (async () => {
    while (running) {
      const from = performance.now();
      await fetch(`${gate.url}/health/live`).then((response) => response.text());
      worst = Math.max(worst, performance.now() - from);
    }
  })();
  await work();
  running = false;
  await watching;
  return worst;
}

const folder = temporaryFolder('bench-tenants');
try {
  const from = performance.now();
  await fill(folder);
  process.stderr.write(
    `${ENTRIES} entries of ${TENANTS} tenants in ${Math.round((performance.now() - from) / 1000)} s\n`,
  );
  const gate = await startGate({ config, dataDir: folder });
  let results: Measured[] = [];
  const heldMs = await held(gate, async () => (results = await measured(gate)));
  await gate.stop();
  console.log(`${ENTRIES} entries of ${TENANTS} tenants, seed ${SEED}; milliseconds, median of ${RUNS}`);
  for (const { question, firstMs, medianMs, worstMs, bytes } of results)
    console.log(
      `${question.padEnd(20)} first ${firstMs.toFixed(0).padStart(6)} then ${medianMs.toFixed(1).padStart(7)} worst ${worstMs.toFixed(1).padStart(7)}  ${(bytes / 1024).toFixed(0).padStart(5)} KB`,
    );
  console.log(`another request waited ${heldMs.toFixed(0)} ms at most meanwhile`);
  const over = results.filter(({ medianMs }) => medianMs > BAR_MS);
  console.log(
    over.length === 0 ? `every question is below ${BAR_MS} ms once it was asked` : `${over.length} over the bar`,
  );
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`;
  const head = { date: new Date().toISOString(), commit: commitOf(), machine, entries: ENTRIES, tenants: TENANTS };
  writeFileSync(
    join(import.meta.dirname, '..', 'results', 'tenants.json'),
    `${JSON.stringify({ ...head, seed: SEED, barMs: BAR_MS, heldMs, results }, null, 2)}\n`,
  );
  process.exitCode = over.length === 0 ? 0 : 3;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
