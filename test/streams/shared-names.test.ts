import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ticketOf } from '../client/page.ts';
import { json, stream, type StreamPart } from '../clients-rules/scripted-upstream.ts';
import { redisSkip } from '../harness/redis-server.ts';
import { loadSdks, sdksSkip } from '../harness/sdks.ts';
import { chunk, ENDING, startWorld, stopWorld, WORDS, type World } from './shared-world.ts';
import { openSocket, refusedUpgrade } from './socket-client.ts';
import { callIdOf, eventsOf, openWith, type Reading } from './stream-client.ts';

const LEASE_MS = 1_000;
const paced = (pauseMs: number): StreamPart[] => [...WORDS.flatMap((word) => [chunk(word), pauseMs]), ...ENDING];
const ANSWER = JSON.stringify({
  ...{ id: 'c', object: 'chat.completion', created: 1, model: 'up' },
  choices: [{ index: 0, message: { role: 'assistant', content: 'hello' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 10, completion_tokens: 20, total_tokens: 30 },
});

const configOf = (upstream: string, url: string): string => `
providers: { chat: { kind: lab-chat, baseUrl: "${upstream}/v1" } }
models: { chat: { deployments: [{ provider: chat, model: up }] } }
prices: [{ provider: "*", model: "*", perMillion: { input: "1000", output: "2000" } }]
stream: { heartbeat: 300ms, resume: { grace: 700ms, keep: 3s }, logs: { kind: valkey, url: "${url}", lease: ${LEASE_MS}ms } }
retry: { attempts: 1 }
log: { level: debug }
`;

interface Asking {
  readonly world: World;
  readonly at: 'a' | 'b';
  readonly key: string;
  readonly streamed?: boolean;
  readonly words?: string;
  readonly as?: string;
}
const ask = ({ world, at, key, streamed = false, words = 'hi', as = world.gates.key }: Asking): Promise<Reading> =>
  openWith(
    { url: world.gates[at].url, key: as },
    {
      ...{ method: 'POST', path: '/v1/chat/completions', headers: { 'idempotency-key': key } },
      body: { model: 'chat', stream: streamed, messages: [{ role: 'user', content: words }] },
    },
  );
const done = async (asking: Asking): Promise<Reading> => {
  const reading = await ask(asking);
  await reading.ended;
  return reading;
};
const eventsIn = (reading: Reading): string => eventsOf(reading.text());
const replayed = (reading: Reading): boolean => reading.response.headers['idempotent-replayed'] === 'true';

describe('one idempotency key at two gates', { skip: redisSkip }, () => {
  let world: World;
  before(async () => void (world = await startWorld(configOf)));
  after(() => stopWorld(world));

  for (const streamed of [true, false])
    test(`${streamed ? 'a stream' : 'an answer in one piece'}: both at once are one generation, and both have all of it`, async () => {
      const { up } = world;
      up.answer(streamed ? stream(paced(40)) : async (...said) => (await sleep(900), json(ANSWER)(...said)));
      const [key, before] = [randomUUID(), up.seen.length];
      const asking = { world, key, streamed };
      const readings = await Promise.all([
        done({ ...asking, at: 'a' }),
        done({ ...asking, at: 'b' }),
        done({ ...asking, at: 'b' }),
        sleep(300).then(() => done({ ...asking, at: 'b' })),
      ]);
      for (const reading of readings) assert.equal(reading.response.statusCode, 200, reading.text());
      assert.equal(new Set(readings.map(eventsIn)).size, 1);
      assert.match(readings[0]!.text(), streamed ? /wörd19/ : /hello/);
      assert.equal(readings.filter(replayed).length, 3);
      assert.equal(new Set(readings.map(callIdOf)).size, 1, 'the head names the call that was paid');
      const later = await done({ ...asking, at: 'b' });
      assert.equal(eventsIn(later), eventsIn(readings[0]!));
      assert.equal(up.seen.length, before + 1);
    });

  test('another body is a 409 at another gate; another key of the tenant is another scope', async () => {
    const { up, gates } = world;
    up.answer(json(ANSWER));
    const [key, before] = [randomUUID(), up.seen.length];
    await done({ world, at: 'a', key });
    const other = await done({ world, at: 'b', key, words: 'other' });
    assert.equal(other.response.statusCode, 409, other.text());
    assert.match(other.text(), /idempotency_conflict/);
    assert.equal(up.seen.length, before + 1);
    const scoped = await done({ world, at: 'b', key, words: 'other', as: gates.other });
    assert.equal(scoped.response.statusCode, 200);
    assert.equal(replayed(scoped), false);
  });

  test('what billed nothing is not kept: whoever waits at another gate makes the call', async () => {
    const { up } = world;
    up.answer(async (...said) => (await sleep(600), json('{"error":{"message":"busy"}}', 503)(...said)));
    const key = randomUUID();
    const first = done({ world, at: 'a', key });
    await sleep(200);
    const second = done({ world, at: 'b', key });
    await sleep(200);
    up.answer(json(ANSWER));
    assert.equal((await first).response.statusCode, 503);
    assert.equal((await second).response.statusCode, 200, (await second).text());
    assert.equal(replayed(await second), false);
    assert.equal(replayed(await done({ world, at: 'a', key })), true);
  });

  test('the first client leaves, and whoever waits at another gate is waited for, three times the grace long', async () => {
    const { up, gates } = world;
    for (const streamed of [true, false]) {
      const script = streamed ? stream(paced(0)) : json(ANSWER);
      up.answer(async (...said) => (await sleep(2_400), script(...said)));
      const [key, before] = [randomUUID(), up.seen.length];
      const leaving = fetch(`${gates.a.url}/v1/chat/completions`, {
        ...{ method: 'POST', signal: AbortSignal.timeout(300) },
        headers: {
          authorization: `Bearer ${gates.key}`,
          'content-type': 'application/json',
          'idempotency-key': key,
        },
        body: JSON.stringify({ model: 'chat', stream: streamed, messages: [{ role: 'user', content: 'hi' }] }),
      }).then(
        (response) => response.text().catch(() => null),
        () => null,
      );
      await sleep(150);
      const second = await done({ world, at: 'b', key, streamed });
      await leaving;
      assert.equal(second.response.statusCode, 200, second.text());
      assert.match(second.text(), streamed ? /wörd19/ : /hello/);
      assert.equal(up.seen.length, before + 1);
    }
  });

  test('when the answer is kept no longer, a 410 of either gate names the entry', async () => {
    const { up } = world;
    for (const streamed of [true, false]) {
      up.answer(streamed ? stream(paced(0)) : json(ANSWER));
      const [key, before] = [randomUUID(), up.seen.length];
      const first = await done({ world, at: 'a', key, streamed });
      await sleep(3_000 + LEASE_MS + 6_000);
      for (const at of ['b', 'a'] as const) {
        const late = await done({ world, at, key, streamed });
        assert.equal(late.response.statusCode, 410, `${at}: ${late.text()}`);
        assert.match(late.text(), /answer_gone/);
        assert.match(late.text(), /ended as `ok`/);
        assert.ok(late.text().includes(callIdOf(first)));
      }
      assert.equal(up.seen.length, before + 1);
    }
  });
});

describe('the gate that makes the answer dies', { skip: redisSkip }, () => {
  let world: World;
  before(async () => void (world = await startWorld(configOf)));
  after(() => stopWorld(world));

  test('a stream ends as interrupted at another gate, an answer in one piece is a 409; nothing is sent again', async () => {
    const { up, gates } = world;
    const [whole, streamed] = [randomUUID(), randomUUID()];
    up.answer(async (...said) => (await sleep(20_000), json(ANSWER)(...said)));
    const lost = ask({ world, at: 'a', key: whole }).catch(() => null);
    await gates.a.until('it is asked', () => up.seen.length === 1);
    up.answer(stream(paced(100)));
    const live = await ask({ world, at: 'a', key: streamed, streamed: true });
    live.ended.catch(() => undefined);
    await gates.a.until('words', () => live.text().includes('wörd4'));
    const waiting = done({ world, at: 'b', key: whole });
    await sleep(300);
    await gates.a.kill();
    await lost;
    const before = up.seen.length;
    const rest = await ask({ world, at: 'b', key: streamed, streamed: true });
    assert.equal(await rest.ended, 'broken');
    assert.equal(rest.response.statusCode, 200);
    assert.ok(eventsIn(rest).startsWith(eventsIn(live)));
    assert.ok(!rest.text().includes('[DONE]'));
    for (const reading of [await waiting, await done({ world, at: 'b', key: whole })]) {
      assert.equal(reading.response.statusCode, 409, reading.text());
      assert.match(reading.text(), /call_interrupted/);
      assert.equal(reading.response.headers['x-should-retry'], 'false');
    }
    const again = await gates.restartA();
    const own = await openWith(
      { url: again.url, key: gates.key },
      {
        ...{ method: 'POST', path: '/v1/chat/completions', headers: { 'idempotency-key': whole } },
        body: { model: 'chat', stream: false, messages: [{ role: 'user', content: 'hi' }] },
      },
    );
    await own.ended;
    assert.equal(own.response.statusCode, 409, own.text());
    assert.equal(up.seen.length, before);
  });
});

describe('Valkey is away', { skip: redisSkip }, () => {
  let world: World;
  before(async () => void (world = await startWorld(configOf)));
  after(() => stopWorld(world));

  test('a key is claimed at its own gate alone, and the head, the log and a metric say so; the other learns of it later', async () => {
    const { up, gates } = world;
    up.answer(json(ANSWER));
    const known = randomUUID();
    await done({ world, at: 'a', key: known });
    await world.redis.kill();
    const at = performance.now();
    const key = randomUUID();
    const alone = await done({ world, at: 'a', key });
    assert.equal(alone.response.statusCode, 200, alone.text());
    assert.ok(performance.now() - at < 3_000, 'the wait has a bound');
    assert.equal(alone.response.headers['x-headgate-idempotency'], 'this-gate');
    await gates.a.until('the log says so', () => /what gates share about streams is away/.test(gates.a.stderr()));
    const metrics = await fetch(`${gates.a.url}/metrics`, {
      headers: { authorization: `Bearer ${gates.a.adminToken}` },
    }).then((response) => response.text());
    assert.match(metrics, /^headgate_idempotency_alone_total 1$/m);
    const before = up.seen.length;
    for (const again of [key, known]) assert.equal(replayed(await done({ world, at: 'a', key: again })), true);
    assert.equal(up.seen.length, before, 'its own gate knows what it had, without the server');
    world.redis = await world.redis.restart();
    // Whoever asks at once waits until each gate has told what it knows: the server came back empty.
    await gates.b.until('b sees it', () => (gates.b.stderr().match(/about streams answers/g) ?? []).length >= 2);
    for (const each of [key, known]) {
      const there = await done({ world, at: 'b', key: each });
      assert.ok([200, 409, 410].includes(there.response.statusCode!), there.text());
      if (there.response.statusCode === 200) assert.equal(replayed(there), true);
    }
    assert.equal(up.seen.length, before, 'no second spend');
  });

  test('the server is lost while a call is made: it is not made again by who waits elsewhere', async () => {
    const { up, gates } = world;
    up.answer(async (...said) => (await sleep(4_000), json(ANSWER)(...said)));
    const [key, before] = [randomUUID(), up.seen.length];
    const first = done({ world, at: 'a', key });
    await gates.a.until('it is asked', () => up.seen.length === before + 1);
    const waiting = done({ world, at: 'b', key });
    await sleep(300);
    await world.redis.kill();
    assert.equal((await waiting).response.statusCode, 503, 'whether it goes on is not known');
    world.redis = await world.redis.restart();
    await sleep(1_500);
    const retried = await done({ world, at: 'b', key });
    assert.equal(retried.response.statusCode, 200, retried.text());
    assert.equal(replayed(retried), true);
    assert.equal((await first).response.statusCode, 200);
    assert.equal(up.seen.length, before + 1);
  });
});

describe('tickets over gates', { skip: redisSkip }, () => {
  let world: World;
  before(async () => void (world = await startWorld(configOf)));
  after(() => stopWorld(world));
  const read = (at: 'a' | 'b', id: string, ticket: string): Promise<Response> =>
    fetch(`${world.gates[at].url}/v1/streams/${id}?ticket=${ticket}&end=event`);
  const made = async (at: 'a' | 'b'): Promise<[id: string, ticket: string]> => {
    world.up.answer(stream(paced(0)));
    const id = callIdOf(await done({ world, at, key: randomUUID(), streamed: true }));
    return [id, await ticketOf({ ...world.gates[at], key: world.gates.key }, id)];
  };

  test('one that gate A made opens its stream at gate B, once over both', async () => {
    const [id, ticket] = await made('a');
    const there = await read('b', id, ticket);
    assert.equal(there.status, 200);
    assert.ok((await there.text()).includes('wörd19'));
    for (const at of ['a', 'b'] as const) assert.equal((await read(at, id, ticket)).status, 401, at);
    const [other, second] = await made('a');
    const tries = Array.from({ length: 20 }, (_, i) => read(i % 2 ? 'a' : 'b', other, second));
    const statuses = (await Promise.all(tries)).map(({ status }) => status);
    assert.deepEqual(
      statuses.filter((status) => status !== 401),
      [200],
    );
  });

  test('on a socket of gate B it resumes its stream, once', async () => {
    const [id, ticket] = await made('a');
    const path = `/v1/stream?ticket=${ticket}`;
    const socket = await openSocket({ url: world.gates.b.url, path });
    socket.send({ type: 'resume', stream: 's', id });
    assert.equal((await socket.frame(({ type }) => type === 'end')).status, 'ok');
    socket.leave();
    for (const at of ['a', 'b'] as const)
      assert.equal((await refusedUpgrade({ url: world.gates[at].url, path })).status, 401);
  });

  test('its secret stands in no log and not in Valkey, which has its digest for 60 s', async () => {
    const [id, ticket] = await made('a');
    await read('a', id, 'hgt_other');
    const { port } = new URL(world.redis.url);
    const cli = (...args: string[]): string =>
      spawnSync('redis-cli', ['-p', port, ...args], { encoding: 'utf8' }).stdout;
    const digest = createHash('sha256').update(ticket).digest('base64url');
    const keys = cli('KEYS', 'headgate:{ticket:*').trim().split('\n');
    assert.ok(keys.includes(`headgate:{ticket:${digest}}`));
    const left = Number(cli('PTTL', `headgate:{ticket:${digest}}`));
    assert.ok(left > 30_000 && left <= 60_000, `${left} ms`);
    const all = cli('KEYS', '*').trim().split('\n').join(' ') + keys.map((key) => cli('GET', key)).join(' ');
    await read('b', id, ticket);
    for (const text of [all, ...(['a', 'b'] as const).map((at) => world.gates[at].stderr())])
      assert.ok(!text.includes(ticket));
  });

  test('while Valkey is away one is of the gate that made it, and one that Valkey had opens nothing', async () => {
    const [id, before] = await made('a');
    await world.redis.kill();
    await world.gates.a.until('it is away', () => /streams is away/.test(world.gates.a.stderr()));
    assert.equal((await read('a', id, before)).status, 503);
    const own = await ticketOf({ ...world.gates.a, key: world.gates.key }, id);
    assert.notEqual((await read('b', id, own)).status, 200);
    assert.equal((await read('a', id, own)).status, 200);
    assert.notEqual((await read('a', id, own)).status, 200);
    world.redis = await world.redis.restart();
  });
});

interface Transport {
  reconnectToStream(options: object): Promise<ReadableStream<{ type: string; delta?: string }> | null>;
}

describe('chats over gates', { skip: redisSkip || sdksSkip }, () => {
  let world: World;
  let ai: any;
  before(async () => {
    ai = (await loadSdks()).ai;
    world = await startWorld(configOf);
  });
  after(() => stopWorld(world));

  const transport = (at: 'a' | 'b', key = world.gates.key): Transport & Record<string, any> =>
    new ai.DefaultChatTransport({
      api: `${world.gates[at].url}/v1/ui/chat`,
      headers: { authorization: `Bearer ${key}`, 'x-headgate-resume': 'true' },
      body: { model: 'chat' },
    });
  /** Reads a few chunks and loses the connection, as a reload of the page does. */
  async function lost(at: 'a' | 'b', chatId: string): Promise<void> {
    const leave = new AbortController();
    const messages = [{ id: 'u1', role: 'user', parts: [{ type: 'text', text: 'hi' }] }];
    const sent = await transport(at)['sendMessages']({
      ...{ chatId, messages, trigger: 'submit-message', abortSignal: leave.signal },
    });
    const reader = sent.getReader();
    for (let i = 0; i < 5; i++) await reader.read();
    leave.abort();
    await reader.closed.catch(() => undefined);
  }
  async function textOf(source: ReadableStream<{ type: string; delta?: string }> | null): Promise<string> {
    let text = '';
    for await (const { type, delta } of source as never as AsyncIterable<{ type: string; delta?: string }>)
      if (type === 'text-delta') text += delta;
    return text;
  }

  test('a page that comes back to another gate gets the whole message, once over both, and its key alone', async () => {
    world.up.answer(stream(paced(60)));
    await lost('a', 'chat/ünd {1}');
    const chatId = 'chat/ünd {1}';
    assert.equal(await transport('b', world.gates.other).reconnectToStream({ chatId }), null);
    const there = await transport('b').reconnectToStream({ chatId });
    assert.equal(await textOf(there), WORDS.join(''));
    for (const at of ['a', 'b'] as const)
      assert.equal(await transport(at).reconnectToStream({ chatId }), null, `${at}: it was read to its end`);
    assert.equal(await transport('b').reconnectToStream({ chatId: 'never' }), null);
  });

  test('the newest stream of a chat is taken up, at whichever gate it is made', async () => {
    const chatId = 'twice';
    world.up.answer(stream(paced(80)));
    await lost('a', chatId);
    world.up.answer(stream([chunk('the later '), 100, chunk('one of all '), 100, chunk('words '), 900, ...paced(0)]));
    await lost('b', chatId);
    assert.match(await textOf(await transport('a').reconnectToStream({ chatId })), /^the later one of all words /);
  });

  test('its cancel reaches the gate that makes it', async () => {
    const chatId = 'cancelled';
    world.up.answer(stream(paced(300)));
    await lost('a', chatId);
    const cancel = await fetch(`${world.gates.b.url}/v1/ui/chat/${chatId}/cancel`, {
      ...{ method: 'POST', headers: { authorization: `Bearer ${world.gates.key}` } },
    });
    assert.equal(cancel.status, 200, await cancel.text());
    await world.gates.a.until('the provider is told', () => world.up.seen.at(-1)!.closedAtMs !== null);
  });

  test('while Valkey is away a gate finds its own chats, and none is an error', async () => {
    await world.redis.kill();
    world.up.answer(stream(paced(100)));
    await lost('a', 'alone');
    assert.equal(await textOf(await transport('a').reconnectToStream({ chatId: 'alone' })), WORDS.join(''));
    assert.equal(await transport('b').reconnectToStream({ chatId: 'alone' }), null);
    world.redis = await world.redis.restart();
  });
});
