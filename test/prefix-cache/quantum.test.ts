import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  json,
  startUpstream,
  stream,
  type ScriptedUpstream,
  type StreamPart,
} from '../clients-rules/scripted-upstream.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { callIdOf, endOf, lastIdOf, openWith, type Reading } from '../streams/stream-client.ts';

const QUANTUM_MS = 200;
/** Of a busy machine: a timer is late, and a socket takes its time. */
const LATE_MS = 80;

const chunk = (content: string | null, finish: string | null = null): string =>
  `data: ${JSON.stringify({
    ...{ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm' },
    choices: [{ index: 0, delta: content === null ? {} : { content }, finish_reason: finish }],
  })}\n\n`;
const END = [chunk(null, 'stop'), 'data: [DONE]\n\n'];
const ANSWER = JSON.stringify({
  ...{ id: 'c', object: 'chat.completion', created: 1, model: 'm' },
  choices: [{ index: 0, message: { role: 'assistant', content: 'x' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 5, completion_tokens: 1, total_tokens: 6 },
});

describe('first tokens on a grid of time', () => {
  let up: ScriptedUpstream;
  let gate: GateProcess;

  before(async () => {
    up = await startUpstream();
    gate = await startGate({
      config: `
providers:
  grid: { kind: lab-chat, baseUrl: "${up.url}/v1", ttftQuantum: ${QUANTUM_MS}ms }
  plain: { kind: lab-chat, baseUrl: "${up.url}/v1" }
models:
  grid: { deployments: [{ provider: grid, model: m }] }
  plain: { deployments: [{ provider: plain, model: m }] }
  own: { deployments: [{ provider: plain, model: m, ttftQuantum: ${QUANTUM_MS}ms }] }
  slow: { deployments: [{ provider: plain, model: m, ttftQuantum: 900ms }] }
stream: { heartbeat: 300ms }
retry: { attempts: 1 }
prices: [{ provider: "*", model: "*", perMillion: { input: "1", output: "2" } }]
`,
    });
    // The first calls of a process are slow.
    up.answer(json(ANSWER));
    for (const model of ['plain', 'grid', 'plain']) await ask(model, false);
  });
  after(async () => {
    await gate?.stop();
    await up?.close();
  });

  interface Timed {
    readonly reading: Reading;
    /** Milliseconds after the call at which each of these words was there. */
    readonly at: (word: string) => Promise<number>;
  }
  async function ask(model: string, streams: boolean, headers: Record<string, string> = {}): Promise<Timed> {
    const began = performance.now();
    const body = { model, stream: streams, messages: [{ role: 'user', content: 'hi' }] };
    const reading = await openWith(gate, { method: 'POST', path: '/v1/chat/completions', body, headers });
    const at = async (word: string): Promise<number> => {
      while (!reading.text().includes(word)) await sleep(1);
      return performance.now() - began;
    };
    return { reading, at };
  }
  async function entryOf({ reading }: Timed): Promise<any> {
    await reading.ended;
    let entry: any = null;
    await gate.until('the entry', async () => {
      entry = await gate.admin('GET', `/calls/${callIdOf(reading)}`).catch(() => null);
      return entry !== null;
    });
    return entry;
  }
  const onGrid = (ms: number): boolean => ms % QUANTUM_MS < LATE_MS && ms >= QUANTUM_MS;

  test('a first token goes out on it, by provider or by deployment, whenever it came; elsewhere at once', async () => {
    for (const model of ['grid', 'own'])
      for (const pause of [0, 70, 130, 230]) {
        up.answer(stream([pause, chunk('one '), 60, chunk('two '), ...END]));
        const call = await ask(model, true);
        const first = await call.at('one ');
        assert.ok(onGrid(first), `${model} ${pause}: ${first}`);
        const { timing, attempts } = await entryOf(call);
        const [{ heldMs, timing: came }] = attempts;
        assert.ok(heldMs > 0 && heldMs < QUANTUM_MS, String(heldMs));
        assert.ok(Math.abs(timing.firstTokenMs - attempts[0].startedMs - came.firstTokenMs - heldMs) < 0.01);
        // The token was there a moment before its wait began.
        assert.ok(onGrid(timing.firstTokenMs + 1), String(timing.firstTokenMs));
        assert.ok(timing.totalMs >= timing.lastTokenMs - 1, 'the wait is in the time of the call');
      }
    up.answer(stream([0, chunk('one '), ...END]));
    const call = await ask('plain', true);
    assert.ok((await call.at('one ')) < QUANTUM_MS - LATE_MS);
    assert.equal((await entryOf(call)).attempts[0].heldMs, undefined);
  });

  test('what follows comes as much later: the second token does not tell when the first was there', async () => {
    const gaps: number[] = [];
    for (const pause of [10, 90, 150]) {
      up.answer(stream([pause, chunk('one '), 100, chunk('two '), ...END]));
      const call = await ask('grid', true);
      const first = await call.at('one ');
      gaps.push((await call.at('two ')) - first);
      await call.reading.ended;
    }
    for (const gap of gaps) assert.ok(gap > 75 && gap < 100 + LATE_MS, String(gaps));
  });

  test('a whole answer is on it as well, and so is a stream that came in one piece', async () => {
    for (const streams of [false, true]) {
      up.answer(async (response, seen) => {
        await sleep(50);
        const parts: StreamPart[] = [`${chunk('one ')}${END.join('')}`];
        await (streams ? stream(parts) : json(ANSWER))(response, seen);
      });
      const call = await ask('grid', streams);
      const whole = await call.at(streams ? '[DONE]' : '"usage"');
      assert.ok(onGrid(whole), String(whole));
      assert.equal((await entryOf(call)).status, 'ok');
    }
  });

  test('signs of life go on while a token waits, and an answer of many pieces stays whole and in order', async () => {
    const words = Array.from({ length: 200 }, (_, i) => `w${i} `);
    up.answer(stream([20, ...words.map((word) => chunk(word)), ...END]));
    const call = await ask('slow', true);
    const alive = await call.at(': ping');
    assert.ok(alive < 800, String(alive));
    assert.ok((await call.at('w0 ')) >= 850);
    await call.reading.ended;
    const text = [...call.reading.text().matchAll(/"content":"([^"]*)"/g)].map(([, word]) => word).join('');
    assert.equal(text, words.join(''));
  });

  test('a stream with a log is held too; read again it is the same', async () => {
    up.answer(stream([30, chunk('one '), 40, chunk('two '), ...END]));
    const call = await ask('grid', true, { 'x-headgate-resume': 'true' });
    assert.ok(onGrid(await call.at('one ')));
    await call.reading.ended;
    const path = `/v1/streams/${callIdOf(call.reading)}`;
    const position = `${lastIdOf(call.reading.text()).split('.')[0]}.0`;
    const again = await openWith(gate, { method: 'GET', path, headers: { 'last-event-id': position } });
    await again.ended;
    assert.deepEqual(endOf(again.text()), endOf(call.reading.text()));
    assert.equal(endOf(again.text()).status, 'ok');
  });

  test('an answer that breaks off while it waits is told as broken, after what came of it', async () => {
    up.answer(stream([10, chunk('one '), 'cut']));
    const call = await ask('grid', true);
    await call.reading.ended;
    assert.match(call.reading.text(), /one [\s\S]*stream_truncated/);
    const entry = await entryOf(call);
    assert.equal(entry.status, 'truncated');
    up.answer(stream([10, chunk('one '), 30, 'data: {"error":{"message":"over","type":"server_error"}}\n\n']));
    const failed = await ask('grid', true);
    await failed.reading.ended;
    assert.match(failed.reading.text(), /one [\s\S]*"over"/);
    assert.equal((await entryOf(failed)).status, 'provider_error');
  });

  test('whoever leaves while it waits is charged once, and nothing is left in flight', async () => {
    for (const streams of [true, false]) {
      up.answer(streams ? stream([10, chunk('one '), ...END]) : json(ANSWER));
      const body = { model: 'slow', stream: streams, messages: [{ role: 'user', content: 'hi' }] };
      const leaving = new AbortController();
      const asked = fetch(`${gate.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${gate.key}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal: leaving.signal,
      }).then(
        (answer) => answer.text(),
        () => 'left',
      );
      await sleep(200);
      leaving.abort();
      assert.equal(await asked, 'left');
      await gate.until('its entry', async () => {
        const { calls } = await gate.admin('GET', '/calls?limit=1');
        return calls[0].modelAsked === 'slow' && calls[0].status === 'cancelled';
      });
      await sleep(800);
      const { inFlight } = await gate.admin('GET', '/status');
      assert.equal(inFlight, 0);
    }
  });
});
