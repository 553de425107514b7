/**
 * How long does each page of the console wait for its figures, and when is its first paint, with a million entries?
 * `npm run bench -- console [--entries 1000000]`. The bars: 200 ms a question, 1 s to the first paint.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { seededRng } from '#kernel/rng.ts';
import { shipped } from '#ports/entry-text.ts';
import { openSqliteLedger } from '#stores/sqlite/ledger-store.ts';
import { launch, noBrowser } from '../../test/console/browser.ts';
import { startGate, temporaryFolder, type GateProcess } from '../../test/harness/gate-process.ts';
import { buildConsole } from '../../scripts/console.ts';
import { generated } from './entries.ts';
import { median } from '../median.ts';

const root = join(import.meta.dirname, '..', '..');
const SEED = 20261125;
const DAY_MS = 86_400_000;
const SPAN_MS = 30 * DAY_MS;
const BATCH = 1_000;
const RUNS = 9;
const BAR_MS = { question: 200, paint: 1_000 };
/** The store takes in so many before it sums minutes: what is younger than two minutes is counted from entries. */
const argument = process.argv.indexOf('--entries');
const entries = argument < 0 ? 1_000_000 : Number(process.argv[argument + 1]);

/** Questions as the pages ask them; `W` is the window. */
const QUESTIONS: Readonly<Record<string, readonly string[]>> = {
  overview: [
    '/spend?W&by=kind&bucket=B&figures=sums',
    '/spend?W&by=,&bucket=B&figures=quantiles',
    '/spend?W&by=,&figures=quantiles',
    '/spend?P&by=,&figures=quantiles',
    '/spend?W&by=tenant,model&figures=sums',
    '/spend?P&by=tenant,model&figures=sums',
  ],
  calls: ['/calls?W&limit=100'],
  'calls of a tenant': ['/calls?W&limit=100&tenant=tenant-3'],
  'calls that failed': ['/calls?W&limit=100&outcome=provider_error'],
  'calls of nobody': ['/calls?W&limit=100&model=no-such-model'],
  'calls of a label': ['/calls?W&limit=100&label=env%3Dstaging'],
  sessions: ['/sessions?W&limit=50'],
  'spend by three': ['/spend?W&by=tenant,feature,model&figures=sums', '/spend?P&by=tenant,feature,model&figures=sums'],
  'spend by label': ['/spend?W&by=label:env,tenant&figures=sums'],
  providers: ['/providers'],
  keys: ['/keys?limit=100'],
  budgets: ['/budgets'],
  now: ['/now?since=1h'],
};
const WINDOWS = { '1h': 3_600_000, '24h': DAY_MS, '7d': 7 * DAY_MS, '30d': SPAN_MS } as const;

const config = `
providers: { lab: { kind: lab, baseUrl: "http://127.0.0.1:9/v1" } }
models: { small: { deployments: [{ provider: lab }] } }
labels: [env]
log: { level: silent }
`;

async function fill(): Promise<void> {
  const state = join(folder, 'state');
  mkdirSync(state, { recursive: true });
  const store = openSqliteLedger(join(state, 'ledger.db'));
  const rng = seededRng(SEED);
  const start = Date.now() - SPAN_MS;
  const from = performance.now();
  for (let i = 0; i < entries; i += BATCH) {
    const size = Math.min(BATCH, entries - i);
    await store.ship(
      shipped(Array.from({ length: size }, (_, n) => generated({ at: start + ((i + n) / entries) * SPAN_MS, rng }))),
    );
  }
  await store.close();
  process.stderr.write(`${entries} entries in ${Math.round((performance.now() - from) / 1000)} s\n`);
}

interface Measured {
  readonly page: string;
  readonly window: string;
  /** Of the slowest question of the page. */
  readonly medianMs: number;
  readonly worstMs: number;
  /** All questions of the page at once, as a browser asks them. */
  readonly togetherMs: number;
}

async function measured(gate: GateProcess): Promise<Measured[]> {
  const results: Measured[] = [];
  for (const [window, length] of Object.entries(WINDOWS)) {
    for (const [page, questions] of Object.entries(QUESTIONS)) {
      const paths = questions.map((path) => filled(path, length));
      const singles: number[][] = [];
      for (const path of paths) singles.push(await times(RUNS, () => gate.admin('GET', path)));
      const together = await times(RUNS, () => Promise.all(paths.map((path) => gate.admin('GET', path))));
      const medianMs = Math.max(...singles.map(median));
      results.push({ page, window, medianMs, worstMs: Math.max(...singles.flat()), togetherMs: median(together) });
    }
  }
  return results;
}

function filled(path: string, length: number): string {
  const to = Date.now();
  const bucket = length <= 3 * 3_600_000 ? 'minute' : length <= 8 * DAY_MS ? 'hour' : 'day';
  return path
    .replace('W', `from=${to - length}&to=${to}`)
    .replace('P', `from=${to - 2 * length}&to=${to - length}`)
    .replace('bucket=B', `bucket=${bucket}`);
}

async function times(runs: number, work: () => Promise<unknown>): Promise<number[]> {
  await work();
  const took: number[] = [];
  for (let i = 0; i < runs; i++) {
    const from = performance.now();
    await work();
    took.push(performance.now() - from);
  }
  return took;
}

/** From the address to the first paint, and to the figures of the overview. */
async function paint(gate: GateProcess): Promise<{ readonly firstPaintMs: number; readonly figuresMs: number }> {
  const browser = await launch();
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${gate.url}/console/`);
  await page.fill('input[name=token]', gate.adminToken);
  await page.keyboard.press('Enter');
  await page.waitForSelector('.figure');
  const figures: number[] = [];
  const first: number[] = [];
  for (let i = 0; i < RUNS; i++) {
    const from = performance.now();
    await page.goto(`${gate.url}/console/?window=7d`);
    await page.waitForSelector('.figure');
    figures.push(performance.now() - from);
    first.push((await page.evaluate(`performance.getEntriesByName('first-contentful-paint')[0].startTime`)) as number);
  }
  await browser.close();
  return { firstPaintMs: median(first), figuresMs: median(figures) };
}

function report(results: readonly Measured[], paintMs: Awaited<ReturnType<typeof paint>> | null): void {
  const ms = (value: number): string => value.toFixed(1).padStart(9);
  console.log(`${entries} entries over 30 days; milliseconds, median of ${RUNS}`);
  console.log(
    `${'page'.padEnd(20)}${'window'.padEnd(8)}${'question'.padStart(9)}${'worst'.padStart(9)}${'page'.padStart(9)}`,
  );
  for (const { page, window, medianMs, worstMs, togetherMs } of results)
    console.log(`${page.padEnd(20)}${window.padEnd(8)}${ms(medianMs)}${ms(worstMs)}${ms(togetherMs)}`);
  if (paintMs) console.log(`first paint ${ms(paintMs.firstPaintMs)} ms, figures of 7 days ${ms(paintMs.figuresMs)} ms`);
  const over = results.filter(({ medianMs }) => medianMs > BAR_MS.question);
  console.log(over.length === 0 ? `every question is below ${BAR_MS.question} ms` : `${over.length} over the bar`);
  const file = join(root, 'bench', 'results', entries === 1_000_000 ? 'console.json' : 'tmp/console.json');
  if (!existsSync(join(file, '..'))) mkdirSync(join(file, '..'), { recursive: true });
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`;
  const date = new Date().toISOString();
  writeFileSync(
    file,
    `${JSON.stringify({ date, commit, machine, entries, bar: BAR_MS, paintMs, results }, null, 2)}\n`,
  );
  process.exitCode = over.length === 0 ? 0 : 3;
}

const folder = temporaryFolder('bench-console');
try {
  await fill();
  await buildConsole();
  const gate = await startGate({ config, dataDir: folder });
  const results = await measured(gate);
  const paintMs = noBrowser === false ? await paint(gate) : null;
  await gate.stop();
  report(results, paintMs);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
