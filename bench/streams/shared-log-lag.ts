/**
 * How much later is an event for its readers when Valkey has it first? `node bench/streams/shared-log-lag.ts
 * [redis://…]`; without an address a server is started. Streams of 20 events a second in one process, the time from
 * append to reader, with the log in the process alone and in Valkey, by turns. CPU is this process's. Figures go to
 * bench/results/streams-shared-log-lag.json with date and commit.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { epochMs, type CallId, type KeyId, type TenantId } from '#kernel/brand.ts';
import { seededRng } from '#kernel/rng.ts';
import type { StreamLog } from '#ports/stream-log.ts';
import { valkeyStreamLog } from '#stores/valkey/stream-log.ts';
import { openaiChat } from '#wire/openai-chat/index.ts';
import { Streams } from '#capabilities/streams/index.ts';
import { startRedis } from '../../test/harness/redis-server.ts';
import { commitOf } from '../gateway/targets.ts';

const [SIZES, EVENTS, INTERVAL_MS, RUNS] = [[1, 100, 500], 100, 50, 3] as const;
const LEASE_MS = 5_000;
const own = process.argv[2] === undefined ? await startRedis() : null;
const url = process.argv[2] ?? own!.url;
const run = `${process.pid}${Date.now()}`;
let opened = 0;

const event = (n: number): Buffer =>
  Buffer.from(
    `data: {"id":"chatcmpl-CqYk2vA0jTnbU8mO1xgWl7Qd5Zr3E","object":"chat.completion.chunk","created":1764000000,"model":"gpt-5-mini","choices":[{"index":0,"delta":{"content":" word${n}"},"finish_reason":null}]}\n\n`,
  );

function hubOn(log: StreamLog | null): Streams {
  return new Streams({
    ...{ rng: seededRng(++opened), clock: { now: () => Date.now(), mono: () => performance.now() } as never },
    bounds: () => ({
      ...{ keepMs: 60_000, graceMs: 30_000, orphansOfKey: 100_000 },
      ...{ streamBytes: 1 << 24, tenantBytes: 1 << 30, totalBytes: 1 << 30 },
    }),
    shared: log && {
      log,
      leaseMs: LEASE_MS,
      heartbeatMs: () => 10_000,
      graceMs: () => 30_000,
      dialectOf: () => openaiChat,
    },
  });
}

async function paced(hub: Streams, n: number, streams: number, lags: number[]): Promise<void> {
  const stream = hub.open({
    id: `call_${run}_${++opened}` as CallId,
    owner: { tenant: 'bench' as TenantId, key: 'bench' as KeyId },
    ...{ resumable: true, dialect: openaiChat },
    about: { model: 'm', feature: null, client: null, protocol: 'sse', startedAt: epochMs(0) },
    hooks: { cancel: () => {}, abandoned: () => {} },
  });
  const sent: number[] = [];
  const ended = new Promise<void>((done) => {
    const take = (_: Buffer, seq: number): true => !!lags.push(performance.now() - sent[seq]!) as true;
    stream.attach({ event: take, ping: () => {}, end: () => done() }, 0);
  });
  await sleep((n / streams) * INTERVAL_MS + 200);
  for (let i = 0; i < EVENTS; i++) {
    sent.push(performance.now());
    stream.append(event(i));
    await sleep(INTERVAL_MS);
  }
  stream.finish('ok');
  await ended;
}

const at = (sorted: Float64Array, share: number): number =>
  Math.round(sorted[Math.floor((sorted.length - 1) * share)]! * 1000) / 1000;

async function measured(log: StreamLog | null, streams: number): Promise<object> {
  const hub = hubOn(log);
  const lags: number[] = [];
  const cpu = process.cpuUsage();
  await Promise.all(Array.from({ length: streams }, (_, n) => paced(hub, n, streams, lags)));
  const { user, system } = process.cpuUsage(cpu);
  if (lags.length !== streams * EVENTS) throw new Error(`${lags.length} of ${streams * EVENTS} events came`);
  const sorted = Float64Array.from(lags).sort();
  const usAnEvent = Math.round((user + system) / lags.length);
  return { p50Ms: at(sorted, 0.5), p99Ms: at(sorted, 0.99), maxMs: at(sorted, 1), usAnEvent };
}

const log = valkeyStreamLog({ url, bounds: () => ({ leaseMs: LEASE_MS, keepMs: 10_000, maxBytes: 1 << 24 }) });
while (!log.up) await sleep(10);
const rows: object[] = [];
for (const streams of SIZES)
  for (let i = 0; i < RUNS; i++) {
    rows.push({ streams, log: 'process', ...(await measured(null, streams)) });
    rows.push({ streams, log: 'valkey', ...(await measured(log, streams)) });
    console.log(JSON.stringify(rows.at(-2)), JSON.stringify(rows.at(-1)));
  }
const result = { date: new Date().toISOString(), commit: commitOf(), node: process.version, load: loadavg(), rows };
const folder = join(import.meta.dirname, '..', 'results');
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'streams-shared-log-lag.json'), `${JSON.stringify(result, null, 2)}\n`);
await log.close();
await own?.kill();
process.exit(0);
