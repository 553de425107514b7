import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { EVENTS, json, startUpstream, stream, type ScriptedUpstream } from '../clients-rules/scripted-upstream.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { callIdOf, openWith, type Reading } from './stream-client.ts';

const { start, text } = EVENTS['/v1/chat/completions'];

describe('a deadline of the client', () => {
  const world = {} as { up: ScriptedUpstream; gate: GateProcess };
  before(async () => {
    world.up = await startUpstream();
    world.gate = await startGate({
      config: `
providers: { chat: { kind: lab-chat, baseUrl: "${world.up.url}/v1" } }
models: { chat: { deployments: [{ provider: chat, model: up }, { provider: chat, model: other, order: 1 }] } }
retry: { attempts: 3, backoff: 150ms }
`,
    });
  });
  after(async () => {
    await world.gate?.stop();
    await world.up?.close();
  });

  const ask = (deadline: string, streamed = false): Promise<Reading> =>
    openWith(world.gate, {
      ...{ method: 'POST', path: '/v1/chat/completions', headers: { 'x-headgate-deadline-ms': deadline } },
      body: { model: 'chat', stream: streamed, messages: [{ role: 'user', content: 'hi' }] },
    });
  async function entryOf(id: string): Promise<any> {
    let entry: any = null;
    await world.gate.until('the entry', async () => {
      entry = await world.gate.admin('GET', `/calls/${id}`).catch(() => null);
      return entry !== null;
    });
    return entry;
  }

  test('before any content: a 504 that says so, one attempt, and the provider is told', async () => {
    for (const streamed of [false, true]) {
      world.up.answer(stream([6_000]));
      const [from, before] = [performance.now(), world.up.seen.length];
      const reading = await ask('400', streamed);
      await reading.ended;
      const took = performance.now() - from;
      assert.equal(reading.response.statusCode, 504, reading.text());
      assert.match(reading.text(), /deadline_exceeded/);
      assert.equal(reading.response.headers['x-should-retry'], 'false');
      assert.ok(took >= 395 && took < 2_500, `${took} ms`);
      assert.equal(world.up.seen.length - before, 1, 'there is no time for another attempt');
      await world.gate.until('the provider to be told', () => world.up.seen.at(-1)!.closedAtMs !== null);
      const entry = await entryOf(callIdOf(reading));
      assert.deepEqual([entry.status, entry.errorCode], ['timeout', 'deadline_exceeded']);
    }
  });

  test('in mid-stream: an error in band, a broken connection, and the entry says which timer', async () => {
    world.up.answer(stream([start, text, 6_000]));
    const reading = await ask('600', true);
    assert.equal(await reading.ended, 'broken');
    assert.match(reading.text(), /Hel lo[\s\S]*The deadline that the client set is over/);
    const entry = await entryOf(callIdOf(reading));
    assert.equal(entry.status, 'truncated');
    assert.equal(entry.attempts[0].errorCode, 'deadline');
  });

  test('holds over all attempts together, and a wait that ends behind it is not made', async () => {
    world.up.answer(
      async (response, seen) => (await sleep(250), json('{"error":{"message":"busy"}}', 503)(response, seen)),
    );
    const [from, before] = [performance.now(), world.up.seen.length];
    const reading = await ask('700');
    await reading.ended;
    assert.ok(performance.now() - from < 3_000);
    assert.ok([503, 504].includes(reading.response.statusCode!), reading.text());
    // Each takes a quarter of a second at least: a fourth would begin behind the deadline.
    assert.ok(world.up.seen.length - before <= 3, String(world.up.seen.length - before));
  });

  test('what is no deadline is a 400 that names the header', async () => {
    for (const deadline of ['soon', '-1', '0', '1.5', '1e3', '']) {
      const reading = await ask(deadline);
      await reading.ended;
      assert.equal(reading.response.statusCode, 400, deadline);
      assert.match(reading.text(), /x-headgate-deadline-ms/);
    }
  });
});
