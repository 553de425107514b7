import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  EVENTS,
  startUpstream,
  stream,
  type ScriptedUpstream,
  type StreamPart,
} from '../clients-rules/scripted-upstream.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { scrapeOf } from '../operate/exposition.ts';
import { openSocket } from './socket-client.ts';
import { callIdOf, lastIdOf, openWith, type Reading } from './stream-client.ts';

const { start, text, finish, usage, end } = EVENTS['/v1/chat/completions'];
const WHOLE: readonly StreamPart[] = [start, text, 20, finish, usage, end];
const BODY = { model: 'chat', stream: true, messages: [{ role: 'user', content: 'hi' }] };

/** Nothing in common with what was said before it: no log keeps it small. */
const noise = (bytes: number): string => {
  let word = 1;
  const next = (): string => (word = (word * 1_103_515_245 + 12_345) % 2_147_483_648).toString(36);
  let content = '';
  while (content.length < bytes) content += next();
  return `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'up', choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n\n`;
};

describe('metrics of streams', () => {
  const world = {} as { up: ScriptedUpstream; gate: GateProcess };
  before(async () => {
    world.up = await startUpstream();
    world.gate = await startGate({
      config: `
providers: { chat: { kind: lab-chat, baseUrl: "${world.up.url}/v1" } }
models: { chat: { deployments: [{ provider: chat, model: up }] } }
stream: { resume: { grace: 20s, streamBytes: 64KB, tenantBytes: 96KB, totalBytes: 1MiB } }
retry: { attempts: 1 }
`,
    });
  });
  after(async () => {
    await world.gate?.stop();
    await world.up?.close();
  });

  const call = (parts: readonly StreamPart[], resume = true): Promise<Reading> => {
    world.up.answer(stream(parts));
    return openWith(world.gate, {
      ...{ method: 'POST', path: '/v1/chat/completions', body: BODY },
      headers: { 'x-headgate-resume': String(resume) },
    });
  };
  const until = (reading: Reading): Promise<void> =>
    world.gate.until('a token', () => reading.text().includes('Hel lo'));
  const scrape = () => scrapeOf(world.gate);
  const ends = async (): Promise<Record<string, number>> => {
    const { samples } = (await scrape()).family('headgate_streams_total');
    return Object.fromEntries(samples.map(({ labels, value }) => [`${labels['protocol']} ${labels['ending']}`, value]));
  };

  test('each end is counted once, by what ended it and over which protocol', async () => {
    for (let i = 0; i < 2; i++) await (await call(WHOLE)).ended;
    await (
      await call([start, text, 20, 'cut'])
    ).ended;
    const left = await call([start, text, 8_000], false);
    await until(left);
    left.leave();
    const stopped = await call([start, text, 8_000]);
    await until(stopped);
    await openWith(world.gate, { method: 'POST', path: `/v1/streams/${callIdOf(stopped)}/cancel` });
    const ended = await call([start, text, 8_000]);
    await until(ended);
    await world.gate.admin('POST', `/streams/${callIdOf(ended)}/cancel`);
    const socket = await openSocket(world.gate);
    world.up.answer(stream(WHOLE));
    socket.send({ type: 'start', stream: 'one', path: '/v1/chat/completions', body: BODY });
    await socket.frame(({ type }) => type === 'end');
    socket.leave();
    // What is no stream is no end of one.
    await openWith(world.gate, { method: 'POST', path: '/v1/chat/completions', body: { ...BODY, stream: false } });
    const expected = {
      'sse ok': 2,
      'sse truncated': 1,
      'sse client_gone': 1,
      'sse cancelled': 1,
      'sse operator': 1,
      'ws ok': 1,
    };
    await world.gate.until('seven ends', async () => Object.values(await ends()).reduce((a, b) => a + b, 0) >= 7);
    assert.deepEqual(Object.entries(await ends()).toSorted(), Object.entries(expected).toSorted());
  });

  test('live streams, their readers and logs as they are, and readers that came back', async () => {
    const before = await scrape();
    const reading = await call([start, text, 1_500, finish, usage, end]);
    await until(reading);
    const again = await openWith(world.gate, {
      ...{ method: 'GET', path: `/v1/streams/${callIdOf(reading)}` },
      headers: { 'last-event-id': lastIdOf(reading.text()) },
    });
    const during = await scrape();
    const moved = (name: string): number => during.value(name) - before.value(name);
    assert.equal(during.value('headgate_streams_live'), 1);
    assert.equal(during.value('headgate_stream_readers'), 2);
    assert.equal(moved('headgate_stream_resumes_total'), 1);
    const { logBytes } = await world.gate.admin('GET', '/streams');
    assert.equal(during.value('headgate_stream_log_bytes'), logBytes);
    assert.ok(moved('headgate_stream_log_bytes') > 0);
    assert.deepEqual(await Promise.all([reading.ended, again.ended]), ['clean', 'clean']);
    const finished = await scrape();
    assert.equal(finished.value('headgate_streams_live'), 0);
    assert.equal(finished.value('headgate_stream_readers'), 0);
    assert.equal(finished.value('headgate_stream_logs_finished'), before.value('headgate_stream_logs_finished') + 1);
  });

  test('logs that were let go for want of room, and streams that got none', async () => {
    const before = await scrape();
    for (let i = 0; i < 3; i++) await (await call([start, noise(45_000), 20, finish, usage, end])).ended;
    const after = await scrape();
    assert.ok(after.value('headgate_stream_logs_dropped_total') > before.value('headgate_stream_logs_dropped_total'));
    assert.equal(after.value('headgate_streams_unkept_total'), 0);
    const live: Reading[] = [];
    for (let i = 0; i < 4; i++) {
      const reading = await call([start, text, noise(45_000), 8_000]);
      await world.gate.until('its long event', () => reading.text().length > 40_000);
      live.push(reading);
    }
    assert.ok((await scrape()).value('headgate_streams_unkept_total') >= 1);
    for (const reading of live) await world.gate.admin('POST', `/streams/${callIdOf(reading)}/cancel`);
  });
});
