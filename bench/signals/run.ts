/**
 * What do signals and affinity cost the thread that serves calls? `node bench/signals/run.ts [--calls n] [--quick]`. Three
 * questions: the whole pipeline in process with the exporter and without, in turns (CPU time of the serving thread
 * alone); each step by itself in a loop over a recorded entry; and our writer of protobuf beside OpenTelemetry's own on
 * the same spans. The budget is 10 µs a call for all of it.
 */
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { callId } from '#kernel/ids.ts';
import { seededRng } from '#kernel/rng.ts';
import { decodeEntry, encodeEntry } from '#ports/entry-text.ts';
import { sampleAdmission, sampleEntry } from '#ledger/entry/samples.ts';
import { CallMeter } from '#gateway/call-meter.ts';
import { TRACES, tracesRequest } from '#telemetry/core/otlp.ts';
import { encode } from '#telemetry/core/protobuf.ts';
import { spansOf } from '#telemetry/core/spans.ts';
import { attemptSpanId, isSampled, readParent, spanIdsOf, traceparent } from '#telemetry/core/trace-context.ts';
import { Telemetry, type ExporterSettings } from '#telemetry/index.ts';
import { bodyOf } from '../gateway/load.ts';
import { commitOf } from '../gateway/targets.ts';
import { affinityStep } from './affinity.ts';
import { calls, memoryTransport } from '../pipeline/drive.ts';
import { openWorld } from '../pipeline/world.ts';
import { median } from '../median.ts';

const quick = process.argv.includes('--quick');
const CALLS = Number(process.argv[process.argv.indexOf('--calls') + 1]) || (quick ? 2_000 : 10_000);
const ROUNDS = quick ? 3 : 15;
const LOOPS = quick ? 20_000 : 100_000;
const PARENT = { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', tracestate: 'vendor=abc' };

const round = (value: number): number => Math.round(value * 100) / 100;

async function cpuOf(work: () => Promise<void> | void, count: number): Promise<number> {
  const before = process.threadCpuUsage();
  await work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / count;
}

/** Wall time of a step in microseconds, the best of five: what else the machine does only adds. */
function loop(work: (i: number) => void, count = LOOPS): number {
  const rounds: number[] = [];
  for (let turn = 0; turn < 6; turn++) {
    const start = performance.now();
    for (let i = 0; i < count; i++) work(i);
    if (turn > 0) rounds.push(((performance.now() - start) * 1000) / count);
  }
  return round(Math.min(...rounds));
}

const sink = new Worker(new URL('./sink.ts', import.meta.url));
const [port] = (await once(sink, 'message')) as [number];
const settings: ExporterSettings = {
  otlp: {
    ...{ endpoint: `http://127.0.0.1:${port}`, protocol: 'protobuf', compression: 'none', headers: {} },
    ...{ timeoutMs: 10_000, traces: { ratio: 1, parent: 'obey' }, metrics: { intervalMs: 1_000 } },
    resource: { 'service.name': 'headgate' },
  },
  providers: { up: { genAiName: 'lab', address: '127.0.0.1', port: 1 } },
};

/** Difference of neighbours in time: what the machine does besides is in both. */
async function pipeline() {
  const dir = mkdtempSync(join(tmpdir(), 'headgate-signals-'));
  const world = await openWorld(dir, memoryTransport);
  const { telemetry } = world.gate;
  telemetry.use(settings);
  const body = Buffer.from(bodyOf(500));
  await calls(world, body, CALLS * 2, PARENT);
  const pairs: { off: number; on: number }[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    telemetry.on = false;
    const off = await cpuOf(() => calls(world, body, CALLS, PARENT), CALLS);
    telemetry.on = true;
    const on = await cpuOf(() => calls(world, body, CALLS, PARENT), CALLS);
    pairs.push({ off, on });
    // The thread works off what it has, so that the next round without it is one.
    while (telemetry.stats().queuedBytes > 0 || telemetry.stats().inFlightCalls > 64)
      await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const stats = telemetry.stats();
  await telemetry.close(3_000);
  await world.close();
  rmSync(dir, { recursive: true, force: true });
  const added = pairs.map(({ on, off }) => round(on - off));
  return {
    offUs: round(median(pairs.map(({ off }) => off))),
    onUs: round(median(pairs.map(({ on }) => on))),
    addedUs: median(added),
    addedOfBestUs: round(Math.min(...pairs.map(({ on }) => on)) - Math.min(...pairs.map(({ off }) => off))),
    spread: added.toSorted((a, b) => a - b),
    droppedCalls: stats.droppedCalls,
    sentSpans: stats.sentSpans,
  };
}

async function steps() {
  const rng = seededRng(11);
  const entries = Array.from({ length: 256 }, (_, i) => sampleEntry(sampleAdmission(rng, i + 1), rng));
  const texts = entries.map(encodeEntry);
  const meter = new CallMeter();
  const metersUs = loop((i) => meter.settled(entries[i & 255]!));
  const telemetry = new Telemetry((why) => console.error(why));
  telemetry.use(settings);
  // In slices, so that the thread keeps up: a call that is dropped costs less.
  const slices: number[] = [];
  for (let slice = 0; slice < (quick ? 5 : 30); slice++) {
    const start = performance.now();
    for (let i = 0; i < 1_024; i++) telemetry.settled(texts[i & 255]!, PARENT.traceparent, PARENT.tracestate);
    slices.push(((performance.now() - start) * 1000) / 1_024);
    while (telemetry.stats().inFlightCalls > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const { droppedCalls } = telemetry.stats();
  const inBatchesUs = round(median(slices));
  await telemetry.close(1_000);
  // Calls far apart are a message each: the most that handing over can cost.
  const alone = new Worker('require("node:worker_threads").parentPort.on("message", () => undefined)', { eval: true });
  const aloneUs = loop((i) => {
    alone.postMessage({ do: 'calls', rows: [texts[i & 255]!, PARENT.traceparent, ''] });
  }, 5_000);
  await alone.terminate();
  const ids = entries.map(({ at }) => callId(at, rng));
  const contextUs = loop((i) => {
    const parent = readParent(PARENT.traceparent, PARENT.tracestate);
    const { traceId, spanId } = spanIdsOf(ids[i & 255]!, parent);
    traceparent(traceId, attemptSpanId(spanId, 1), isSampled(traceId, parent, { ratio: 0.1, parent: 'obey' }));
  });
  const affinityNamedUs = loop(affinityStep(true));
  const affinityHashedUs = loop(affinityStep(false));
  return {
    metersUs,
    inBatchesUs,
    droppedCalls,
    aloneUs,
    contextUs,
    affinityNamedUs,
    affinityHashedUs,
    entryBytes: Math.round(texts.join('').length / texts.length),
  };
}

/** Microseconds a span, in the exporter's thread: our writer, and the generated one of @opentelemetry/otlp-transformer. */
async function writers() {
  const rng = seededRng(12);
  const spans = Array.from({ length: 256 }, (_, i) => {
    const entry = decodeEntry(encodeEntry(sampleEntry(sampleAdmission(rng, i + 1), rng)));
    return spansOf({ entry, ids: spanIdsOf(entry.id, null), parent: null, providers: settings.providers });
  }).flat();
  const request = tracesRequest({ attributes: [] }, { name: 'headgate', version: '0' }, spans);
  const turns = Math.max(1, Math.round(LOOPS / spans.length / 2));
  const best = (work: () => void): number => round(loop(work, turns) / spans.length);
  const ours = best(() => void encode(TRACES, request));
  const json = best(() => void JSON.stringify(request));
  const path = join(
    import.meta.dirname,
    '../../test/sdk/node_modules/@opentelemetry/otlp-transformer/build/src/generated/root.js',
  );
  if (!existsSync(path)) return { oursUs: ours, jsonUs: json, officialUs: null };
  const { opentelemetry } = createRequire(path)(path);
  const type = opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
  // Ids as bytes: what it takes in the place of our hex.
  const tree = JSON.parse(JSON.stringify(request), (key, value) =>
    /^(traceId|spanId|parentSpanId)$/.test(key) ? Buffer.from(value as string, 'hex') : value,
  );
  return { oursUs: ours, jsonUs: json, officialUs: best(() => void type.encode(tree).finish()) };
}

const result = {
  date: new Date().toISOString(),
  commit: commitOf(),
  node: process.version,
  cpu: cpus()[0]!.model,
  budgetUs: 10,
  pipeline: await pipeline(),
  steps: await steps(),
  writers: await writers(),
};
await sink.terminate();
const text = JSON.stringify(result, null, 2);
console.log(text);
if (!quick) {
  const folder = join(import.meta.dirname, '..', 'results');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'signals.json'), `${text}\n`);
}
process.exit(0);
