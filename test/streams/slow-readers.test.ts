import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { startUpstream, stream, type ScriptedUpstream } from '../clients-rules/scripted-upstream.ts';
import { scrapeOf } from '../operate/exposition.ts';
import { callIdOf, endOf, eventsOf, openWith, type Reading } from './stream-client.ts';

const AGE_MS = 1_500;
const LOG_BYTES = 24 * 1024 * 1024;
const world = {} as { gate: GateProcess; up: ScriptedUpstream };

before(async () => {
  world.up = await startUpstream();
  world.gate = await startGate({
    config: `
providers: { chat: { kind: lab-chat, baseUrl: "${world.up.url}/v1" } }
models: { chat: { deployments: [{ provider: chat, model: up }] } }
stream:
  heartbeat: 300ms
  resume: { grace: 20s, streamBytes: 256MiB, tenantBytes: 1GiB, totalBytes: 1GiB }
  slowReader: { bytes: 256KB, age: ${AGE_MS}ms }
`,
  });
});
after(async () => {
  await world.gate?.stop();
  await world.up?.close();
});

const BODY = { model: 'chat', stream: true, messages: [{ role: 'user', content: 'hi' }] };
const event = (content: string): string =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'up', choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n\n`;
const END = [
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'up', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })}\n\n`,
  'data: [DONE]\n\n',
];
/** More than all buffers between two processes take: 24 MB in events of 16 KB. */
const LARGE = Array.from({ length: 1_500 }, (_, i) => event(`${i} `.padEnd(16_000, 'abcdefghij')));

const open = (method: string, path: string, headers: Record<string, string> = {}, body?: object): Promise<Reading> =>
  openWith(world.gate, { method, path, headers, ...(body && { body }) });

/** A client that reads its socket only when it is told to. */
class Held {
  readonly socket: Socket;
  #text = '';
  #last = '';
  closed = false;

  constructor(path: string, method = 'GET', body = '') {
    const { hostname, port } = new URL(world.gate.url);
    this.socket = connect({ host: hostname, port: Number(port) });
    this.socket.setEncoding('latin1');
    this.socket.on('data', (piece: string) => {
      this.#text += piece;
      this.#last = (this.#last + piece).slice(-7);
    });
    this.socket.on('close', () => (this.closed = true));
    this.socket.on('error', () => {});
    const head = [`${method} ${path} HTTP/1.1`, 'host: gate', `authorization: Bearer ${world.gate.key}`];
    const more = ['content-type: application/json', 'x-headgate-resume: true', `content-length: ${body.length}`];
    this.socket.write(`${[...head, ...more].join('\r\n')}\r\n\r\n${body}`);
  }
  /** The body so far, out of its chunks. */
  get text(): string {
    const from = this.#text.indexOf('\r\n\r\n');
    let text = '';
    for (let at = from + 4; at < this.#text.length && from > 0;) {
      const end = this.#text.indexOf('\r\n', at);
      const length = parseInt(this.#text.slice(at, end), 16);
      if (!(length > 0)) break;
      text += this.#text.slice(end + 2, end + 2 + length);
      at = end + 4 + length;
    }
    return text;
  }
  get isWhole(): boolean {
    return this.#last === '\r\n0\r\n\r\n';
  }
  get callId(): string {
    return /x-headgate-call-id: (\S+)/.exec(this.#text)![1]!;
  }
}

/** Readers that the gate says it let go. */
const letGo = async (): Promise<number> => (await scrapeOf(world.gate)).value('headgate_stream_slow_readers_total');

const rssOf = (): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${world.gate.child.pid}/status`, 'utf8'))![1]) * 1024;

const readersOf = async (id: string): Promise<number | undefined> =>
  (await world.gate.admin('GET', '/streams')).streams.find((one: { id: string }) => one.id === id)?.readers;

describe('slow readers', () => {
  test('one that never reads is let go by age; upstream and the other reader notice nothing; it comes back for the exact rest', async () => {
    world.up.answer(stream([event('begin '), 700, ...LARGE, ...END]));
    const held = new Held('/v1/chat/completions', 'POST', JSON.stringify(BODY));
    await world.gate.until('the first event', () => held.text.includes('begin'));
    held.socket.pause();
    const other = await open('GET', `/v1/streams/${held.callId}`);
    assert.equal(await other.ended, 'clean');
    const sent = eventsOf(other.text());
    assert.equal(sent, [event('begin '), ...LARGE, ...END].join(''), 'the other reader has all of it');
    assert.equal(world.up.seen.at(-1)!.closedAtMs, null, 'upstream was read to its end');
    await sleep(AGE_MS * 2);
    held.socket.resume();
    await world.gate.until('it is let go', () => held.closed);
    const whole = held.text;
    assert.ok(whole.length < sent.length, 'it was let go before the end');
    assert.equal(await letGo(), 1);
    assert.equal(endOf(whole), null);
    const lastWhole = whole.slice(0, whole.lastIndexOf('\n\n') + 2);
    const last = [...lastWhole.matchAll(/^id: (.+)$/gm)].at(-1)![1]!;
    const rest = await open('GET', `/v1/streams/${held.callId}`, { 'last-event-id': last });
    assert.equal(await rest.ended, 'clean');
    assert.equal(eventsOf(lastWhole) + eventsOf(rest.text()), sent, 'no event twice, none missing');
  });

  test('one that never reads a finished stream is let go by age, and its memory stays small', async (t) => {
    world.up.answer(stream([...LARGE, ...END]));
    const live = await open('POST', '/v1/chat/completions', { 'x-headgate-resume': 'true' }, BODY);
    await live.ended;
    const [before, gone] = [rssOf(), await letGo()];
    const held = Array.from({ length: 32 }, () => new Held(`/v1/streams/${callIdOf(live)}`));
    held.forEach(({ socket }) => socket.pause());
    await sleep(AGE_MS / 2);
    const grown = (rssOf() - before) / held.length;
    t.diagnostic(`${Math.round(grown / 1024)} KiB a reader`);
    // Resident memory holds what the kernel took and the collector has not come to yet, up to 3 MB a reader; one that
    // waited whole would be all of the log.
    assert.ok(grown < LOG_BYTES / 6, `${Math.round(grown / 1024)} KiB a reader of a log of 24 MB`);
    await sleep(AGE_MS * 2);
    held.forEach(({ socket }) => socket.resume());
    await world.gate.until('they are let go', () => held.every(({ closed }) => closed));
    assert.equal((await letGo()) - gone, held.length);
    for (const { text } of held) assert.ok(text.includes('data: ') && endOf(text) === null);
  });

  test('one that reads slowly but goes on reads a long log to its end, however long it takes', async () => {
    world.up.answer(stream([...LARGE, ...END]));
    const live = await open('POST', '/v1/chat/completions', { 'x-headgate-resume': 'true' }, BODY);
    await live.ended;
    const gone = await letGo();
    const slow = new Held(`/v1/streams/${callIdOf(live)}`);
    const started = performance.now();
    let read = 0;
    slow.socket.on('data', (piece: string) => {
      read += piece.length;
      if (read < 512 * 1024) return;
      read = 0;
      slow.socket.pause();
      setTimeout(() => slow.socket.resume(), 90);
    });
    await world.gate.until('it has the end', () => slow.isWhole);
    assert.ok(performance.now() - started > AGE_MS * 2, 'it took longer than a reader that stands still may');
    assert.equal(eventsOf(slow.text), eventsOf(live.text()));
    slow.socket.destroy();
    assert.equal(await letGo(), gone, 'nobody was let go');
  });

  test('one that stands still before less than the kernel takes is let go by age, though nothing waits in the gate', async (t) => {
    if (process.platform !== 'linux') return t.skip('skipped: the kernel’s table of connections is Linux’s own');
    const words = Array.from({ length: 60 }, (_, i) => event(`${i} `.padEnd(16_000, 'abcdefghij')));
    world.up.answer(stream([event('begin '), 300, ...words, 5_000, ...END]));
    const held = new Held('/v1/chat/completions', 'POST', JSON.stringify(BODY));
    await world.gate.until('the first event', () => held.text.includes('begin'));
    held.socket.pause();
    await sleep(600);
    assert.equal(await readersOf(held.callId), 1);
    await world.gate.until('nobody reads', async () => (await readersOf(held.callId)) === 0);
    held.socket.resume();
    await world.gate.until('its connection is gone', () => held.closed);
    const whole = held.text.slice(0, held.text.lastIndexOf('\n\n') + 2);
    assert.equal(endOf(held.text), null);
    const last = [...whole.matchAll(/^id: (.+)$/gm)].at(-1)![1]!;
    const rest = await open('GET', `/v1/streams/${held.callId}`, { 'last-event-id': last });
    assert.equal(await rest.ended, 'clean');
    assert.equal(eventsOf(whole) + eventsOf(rest.text()), [event('begin '), ...words, ...END].join(''));
  });
});
