import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  json,
  startUpstream,
  stream,
  type Script,
  type ScriptedUpstream,
  type StreamPart,
} from '../clients-rules/scripted-upstream.ts';
import { startGate, temporaryFolder, type GateProcess } from '../harness/gate-process.ts';
import { loadSdks, sdksSkip } from '../harness/sdks.ts';
import { makeKey } from '../hostile/world.ts';
import { callIdOf, eventsOf, openWith, type Reading } from './stream-client.ts';

const chunk = (content: string | null, finish: string | null = null): string =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'up', choices: [{ index: 0, delta: content === null ? {} : { content }, finish_reason: finish }] })}\n\n`;
const USAGE = `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'up', choices: [], usage: { prompt_tokens: 10, completion_tokens: 20, total_tokens: 30 } })}\n\n`;
const whole = (pauseMs: number): StreamPart[] => [
  ...Array.from({ length: 10 }, (_, i) => [chunk(`word${i} `), pauseMs]).flat(),
  ...[chunk(null, 'stop'), USAGE, 'data: [DONE]\n\n'],
];
const ANSWER = JSON.stringify({
  ...{ id: 'c', object: 'chat.completion', created: 1, model: 'up' },
  choices: [{ index: 0, message: { role: 'assistant', content: 'hello' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 10, completion_tokens: 20, total_tokens: 30 },
});
const MESSAGE = JSON.stringify({
  ...{ id: 'm', type: 'message', role: 'assistant', model: 'up', stop_reason: 'end_turn', stop_sequence: null },
  content: [{ type: 'text', text: 'hello' }],
  usage: { input_tokens: 10, output_tokens: 20 },
});

const config = (up: ScriptedUpstream, more = ''): string => `
providers:
  chat: { kind: lab-chat, baseUrl: "${up.url}/v1" }
  messages: { kind: lab-messages, baseUrl: "${up.url}/v1" }
models:
  chat: { deployments: [{ provider: chat, model: up }] }
  claude: { deployments: [{ provider: messages, model: up }] }
prices: [{ provider: "*", model: "*", perMillion: { input: "1000", output: "2000" } }]
stream: { heartbeat: 300ms, resume: { grace: 800ms, keep: 2s } }
retry: { attempts: 1 }
${more}
`;

describe('idempotency keys', () => {
  const world = {} as { up: ScriptedUpstream; gate: GateProcess; other: string };
  before(async () => {
    world.up = await startUpstream();
    world.gate = await startGate({ config: config(world.up) });
    world.other = await makeKey({ gate: world.gate } as never, 'demo', {});
  });
  after(async () => {
    await world.gate?.stop();
    await world.up?.close();
  });

  interface Asking {
    readonly key: string;
    readonly streamed?: boolean;
    readonly words?: string;
    readonly headers?: Record<string, string>;
    readonly gate?: GateProcess;
  }
  const ask = ({ key, streamed = false, words = 'hi', headers = {}, gate = world.gate }: Asking): Promise<Reading> =>
    openWith(gate, {
      ...{ method: 'POST', path: '/v1/chat/completions', headers: { 'idempotency-key': key, ...headers } },
      body: { model: 'chat', stream: streamed, messages: [{ role: 'user', content: words }] },
    });
  const whole200 = async (reading: Reading): Promise<string> => {
    await reading.ended;
    assert.equal(reading.response.statusCode, 200, reading.text());
    return reading.text();
  };
  async function entryOf(id: string, gate = world.gate): Promise<any> {
    let entry: any = null;
    await gate.until('the entry', async () => {
      entry = await gate.admin('GET', `/calls/${id}`).catch(() => null);
      return entry !== null;
    });
    return entry;
  }
  /** Requests that the provider saw while something was done. */
  async function requestsOf(act: () => Promise<void>, up = world.up): Promise<number> {
    const before = up.seen.length;
    await act();
    return up.seen.length - before;
  }

  for (const streamed of [false, true]) {
    const kind = streamed ? 'a stream' : 'an answer in one piece';
    test(`${kind}: one generation, the same bytes, and an entry that costs nothing and names the first`, async () => {
      world.up.answer(streamed ? stream(whole(5)) : json(ANSWER));
      const key = randomUUID();
      const seen = await requestsOf(async () => {
        const first = await ask({ key, streamed });
        const text = await whole200(first);
        const again = await ask({ key, streamed });
        assert.equal(await whole200(again), text);
        assert.equal(again.response.headers['idempotent-replayed'], 'true');
        assert.equal(again.response.headers['content-type'], first.response.headers['content-type']);
        assert.equal(callIdOf(again), callIdOf(first), 'the id by which the stream is read again');
        const entry = await entryOf(String(again.response.headers['x-headgate-replay']));
        assert.equal(entry.retryOf, callIdOf(first));
        assert.equal(Number(entry.cost?.total ?? 0), 0);
        assert.equal(entry.usageSource, 'none');
        assert.equal(entry.attempts.length, 0);
        assert.ok(Number((await entryOf(callIdOf(first))).cost.total) > 0);
      });
      assert.equal(seen, 1);
    });

    test(`${kind}: two at once are one generation with two readers`, async () => {
      world.up.answer(
        streamed
          ? stream([300, ...whole(20)])
          : async (response, seen) => (await sleep(400), json(ANSWER)(response, seen)),
      );
      const key = randomUUID();
      const seen = await requestsOf(async () => {
        const readings = await Promise.all([1, 2, 3].map(() => ask({ key, streamed })));
        const texts = await Promise.all(readings.map(whole200));
        assert.equal(new Set(texts.map(eventsOf)).size, 1);
      });
      assert.equal(seen, 1);
    });

    test(`${kind}: the first client leaves, and the second gets it all`, async () => {
      world.up.answer(
        streamed ? stream(whole(60)) : async (response, seen) => (await sleep(600), json(ANSWER)(response, seen)),
      );
      const key = randomUUID();
      const seen = await requestsOf(async () => {
        const controller = new AbortController();
        const left = fetch(`${world.gate.url}/v1/chat/completions`, {
          ...{ method: 'POST', signal: controller.signal },
          headers: {
            authorization: `Bearer ${world.gate.key}`,
            ...{ 'content-type': 'application/json', 'idempotency-key': key },
          },
          body: JSON.stringify({ model: 'chat', stream: streamed, messages: [{ role: 'user', content: 'hi' }] }),
        }).catch(() => null);
        await sleep(200);
        controller.abort();
        await left;
        const text = await whole200(await ask({ key, streamed }));
        assert.match(text, streamed ? /word9/ : /hello/);
      });
      assert.equal(seen, 1);
    });
  }

  /** Asks as a client that gives up after so long, whatever came. */
  async function leaving(key: string, streamed: boolean, afterMs: number): Promise<void> {
    const signal = AbortSignal.timeout(afterMs);
    const headers = { authorization: `Bearer ${world.gate.key}`, 'idempotency-key': key };
    await fetch(`${world.gate.url}/v1/chat/completions`, {
      ...{ method: 'POST', signal, headers: { ...headers, 'content-type': 'application/json' } },
      body: JSON.stringify({ model: 'chat', stream: streamed, messages: [{ role: 'user', content: 'hi' }] }),
    })
      .then((response) => response.text())
      .catch(() => null);
    assert.ok(signal.aborted);
  }
  /** Three times the grace, before the provider’s head or behind it. */
  const LONG_MS = 2_400;
  const SILENT: Readonly<Record<string, [streamed: boolean, script: Script]>> = {
    'a stream whose head came': [true, stream([LONG_MS, ...whole(0)])],
    'a stream without a head': [true, async (...said) => (await sleep(LONG_MS), stream(whole(0))(...said))],
    'an answer in one piece': [false, async (...said) => (await sleep(LONG_MS), json(ANSWER)(...said))],
  };
  for (const [kind, [streamed, script]] of Object.entries(SILENT))
    for (const [when, leavesMs] of [
      ['before its status line', 100],
      ['behind its status line', 500],
    ] as const) {
      test(`${kind}, silent for longer than the grace: the first client leaves ${when}, and who repeats the call is waited for`, async () => {
        world.up.answer(script);
        const key = randomUUID();
        const seen = await requestsOf(async () => {
          const left = leaving(key, streamed, leavesMs);
          await sleep(leavesMs - 50);
          const repeat = ask({ key, streamed });
          await left;
          const text = await whole200(await repeat);
          assert.match(text, streamed ? /word9/ : /hello/);
          if (streamed) assert.match(text, /: ping/, 'it had signs of life');
        });
        assert.equal(seen, 1);
      });

      test(`${kind}, silent for longer than the grace: when the repeat has left ${when} as well, the provider is told`, async () => {
        world.up.answer(script);
        const key = randomUUID();
        const [first, repeat] = [leaving(key, streamed, leavesMs), sleep(50).then(() => leaving(key, streamed, 1_200))];
        await Promise.all([first, repeat]);
        const seen = world.up.seen.at(-1)!;
        assert.equal(seen.closedAtMs, null, 'as long as it waited nobody gave up');
        const at = performance.now();
        await world.gate.until('the provider to be told', () => seen.closedAtMs !== null);
        assert.ok(seen.closedAtMs! - at > 500 && seen.closedAtMs! - at < 1_100, `${seen.closedAtMs! - at} ms`);
      });
    }

  test('the first client leaves before anything came, the answer comes in its grace, and a later repeat has it', async () => {
    for (const streamed of [true, false]) {
      const script = streamed ? stream(whole(0)) : json(ANSWER);
      world.up.answer(async (...said) => (await sleep(400), script(...said)));
      const key = randomUUID();
      const seen = await requestsOf(async () => {
        await leaving(key, streamed, 100);
        await sleep(900);
        assert.match(await whole200(await ask({ key, streamed })), streamed ? /word9/ : /hello/);
      });
      assert.equal(seen, 1);
    }
  });

  test('the first client leaves and the call fails with nobody there: a repeat does not hang', async () => {
    for (const streamed of [true, false]) {
      world.up.answer(async (response) => (await sleep(400), void response.destroy()));
      const key = randomUUID();
      await leaving(key, streamed, 100);
      await sleep(700);
      world.up.answer(streamed ? stream(whole(0)) : json(ANSWER));
      const repeat = await ask({ key, streamed });
      await repeat.ended;
      assert.ok([200, 410, 502].includes(repeat.response.statusCode!), repeat.text());
    }
  });

  test('nobody comes back: the call is cancelled when its grace is over', async () => {
    world.up.answer(async (response, seen) => (await sleep(10_000), json(ANSWER)(response, seen)));
    const key = randomUUID();
    const controller = new AbortController();
    const left = fetch(`${world.gate.url}/v1/chat/completions`, {
      ...{ method: 'POST', signal: controller.signal },
      headers: {
        authorization: `Bearer ${world.gate.key}`,
        ...{ 'content-type': 'application/json', 'idempotency-key': key },
      },
      body: JSON.stringify({ model: 'chat', stream: false, messages: [{ role: 'user', content: 'hi' }] }),
    }).catch(() => null);
    await sleep(300);
    controller.abort();
    await left;
    const seen = world.up.seen.at(-1)!;
    await world.gate.until('the provider to be told', () => seen.closedAtMs !== null);
    const again = await ask({ key });
    await again.ended;
    assert.equal(again.response.statusCode, 410, again.text());
    assert.match(again.text(), /answer_gone/);
  });

  test('another body, path or query is a 409; another key of the tenant is another scope', async () => {
    world.up.answer(json(ANSWER));
    const key = randomUUID();
    await whole200(await ask({ key }));
    const other = await ask({ key, words: 'other' });
    await other.ended;
    assert.equal(other.response.statusCode, 409);
    assert.match(other.text(), /idempotency_conflict/);
    // Bodies that another thread decodes are told apart like small ones.
    const large = randomUUID();
    await whole200(await ask({ key: large, words: 'a'.repeat(400_000) }));
    const otherLarge = await ask({ key: large, words: 'b'.repeat(400_000) });
    await otherLarge.ended;
    assert.equal(otherLarge.response.statusCode, 409);
    const seen = await requestsOf(async () => {
      const scoped = await ask({ key, words: 'other', headers: { authorization: `Bearer ${world.other}` } });
      await whole200(scoped);
      assert.equal(scoped.response.headers['idempotent-replayed'], undefined);
    });
    assert.equal(seen, 1);
  });

  test('refusals and errors that bill nothing are not kept: the retry is a new call', async () => {
    const key = randomUUID();
    world.up.answer(json('{"error":{"message":"busy","type":"server_error"}}', 503));
    const busy = await ask({ key });
    await busy.ended;
    assert.equal(busy.response.statusCode, 503);
    world.up.answer(json(ANSWER));
    const fine = await ask({ key });
    await whole200(fine);
    assert.equal(fine.response.headers['idempotent-replayed'], undefined);
    const refusedKey = randomUUID();
    const refused = await openWith(world.gate, {
      ...{ method: 'POST', path: '/v1/chat/completions', headers: { 'idempotency-key': refusedKey } },
      body: { model: 'chat', stream: 'yes', messages: [] },
    });
    await refused.ended;
    assert.equal(refused.response.statusCode, 400);
    await whole200(await ask({ key: refusedKey }));
  });

  test('when the answer is kept no longer, a 410 names the entry', async () => {
    world.up.answer(json(ANSWER));
    const key = randomUUID();
    const first = await ask({ key });
    await whole200(first);
    await sleep(2_000 + 6_000);
    const seen = await requestsOf(async () => {
      const late = await ask({ key });
      await late.ended;
      assert.equal(late.response.statusCode, 410);
      assert.ok(late.text().includes(callIdOf(first)));
    });
    assert.equal(seen, 0);
  });

  test('what is no key is a 400 that names the header', async () => {
    for (const key of ['', 'a b', 'x'.repeat(256), 'schlüssel']) {
      const reading = await openWith(world.gate, {
        ...{ method: 'POST', path: '/v1/chat/completions' },
        headers: { 'idempotency-key': Buffer.from(key).toString('latin1') },
        body: { model: 'chat', messages: [{ role: 'user', content: 'hi' }] },
      });
      await reading.ended;
      assert.equal(reading.response.statusCode, 400, key);
      assert.match(reading.text(), /idempotency-key/);
    }
  });

  test('the gate is killed in mid-call: the retry sees interrupted, after a further restart too, and nothing is sent again', async () => {
    const up = await startUpstream();
    const dataDir = temporaryFolder('once');
    let gate = await startGate({ config: config(up), dataDir });
    const { key: apiKey } = gate;
    const asked = (key: string, streamed: boolean): Promise<Reading> =>
      ask({ key, streamed, gate, headers: { authorization: `Bearer ${apiKey}` } });
    up.answer(stream([chunk('one '), 20_000]));
    const streamKey = randomUUID();
    const reading = await asked(streamKey, true);
    reading.ended.catch(() => undefined);
    await gate.until('a token', () => reading.text().includes('one'));
    up.answer(json(ANSWER));
    const doneKey = randomUUID();
    await whole200(await asked(doneKey, false));
    await gate.kill();
    const before = up.seen.length;
    for (let round = 0; round < 2; round++) {
      gate = await startGate({ config: config(up), dataDir });
      const again = await asked(streamKey, true);
      await again.ended;
      assert.equal(again.response.statusCode, 409, again.text());
      assert.match(again.text(), /call_interrupted/);
      assert.equal(again.response.headers['x-should-retry'], 'false');
      await gate.until('the entry of the answered call', async () => {
        const done = await asked(doneKey, false);
        await done.ended;
        assert.ok([409, 410].includes(done.response.statusCode!), done.text());
        return done.response.statusCode === 410;
      });
      await gate.stop();
    }
    assert.equal(up.seen.length, before, 'nothing was sent again');
    await up.close();
  });

  test('the official SDKs retry with one key', { skip: sdksSkip }, async () => {
    const { OpenAI, Anthropic } = await loadSdks();
    const openai = new OpenAI({ baseURL: `${world.gate.url}/v1`, apiKey: world.gate.key, maxRetries: 2, timeout: 700 });
    const slow = async (response: never, seen: never, body: string): Promise<void> => {
      await sleep(1_100);
      json(body)(response, seen);
    };
    world.up.answer((response, seen) => slow(response as never, seen as never, ANSWER));
    const headers = { 'idempotency-key': randomUUID() };
    let seen = await requestsOf(async () => {
      const answer = await openai.chat.completions.create(
        { model: 'chat', messages: [{ role: 'user', content: 'hi' }] },
        { headers },
      );
      assert.equal(answer.choices[0]!.message.content, 'hello');
    });
    assert.equal(seen, 1, 'the first try timed out, and the second read its answer');
    const anthropic = new Anthropic({ baseURL: world.gate.url, apiKey: world.gate.key, maxRetries: 2, timeout: 700 });
    world.up.answer((response, seen) => slow(response as never, seen as never, MESSAGE));
    seen = await requestsOf(async () => {
      const answer = await anthropic.messages.create(
        { model: 'claude', max_tokens: 100, messages: [{ role: 'user', content: 'hi' }] },
        { headers: { 'idempotency-key': randomUUID() } },
      );
      assert.deepEqual(answer.content[0], { type: 'text', text: 'hello' });
    });
    assert.equal(seen, 1);
  });
});
