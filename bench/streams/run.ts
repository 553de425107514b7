/**
 * What does an event of a stream cost, and its first token? `node bench/streams/run.ts [--quick]`. 64 streams of 100
 * tokens, one each 20 ms, through the gate with everything on and through the bare pass-through, by turns in the same
 * minutes on the same core: the ratio of each pair, and their median. Needs taskset. Figures go to
 * bench/results/streams.json with date and commit.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { cancelDelay, paced, type Paced } from '../gateway/load.ts';
import { commitOf, startBare, startHeadgate, startUpstream, usageOf, type Target } from '../gateway/targets.ts';
import { median } from '../median.ts';

const quick = process.argv.includes('--quick');
const PAIRS = quick ? 2 : 7;
const STREAMS = 64;
/** Rounds of one measurement: the kernel counts CPU in steps of 10 ms, which are 1 % of it. */
const ROUNDS = quick ? 1 : 4;
const [UPSTREAM, BARE] = [9411, 9413];

const round = (value: number): number => Math.round(value * 100) / 100;

interface Measured {
  readonly usPerEvent: number;
  readonly ttft: Paced['ttft'];
}

async function measured(target: Target): Promise<Measured> {
  const before = usageOf(target.pid);
  const { bad, events, ttft } = await paced(target, STREAMS, ROUNDS);
  const after = usageOf(target.pid);
  if (bad > 0) throw new Error(`${target.name}: ${bad} streams failed`);
  return { usPerEvent: (after.mainUs - before.mainUs) / events, ttft };
}

const upstream = await startUpstream(UPSTREAM);
const [bare, gate] = [await startBare(BARE, UPSTREAM), await startHeadgate(UPSTREAM)];
const direct: Target = { ...bare, name: 'direct', port: UPSTREAM, pid: upstream.pid! };
for (const target of [bare, gate]) await paced(target, STREAMS, quick ? 1 : 4);
const pairs: { readonly bare: Measured; readonly gate: Measured; readonly direct: Paced }[] = [];
for (let i = 0; i < PAIRS; i++) {
  process.stderr.write(`pair ${i + 1} of ${PAIRS}\n`);
  pairs.push({
    direct: await paced(direct, STREAMS, 1),
    bare: await measured(bare),
    gate: await measured(gate),
  });
}
const cancels: number[] = [];
for (let i = 0; i < 10; i++) cancels.push(await cancelDelay(gate, UPSTREAM));
const ratios = pairs.map((pair) => round(pair.gate.usPerEvent / pair.bare.usPerEvent));
const result = {
  date: new Date().toISOString(),
  commit: commitOf(),
  node: process.version,
  cpu: cpus()[0]!.model,
  bareUsPerEvent: round(median(pairs.map((pair) => pair.bare.usPerEvent))),
  headgateUsPerEvent: round(median(pairs.map((pair) => pair.gate.usPerEvent))),
  ratio: median(ratios),
  spread: ratios,
  addedTtftMs: {
    p50: round(median(pairs.map((pair) => pair.gate.ttft.p50 - pair.direct.ttft.p50))),
    p99: round(median(pairs.map((pair) => pair.gate.ttft.p99 - pair.direct.ttft.p99))),
  },
  cancelMs: { max: Math.max(...cancels), all: cancels },
};
await gate.stop();
await bare.stop();
upstream.kill();
const text = JSON.stringify(result, null, 2);
console.log(text);
if (!quick) {
  const folder = join(import.meta.dirname, '..', 'results');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'streams.json'), `${text}\n`);
}
process.exit(0);
