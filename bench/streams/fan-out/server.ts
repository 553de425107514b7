/**
 * The measured process: `node server.ts <protocol|plain> <streams> <events> <interval ms> <warm streams>`. It waits for
 * so many clients, then sends each an event every interval, the streams spread evenly over it; before that the same to
 * the warm streams, whose readers measure nothing. Lines on stdout are JSON.
 */
import type { ServerResponse } from 'node:http';
import { epochMs } from '#kernel/brand.ts';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CallId, KeyId, TenantId } from '#kernel/brand.ts';
import { seededRng } from '#kernel/rng.ts';
import { openaiChat } from '#wire/openai-chat/index.ts';
import { Streams, type LiveStream } from '#capabilities/streams/index.ts';
import { plain } from './plain.ts';
import { PROTOCOLS } from './protocols.ts';

const [name = 'sse', ...numbers] = process.argv.slice(2);
const [streams = 1_000, events = 100, interval = 50, warm = 0] = numbers.map(Number);

/** One sender a stream: an event, and the end. */
interface Sender {
  send(event: string): void;
  end(): void;
}

const hub = new Streams({
  rng: seededRng(1),
  clock: { now: () => Date.now(), mono: () => performance.now() } as never,
  bounds: () => ({
    ...{ keepMs: 900_000, graceMs: 30_000, orphansOfKey: 100_000 },
    ...{ streamBytes: 1 << 24, tenantBytes: 1 << 30, totalBytes: 1 << 30 },
  }),
});
let opened = 0;
function logged(): LiveStream {
  return hub.open({
    id: `call_${++opened}` as CallId,
    owner: { tenant: 'bench' as TenantId, key: 'bench' as KeyId },
    ...{ resumable: true, dialect: openaiChat },
    about: { model: 'm', feature: null, client: null, protocol: 'sse', startedAt: epochMs(0) },
    hooks: { cancel: () => {}, abandoned: () => {} },
  });
}

const senders: Sender[] = [];
const throughLog = (attach: (stream: LiveStream) => void): void => {
  const stream = logged();
  attach(stream);
  senders.push({ send: (event) => stream.append(Buffer.from(event)), end: () => stream.finish('ok') });
};
const straight = (response: ServerResponse): void =>
  void senders.push({ send: (event) => response.write(event), end: () => response.end() });

const WORDS = ['the', ' pier', ' leans', ' into', ' grey', ' water', '.', ' nobody', ' mends', ' it'];
const now = (): number => Math.round((performance.timeOrigin + performance.now()) * 1000);
/** A word and the time of sending, where a client finds it without parsing: what differs from event to event is the text. */
const textOf = (n: number): string => `${WORDS[n % WORDS.length]!} sent=${now()}`;
/** 240 bytes, as a chat chunk is. */
const eventOf = (n: number): string =>
  `data: {"id":"chatcmpl-CqYk2vA0jTnbU8mO1xgWl7Qd5Zr3E","object":"chat.completion.chunk","created":1764000000,"model":"gpt-5-mini","choices":[{"index":0,"delta":{"content":"${textOf(n)}"},"finish_reason":null}]}\n\n`;

const rss = (): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))![1]);
const say = (value: object): void => console.log(JSON.stringify(value));

const protocol = PROTOCOLS.find((one) => one.name === name);
const serving = protocol ? await protocol.serve(throughLog) : await plain.serve(straight);
const [rssBefore] = [rss()];
say({ port: serving.port });
if (warm > 0) {
  await ready(warm);
  await paced(warm);
  for (const sender of senders.splice(0)) sender.end();
}
await ready(streams);
const cpu = process.cpuUsage();
await paced(streams);
const peak = rss();
for (const sender of senders) sender.end();
const used = process.cpuUsage(cpu);
say({ cpuUs: used.user + used.system, rssKiBAStream: (peak - rssBefore) / streams, logBytes: hub.bytes() });
await sleep(1_000);
serving.close();
process.exit(0);

async function ready(count: number): Promise<void> {
  while (senders.length < count) await sleep(20);
  await sleep(500);
}

/**
 * Every stream's next event in turn, by one timer: a timer and a promise for each of them cost 2 µs an event and a third
 * of the garbage, which no gate has.
 */
async function paced(count: number): Promise<void> {
  const started = performance.now();
  for (let sent = 0; sent < count * events;) {
    const due = Math.floor(((performance.now() - started) * count) / interval) + 1;
    for (; sent < Math.min(due, count * events); sent++) senders[sent % count]!.send(eventOf(Math.floor(sent / count)));
    await sleep(1);
  }
}
