/**
 * How much does the gate cost, with everything on? `node bench/gateway/run.ts [--quick]`. The bare undici pass-through
 * runs in the same minute on the same core; the ratio to it is the bar that holds on every machine.
 * Needs wrk, nginx and taskset. Figures go to bench/results/gateway.json with date and commit.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { bodyOf, openLoop, saturate, sleep } from './load.ts';
import { commitOf, startBare, startCanned, startHeadgate, startUpstream, usageOf, type Target } from './targets.ts';
import { median } from '../median.ts';

const quick = process.argv.includes('--quick');
const SECONDS = quick ? 3 : 8;
const ROUNDS = quick ? 1 : 3;
const WARM_SECONDS = quick ? 4 : 10;
const PAIRS = quick ? 1 : 11;
const [CANNED, UPSTREAM, BARE] = [9402, 9401, 9403];

const note = (text: string): void => void process.stderr.write(`${text}\n`);
const round = (value: number, digits = 1): number => Math.round(value * 10 ** digits) / 10 ** digits;

const entriesIn = (target: Target): number => {
  const database = new DatabaseSync(join(target.dataDir!, 'ledger.db'), { readOnly: true });
  const { n } = database.prepare('SELECT count(*) AS n FROM entries').get() as { n: number };
  database.close();
  return n;
};

interface Cost {
  readonly mainUs: number;
  readonly allUs: number;
  readonly perSecond: number;
}

/** CPU a request at saturation, until the spool is empty. */
async function saturation(target: Target, bytes: number): Promise<Cost> {
  const body = bodyOf(bytes);
  // Code is compiled and inlined over the first 40,000 requests or so: measured, 313 µs a request falls to 190.
  saturate(target, body, WARM_SECONDS);
  const counted = target.dataDir !== null;
  if (counted) await settled(target);
  const entries = counted ? entriesIn(target) : 0;
  const before = usageOf(target.pid);
  const load = saturate(target, body, SECONDS);
  if (load.errors) throw new Error(`${target.name}: ${load.errors}`);
  if (counted) await settled(target);
  const after = usageOf(target.pid);
  const done = counted ? entriesIn(target) - entries : load.requests;
  // wrk counts what it saw to the end; up to 64 more were under way when it stopped.
  if (counted && (done < load.requests || done > load.requests + 64))
    throw new Error(`${done} entries of ${load.requests} requests`);
  return {
    mainUs: (after.mainUs - before.mainUs) / done,
    allUs: (after.allUs - before.allUs) / done,
    perSecond: load.perSecond,
  };
}

/** Until the count of entries stands still: nothing is on its way any more. */
async function settled(target: Target): Promise<void> {
  let last = -1;
  for (let same = 0; same < 8;) {
    await sleep(250);
    const now = entriesIn(target);
    same = now === last ? same + 1 : 0;
    last = now;
  }
}

/**
 * CPU of the serving thread to that of the bare pass-through, by pairs of seconds: the machine's pace changes by half
 * from one minute to the next, so each piece of one lies between two of the other.
 */
async function ratio(): Promise<{ readonly ratioServingThread: number; readonly spread: readonly number[] }> {
  const [bare, gate] = [await startBare(BARE, CANNED), await startHeadgate(CANNED)];
  const body = bodyOf(500);
  const cost = async (target: Target, seconds: number): Promise<number> => {
    const before = usageOf(target.pid);
    const { requests, errors } = saturate(target, body, seconds);
    if (errors) throw new Error(`${target.name}: ${errors}`);
    await sleep(500);
    return (usageOf(target.pid).mainUs - before.mainUs) / requests;
  };
  for (const target of [bare, gate]) saturate(target, body, WARM_SECONDS);
  const ratios: number[] = [];
  for (let i = 0; i < PAIRS; i++) {
    note(`pair ${i + 1} of ${PAIRS}`);
    const [before, own, after] = [await cost(bare, 2), await cost(gate, 3), await cost(bare, 2)];
    ratios.push(round((own * 2) / (before + after), 2));
  }
  await Promise.all([bare.stop(), gate.stop()]);
  return { ratioServingThread: round(median(ratios), 2), spread: ratios.toSorted((a, b) => a - b) };
}

const upstream = await startUpstream(UPSTREAM);
const canned = startCanned(CANNED);
await sleep(500);
const results: Record<string, unknown> = {
  date: new Date().toISOString(),
  commit: commitOf(),
  node: process.version,
  cpu: cpus()[0]!.model,
  cores: cpus().length,
};

const costs: { bare: Cost[]; headgate: Record<number, Cost[]> } = { bare: [], headgate: {} };
for (let i = 0; i < ROUNDS; i++) {
  note(`round ${i + 1} of ${ROUNDS}: saturation`);
  const bare = await startBare(BARE, CANNED);
  costs.bare.push(await saturation(bare, 500));
  await bare.stop();
  const gate = await startHeadgate(CANNED);
  for (const bytes of [500, 8_000, 100_000]) (costs.headgate[bytes] ??= []).push(await saturation(gate, bytes));
  await gate.stop();
}
const bareUs = median(costs.bare.map(({ mainUs }) => mainUs));
results['saturation'] = {
  bare: { usPerRequest: round(bareUs), perSecond: round(median(costs.bare.map(({ perSecond }) => perSecond)), 0) },
  headgate: Object.fromEntries(
    Object.entries(costs.headgate).map(([bytes, rows]) => [
      `${bytes} B`,
      {
        usServingThread: round(median(rows.map(({ mainUs }) => mainUs))),
        usAllThreads: round(median(rows.map(({ allUs }) => allUs))),
        perSecond: round(median(rows.map(({ perSecond }) => perSecond)), 0),
      },
    ]),
  ),
  ...(await ratio()),
};

note('added latency');
const bare = await startBare(BARE, UPSTREAM);
const direct: Target = {
  name: 'direct',
  port: UPSTREAM,
  pid: upstream.pid!,
  keys: ['x'],
  dataDir: null,
  stop: async () => undefined,
};
const body = bodyOf(500);
await openLoop(direct, body, 400, 2);
const directLatency = await openLoop(direct, body, 400, SECONDS);
saturate(bare, body, WARM_SECONDS);
await openLoop(bare, body, 400, 2);
const bareLatency = await openLoop(bare, body, 400, SECONDS);
await bare.stop();
const gate = await startHeadgate(UPSTREAM);
await sleep(2000);
const idleMb = usageOf(gate.pid).rssMb;
// As at saturation: what is measured is a gate that has run for a while, and not its compiler.
saturate(gate, body, WARM_SECONDS);
await settled(gate);
await openLoop(gate, body, 400, 2);
const latency = await openLoop(gate, body, 400, SECONDS);
await gate.stop();
results['latencyMs'] = {
  direct: directLatency,
  bare: bareLatency,
  headgate: latency,
  addedP50: round(latency.p50 - directLatency.p50, 2),
  addedP99: round(latency.p99 - directLatency.p99, 2),
};
results['idleMb'] = idleMb;

note('crossed dialects: an OpenAI client, an Anthropic upstream');
const crossed = await startHeadgate(CANNED, 'lab-messages');
const crossedCost = await saturation(crossed, 500);
await crossed.stop();
results['crossed'] = {
  usServingThread: round(crossedCost.mainUs),
  usAllThreads: round(crossedCost.allUs),
  perSecond: round(crossedCost.perSecond, 0),
};
note('memory after 100,000 and 200,000 requests');
const memory = await startHeadgate(CANNED);
const rss: number[] = [];
for (let done = 0; done < (quick ? 20_000 : 200_000);) {
  done += saturate(memory, body, 4).requests;
  if (rss.length === 0 && done >= (quick ? 10_000 : 100_000)) {
    await settled(memory);
    rss.push(usageOf(memory.pid).rssMb);
  }
}
await settled(memory);
rss.push(usageOf(memory.pid).rssMb);
await memory.stop();
results['memoryMb'] = { idle: idleMb, after100k: rss[0], after200k: rss[1], growth: round(rss[1]! / rss[0]! - 1, 3) };

upstream.kill();
canned.kill();
const text = JSON.stringify(results, null, 2);
console.log(text);
if (!quick) {
  const folder = join(import.meta.dirname, '..', 'results');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'gateway.json'), `${text}\n`);
}
process.exit(0);
