/**
 * How much memory do logs take? `node bench/streams/log-memory.ts`. 10,000 live streams of 500 tokens each, as the lab
 * sends them, and the same with OpenAI's `obfuscation`: bytes of the logs, and what the process grew by. Figures go to
 * bench/results/streams-log-memory.json with date and commit.
 */
import { epochMs } from '#kernel/brand.ts';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CallId, KeyId, TenantId } from '#kernel/brand.ts';
import { seededRng } from '#kernel/rng.ts';
import { sseSplitter } from '#wire/sse/splitter.ts';
import { openaiChat } from '#wire/openai-chat/index.ts';
import { Streams } from '#capabilities/streams/index.ts';
import { startProvider } from '../../lab/provider/provider.ts';
import { commitOf } from '../gateway/targets.ts';

const [STREAMS, TOKENS] = [10_000, 500];
const BAR_MB = 200;

const lab = await startProvider();
/** Streams of the lab, one for each of a few prompts: their texts differ, their form does not. */
async function labStream(i: number): Promise<Buffer[]> {
  const answer = await fetch(`${lab.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: 'Bearer k', 'content-type': 'application/json' },
    body: JSON.stringify({
      ...{ model: 'm', stream: true, max_tokens: TOKENS + 100 },
      messages: [{ role: 'user', content: `[[lab output=${TOKENS}]] stream ${i}` }],
    }),
  });
  return sseSplitter()
    .push(Buffer.from(await answer.arrayBuffer()))
    .map(({ raw }) => raw);
}

/** OpenAI pads each event with letters by chance, so that its length says nothing of the token. */
function obfuscated(events: readonly Buffer[]): Buffer[] {
  const rng = seededRng(3);
  const noise = (): string =>
    rng
      .next()
      .toString(36)
      .slice(2, 5 + Math.floor(rng.next() * 8));
  return events.map((event) => Buffer.from(event.toString().replace(/\}\n\n$/, `,"obfuscation":"${noise()}"}\n\n`)));
}

const heap = (): number => {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
};

function measured(kinds: readonly (readonly Buffer[])[]): { logMb: number; processMb: number; bytesAnEvent: number } {
  const gib = 1 << 30;
  const hub = new Streams({
    rng: seededRng(1),
    clock: { now: () => Date.now(), mono: () => performance.now() } as never,
    bounds: () => ({
      ...{ keepMs: 900_000, graceMs: 30_000, orphansOfKey: 100_000 },
      ...{ streamBytes: gib, tenantBytes: gib * 8, totalBytes: gib * 8 },
    }),
  });
  const before = heap();
  let events = 0;
  for (let i = 0; i < STREAMS; i++) {
    const stream = hub.open({
      id: `call_${i}` as CallId,
      owner: { tenant: 'bench' as TenantId, key: 'bench' as KeyId },
      ...{ resumable: true, dialect: openaiChat },
      about: { model: 'm', feature: null, client: null, protocol: 'sse', startedAt: epochMs(0) },
      hooks: { cancel: () => {}, abandoned: () => {} },
    });
    for (const event of kinds[i % kinds.length]!) stream.append(event);
    events += stream.events;
  }
  const result = {
    logMb: Math.round(hub.bytes() / 1e6),
    processMb: Math.round((heap() - before) / 1e6),
    bytesAnEvent: Math.round((hub.bytes() / events) * 10) / 10,
  };
  hub.close();
  return result;
}

const kinds = await Promise.all(Array.from({ length: 20 }, (_, i) => labStream(i)));
await lab.close();
const plain = measured(kinds);
const padded = measured(kinds.map(obfuscated));
const result = {
  date: new Date().toISOString(),
  commit: commitOf(),
  node: process.version,
  ...{ streams: STREAMS, eventsAStream: kinds.reduce((sum, { length }) => sum + length, 0) / kinds.length },
  barMb: BAR_MB,
  asTheLabSends: plain,
  withObfuscation: padded,
};
const text = JSON.stringify(result, null, 2);
console.log(text);
const folder = join(import.meta.dirname, '..', 'results');
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'streams-log-memory.json'), `${text}\n`);
if (plain.logMb > BAR_MB) process.exit(3);
