import assert from 'node:assert/strict';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { after, before, describe, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { EVENTS, startUpstream, stream, type ScriptedUpstream } from '../clients-rules/scripted-upstream.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { apache } from './apache.ts';
import { caddy } from './caddy.ts';
import { haproxy } from './haproxy.ts';
import { nginx } from './nginx.ts';
import { binaryOf, startProxy, type ProxyProgram } from './proxies.ts';
import { varnish } from './varnish.ts';

const HEARTBEAT_MS = 500;
const AT_ONCE_MS = 20;
/** The third beat is the one that tells Varnish: it comes when three intervals are over, as late as a busy machine is. */
const LATE_MS = 150;
const TRIES = 7;

const { start, text } = EVENTS['/v1/chat/completions'];

/** How long after a client has left does the provider stop? In the silence of a model that thinks, where no write tells a hop. */
describe('upstream stops when its reader has gone', () => {
  const world = {} as { up: ScriptedUpstream; gate: GateProcess };
  before(async () => {
    world.up = await startUpstream();
    world.up.answer(stream([start, text, 15_000]));
    world.gate = await startGate({
      config: `
providers: { chat: { kind: lab-chat, baseUrl: "${world.up.url}/v1" } }
models: { chat: { deployments: [{ provider: chat, model: up }] } }
stream: { heartbeat: ${HEARTBEAT_MS}ms }
`,
    });
  });
  after(async () => {
    await world.gate?.stop();
    await world.up?.close();
  });

  const post = (base: string, path: string, headers: Record<string, string>, body: string): Promise<Opened> =>
    new Promise((resolve, reject) => {
      const authorization = `Bearer ${world.gate.key}`;
      const request = httpRequest(
        base + path,
        { method: 'POST', agent: false, headers: { authorization, 'content-type': 'application/json', ...headers } },
        (response) => resolve({ response, leave: () => request.destroy() }),
      );
      request.on('error', reject);
      request.end(body);
    });

  interface Opened {
    readonly response: IncomingMessage;
    leave(): void;
  }

  /** A stream whose first token has come, and whose silence has begun. */
  async function opened(base: string, headers: Record<string, string> = {}): Promise<Opened> {
    const body = JSON.stringify({ model: 'chat', stream: true, messages: [{ role: 'user', content: 'hi' }] });
    const one = await post(base, '/v1/chat/completions', headers, body);
    assert.equal(one.response.statusCode, 200);
    let seen = '';
    one.response.on('error', () => undefined);
    one.response.setEncoding('utf8').on('data', (piece: string) => (seen += piece));
    await world.gate.until('the first token', () => seen.includes('Hel lo'));
    return one;
  }

  /** Milliseconds from now until the provider's connection of the last call is closed. */
  async function stopsAfter(act: () => void): Promise<number> {
    const seen = world.up.seen.at(-1)!;
    const from = performance.now();
    act();
    await world.gate.until('the provider to be told', () => seen.closedAtMs !== null);
    return seen.closedAtMs! - from;
  }

  const told = (t: TestContext, times: readonly number[]): number => {
    const sorted = times.toSorted((a, b) => a - b);
    const median = sorted[Math.floor(sorted.length / 2)]!;
    t.diagnostic(`median ${median.toFixed(1)} ms, all ${sorted.map((ms) => ms.toFixed(1)).join(', ')} ms`);
    return median;
  };

  test(`a direct disconnect, within ${AT_ONCE_MS} ms`, async (t) => {
    const times: number[] = [];
    for (let i = 0; i < TRIES; i++) {
      const one = await opened(world.gate.url);
      times.push(await stopsAfter(one.leave));
    }
    assert.ok(told(t, times) <= AT_ONCE_MS);
  });

  test(`an explicit cancel from another connection, within ${AT_ONCE_MS} ms`, async (t) => {
    const times: number[] = [];
    for (let i = 0; i < TRIES; i++) {
      const one = await opened(world.gate.url, { 'x-headgate-resume': 'true' });
      const id = String(one.response.headers['x-headgate-call-id']);
      times.push(
        await stopsAfter(() => {
          void post(world.gate.url, `/v1/streams/${id}/cancel`, {}, '').then(({ response }) => response.resume());
        }),
      );
    }
    assert.ok(told(t, times) <= AT_ONCE_MS);
  });

  const HOPS: readonly ProxyProgram[] = [nginx(''), haproxy('50s'), apache(''), varnish(''), caddy('')];
  for (const program of HOPS) {
    const skip = binaryOf(program.binary) === null ? `${program.product} is not installed` : false;
    test(`a disconnect behind ${program.product}, within three heartbeats`, { skip }, async (t) => {
      const proxy = await startProxy(program, world.gate.url);
      try {
        const times: number[] = [];
        for (let i = 0; i < 3; i++) {
          const one = await opened(proxy.url);
          // Anywhere between two beats.
          await sleep((i * HEARTBEAT_MS) / 3);
          times.push(await stopsAfter(one.leave));
        }
        told(t, times);
        assert.ok(Math.max(...times) <= 3 * HEARTBEAT_MS + LATE_MS, `${Math.max(...times)} ms`);
      } finally {
        await proxy.stop();
      }
    });
  }
});
