import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { seededRng } from '#kernel/rng.ts';
import { startUpstream } from '../clients-rules/scripted-upstream.ts';
import { startGate, temporaryFolder } from '../harness/gate-process.ts';
import { openWith } from '../streams/stream-client.ts';
import {
  answerFor,
  ask,
  cacheConfig,
  chat,
  entryOf,
  eventsFor,
  inCacheWorld,
  keyFor,
  type CacheWorld,
} from './cache-world.ts';
import { begin, fail, finish, held, inOrder, nextAnswer, say, sees, until } from './held-upstream.ts';

const CHAT = '/v1/chat/completions';
const SEED = 20261127;

describe('streams of each dialect, asked for at once', () => {
  const world = inCacheWorld('stream: { heartbeat: 200ms }');

  const streams: readonly (readonly [name: string, path: string, body: object])[] = [
    ['chat with usage', CHAT, chat('s', { stream: true, stream_options: { include_usage: true } })],
    ['chat, translated', CHAT, chat('s', { model: 'messages-only', stream: true })],
    ['messages', '/v1/messages', chat('s', { max_tokens: 9, stream: true })],
    ['messages, translated', '/v1/messages', chat('s', { model: 'chat', max_tokens: 9, stream: true })],
    ['responses', '/v1/responses', { model: 'm', input: 's', store: false, stream: true }],
    [
      'google',
      '/v1beta/models/m:streamGenerateContent?alt=sse',
      { contents: [{ role: 'user', parts: [{ text: 's' }] }] },
    ],
    ['converse, in frames', '/model/m/converse-stream', { messages: [{ role: 'user', content: [{ text: 's' }] }] }],
  ];
  for (const [name, path, body] of streams)
    test(name, async () => {
      const key = await keyFor(world, 'dialects');
      const waiting = held(world);
      const { leader, followed } = await inOrder(world, waiting, () => ask(world, key, body, { path }), 2);
      begin(waiting[0]!);
      for (const event of eventsFor(waiting[0]!.path, nextAnswer())) {
        say(waiting[0]!, [event]);
        await sleep(5);
      }
      waiting[0]!.response.end();
      const [first, ...rest] = await Promise.all([leader, ...followed]);
      assert.match(first!.text, /answer \d/);
      for (const one of rest) {
        assert.deepEqual([one.status, one.cache, one.text], [200, 'collapsed', first!.text]);
        assert.equal(one.headers.get('content-type'), first!.headers.get('content-type'));
        assert.equal((await entryOf(world, one.callId)).savedCostUsd, '0.025');
      }
      assert.equal(waiting.length, 1);
      assert.equal((await ask(world, key, body, { path })).text, first!.text, 'and it is kept');
    });

  test('who waits in silence gets signs of life, and after them the answer, though another leads by then', async () => {
    const key = await keyFor(world, 'silence');
    const waiting = held(world);
    const opening = { method: 'POST', path: CHAT, body: chat('silence', { stream: true }) };
    const open = () =>
      openWith({ url: world.gate.url, key }, { ...opening, headers: { 'x-headgate-feature': 'search' } });
    const leading = open();
    await until('the leader’s request', () => waiting.length === 1);
    const following = open();
    await until('the follower', () => sees(world, 1));
    const early = await Promise.race([following, sleep(600)]);
    assert.equal(early, undefined, 'before the provider has begun, whatever comes may be an error');
    begin(waiting[0]!);
    const follower = await following;
    await until('a sign of life', () => follower.text().includes(': ping'));
    waiting[0]!.response.destroy();
    await until('the second attempt', () => waiting.length === 2);
    fail(waiting[1]!, 503);
    await until('the next leader', () => waiting.length === 3);
    begin(waiting[2]!);
    const events = eventsFor(CHAT, nextAnswer()).filter((event) => !event.includes('"usage"'));
    say(waiting[2]!, events);
    waiting[2]!.response.end();
    assert.equal(await follower.ended, 'clean');
    assert.equal(follower.text().replaceAll(/^: ping\n\n/gm, ''), events.join(''));
    const { attempts, cost, cacheHit } = await entryOf(world, String(follower.response.headers['x-headgate-call-id']));
    assert.deepEqual([attempts.length, cacheHit, Number(cost.total) > 0], [1, null, true]);
    const failed = await leading;
    assert.equal(await failed.ended, 'broken');
  });

  test('calls with idempotency keys wait like any other, and their repetitions are replays', async () => {
    const key = await keyFor(world, 'once');
    const waiting = held(world);
    let n = 0;
    const once = () => ask(world, key, chat('once'), { headers: { 'idempotency-key': `k-${n++}` } });
    const { leader, followed } = await inOrder(world, waiting, once, 2);
    finish(waiting[0]!);
    const all = await Promise.all([leader, ...followed]);
    assert.deepEqual(
      all.map(({ cache }) => cache),
      ['miss', 'collapsed', 'collapsed'],
    );
    for (let i = 0; i < 3; i++) {
      const again = await ask(world, key, chat('once'), { headers: { 'idempotency-key': `k-${i}` } });
      assert.deepEqual([again.headers.get('idempotent-replayed'), again.text], ['true', all[0]!.text]);
    }
    assert.equal(waiting.length, 1);
  });
});

describe(`a storm of equal calls (seed ${SEED})`, () => {
  const world = inCacheWorld();

  test('the provider has each question at most once at a time, who waits gets an answer of it, and the bill adds up', async () => {
    const rng = seededRng(SEED);
    const key = await keyFor(world, 'storm');
    const [running, answered] = [new Map<string, number>(), new Map<string, Set<string>>()];
    let [most, whole, clash] = [0, 0, 0];
    world.upstream.answer(async (response, { body, path }) => {
      const text = body.toString();
      const now = (running.get(text) ?? 0) + 1;
      running.set(text, now);
      clash = Math.max(clash, now);
      most += 1;
      await sleep(Math.floor(rng.next() * 60));
      running.set(text, running.get(text)! - 1);
      if (rng.next() < 0.2) return fail({ response } as never, 503);
      const answer = JSON.stringify(answerFor(path, nextAnswer()));
      whole += 1;
      const question = /q\d+-\d+/.exec(text)![0];
      answered.set(question, (answered.get(question) ?? new Set()).add(answer));
      response.writeHead(200, { 'content-type': 'application/json' }).end(answer);
    });
    const [ROUNDS, AT_ONCE, QUESTIONS] = [8, 30, 5];
    const results: { question: string; answer: Awaited<ReturnType<typeof ask>> | null }[] = [];
    for (let round = 0; round < ROUNDS; round++)
      await Promise.all(
        Array.from({ length: AT_ONCE }, async () => {
          await sleep(Math.floor(rng.next() * 40));
          const question = `q${round}-${Math.floor(rng.next() * QUESTIONS)}`;
          results.push({ question, answer: await ask(world, key, chat(question)) });
        }),
      );
    assert.equal(clash, 1, 'never twice at once');
    const told: Record<string, number> = {};
    for (const { question, answer } of results) {
      told[`${answer!.status} ${answer!.cache}`] = (told[`${answer!.status} ${answer!.cache}`] ?? 0) + 1;
      if (answer!.status === 200) assert.ok(answered.get(question)?.has(answer!.text), `${question}: ${answer!.text}`);
    }
    const rows = async (): Promise<any> => (await world.gate.admin('GET', '/spend?by=feature&tenant=storm')).rows[0];
    await world.gate.until('all entries', async () => (await rows())?.calls >= ROUNDS * AT_ONCE);
    const { calls, costUsd, savedUsd } = await rows();
    const nano = (usd: string): bigint => BigInt(Math.round(Number(usd) * 1e9));
    const free = results.filter(({ answer }) => ['hit', 'collapsed'].includes(answer!.cache ?? '')).length;
    assert.equal(calls, ROUNDS * AT_ONCE);
    assert.equal(nano(costUsd), BigInt(whole) * 25_000_000n, 'billed is what the provider answered');
    assert.equal(nano(savedUsd), BigInt(free) * 25_000_000n, 'saved is what was given for nothing');
    assert.ok((told['200 collapsed'] ?? 0) > 50, JSON.stringify(told));
    const { flights, waiting } = await world.gate.admin('GET', '/cache');
    assert.deepEqual([flights, waiting], [0, 0]);
    console.log(`seed ${SEED}: ${most} requests of ${ROUNDS * AT_ONCE} calls, ${JSON.stringify(told)}`);
  });
});

describe('a gate that dies while calls wait', () => {
  const world: { -readonly [K in keyof CacheWorld]: CacheWorld[K] } = {} as never;
  const dataDir = temporaryFolder('flight-deaths');
  before(async () => {
    world.upstream = await startUpstream();
    world.gate = await startGate({ config: cacheConfig(world.upstream.url), dataDir });
  });
  after(async () => {
    await world.gate?.stop();
    await world.upstream?.close();
    rmSync(dataDir, { recursive: true, force: true });
  });

  test('each has its entry: the leader’s is charged as any that was cut off, and the others’ nothing', async () => {
    const key = await keyFor(world, 'dies');
    const waiting = held(world);
    const call = () => ask(world, key, chat('dies', { max_tokens: 7 })).catch(() => null);
    const { leader, followed } = await inOrder(world, waiting, call, 3);
    await until('their records', () => sees(world, 3));
    await sleep(200);
    await world.gate.kill();
    await Promise.all([leader, ...followed]);
    world.gate = await startGate({ config: cacheConfig(world.upstream.url), dataDir });
    let calls: any[] = [];
    await world.gate.until('the entries', async () => {
      ({ calls } = await world.gate.admin('GET', '/calls?tenant=dies'));
      return calls.length === 4;
    });
    assert.deepEqual(new Set(calls.map(({ status }) => status)), new Set(['interrupted']));
    const charged = calls.filter(({ attempts }) => attempts.length > 0);
    assert.equal(charged.length, 1);
    assert.ok(Number(charged[0].cost.total) > 0);
    for (const { cost } of calls.filter(({ attempts }) => attempts.length === 0)) assert.equal(cost.total, '0');
    assert.equal(waiting.length, 1);
  });
});
