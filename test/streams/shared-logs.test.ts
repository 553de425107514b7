import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { Headgate } from '#wire/grpc/headgate-messages.ts';
import { stream, type StreamPart } from '../clients-rules/scripted-upstream.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { redisSkip, startRedis } from '../harness/redis-server.ts';
import { chunk, ENDING, startWorld, stopWorld, WORDS, type World } from './shared-world.ts';
import { openSocket } from './socket-client.ts';
import { callIdOf, endOf, eventsOf, lastIdOf, openWith, type Reading } from './stream-client.ts';

const LEASE_MS = 1_000;
const ALL = [...WORDS.map((word) => chunk(word)), ...ENDING];
const paced = (pauseMs: number): StreamPart[] => ALL.flatMap((event) => [event, pauseMs]);
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const configOf = (upstream: string, url: string): string => `
providers: { chat: { kind: lab-chat, baseUrl: "${upstream}/v1" } }
models: { chat: { deployments: [{ provider: chat, model: up }] } }
prices: [{ provider: "*", model: "*", perMillion: { input: "1000", output: "2000" } }]
stream: { heartbeat: 300ms, resume: { grace: 700ms }, logs: { kind: valkey, url: "${url}", lease: ${LEASE_MS}ms } }
retry: { attempts: 1 }
`;

const at = ({ gates }: World, gate: 'a' | 'b', key = gates.key) => ({ url: gates[gate].url, key });
const call = (to: { url: string; key: string }, headers: Record<string, string> = {}): Promise<Reading> =>
  openWith(to, {
    ...{ method: 'POST', path: '/v1/chat/completions' },
    headers: { 'x-headgate-resume': 'true', ...headers },
    body: {
      model: 'chat',
      stream: true,
      stream_options: { include_usage: true },
      messages: [{ role: 'user', content: 'hi' }],
    },
  });
const resume = (to: { url: string; key: string }, id: string, lastId?: string): Promise<Reading> =>
  openWith(to, {
    ...{ method: 'GET', path: `/v1/streams/${id}?end=event` },
    headers: lastId === undefined ? {} : { 'last-event-id': lastId },
  });
/** Signs of life come when they come. */
const unbeaten = (reading: Reading): string => reading.text().replaceAll(': ping\n\n', '');
const until = (gate: GateProcess, reading: Reading, word: string): Promise<void> =>
  gate.until(word, () => reading.text().includes(word));

describe('logs of streams in Valkey: a gate that dies', { skip: redisSkip }, () => {
  let world: World;
  before(async () => void (world = await startWorld(configOf)));
  after(() => stopWorld(world));

  test('another gate has the exact prefix and then an explicit interrupted, and so has the gate that comes back', async () => {
    const { up, gates } = world;
    up.answer(stream(paced(30)));
    const key = { 'idempotency-key': 'the-same-call' };
    const live = await call(at(world, 'a'), key);
    await until(gates.a, live, 'wörd8 ');
    await gates.a.kill();
    await live.ended;
    assert.equal(endOf(live.text()), null, 'its client was told nothing');
    const id = callIdOf(live);
    const [first, rest] = await Promise.all([
      resume(at(world, 'b'), id),
      resume(at(world, 'b'), id, lastIdOf(live.text())),
    ]);
    for (const reading of [first, rest]) assert.equal(await reading.ended, 'broken', 'no client takes it for whole');
    const end = endOf(first.text());
    assert.equal(end.status, 'interrupted');
    assert.deepEqual(endOf(rest.text()), end);
    const prefix = eventsOf(first.text());
    assert.ok(ALL.join('').startsWith(prefix), 'byte for byte');
    assert.ok(prefix.startsWith(eventsOf(live.text())), 'at least what was sent');
    assert.equal(eventsOf(live.text()) + eventsOf(rest.text()), prefix, 'none twice, none missing');
    assert.equal(end.events, prefix.split('\n\n').length - 1);
    assert.equal(end.textSha256, sha256(WORDS.slice(0, end.events).join('')));
    assert.equal(end.last, lastIdOf(first.text().replace(/\nid: .*\nevent: headgate.end[\s\S]*/, '')));

    const again = await gates.restartA();
    const later = await resume({ url: again.url, key: gates.key }, id);
    await later.ended;
    assert.deepEqual(endOf(later.text()), end);
    assert.equal(eventsOf(later.text()), prefix);
    let entry: any = null;
    await again.until(
      'the entry',
      async () => (entry = await again.admin('GET', `/calls/${id}`).catch(() => null)) !== null,
    );
    assert.equal(entry.status, 'interrupted');
    assert.equal(up.seen.length, 1, 'nothing was asked for twice');
  });
});

describe('logs of streams in Valkey: two gates that live', { skip: redisSkip }, () => {
  let world: World;
  before(async () => void (world = await startWorld(configOf)));
  after(() => stopWorld(world));

  test('a stream is read at another gate from any position on, live, with the same bytes and end', async () => {
    const { up, gates } = world;
    up.answer(stream(paced(25)));
    const live = await call(at(world, 'a'), { 'x-headgate-end': 'event' });
    await until(gates.a, live, 'wörd5 ');
    const id = callIdOf(live);
    const position = lastIdOf(live.text());
    const had = eventsOf(live.text());
    const [all, rest] = await Promise.all([resume(at(world, 'b'), id), resume(at(world, 'b'), id, position)]);
    await until(gates.b, all, 'wörd8 ');
    assert.equal(endOf(all.text()), null, 'it goes on');
    assert.deepEqual(await Promise.all([all.ended, rest.ended, live.ended]), ['clean', 'clean', 'clean']);
    assert.equal(unbeaten(all), unbeaten(live), 'ids, events and the end');
    assert.equal(eventsOf(all.text()), ALL.join(''));
    assert.equal(had + eventsOf(rest.text()), ALL.join(''));
    assert.equal(endOf(all.text()).usage.outputTokens, 20);
    const done = await resume(at(world, 'b'), id, `${position.split('.')[0]}.${ALL.length}`);
    assert.equal(done.response.statusCode, 204);
    const snapshot = await openWith(at(world, 'b'), { method: 'GET', path: `/v1/streams/${id}?snapshot=true` });
    await snapshot.ended;
    assert.match(snapshot.text(), /event: headgate.snapshot/);
    assert.ok(snapshot.text().includes(WORDS.join('')));
  });

  test('and so it is over WebSocket, from a position of another gate', async () => {
    const { up, gates } = world;
    up.answer(stream(paced(25)));
    const live = await call(at(world, 'a'), { 'x-headgate-end': 'event' });
    await until(gates.a, live, 'wörd5 ');
    const socket = await openSocket({ url: gates.b.url, key: gates.key });
    socket.send({ type: 'resume', stream: 's', id: callIdOf(live), after: lastIdOf(live.text()) });
    const had = WORDS.filter((word) => live.text().includes(word)).length;
    const end = await socket.frame((frame) => frame.type === 'end');
    await live.ended;
    assert.equal(end.status, 'ok');
    assert.equal(end.textSha256, endOf(live.text()).textSha256);
    const text = socket.frames.flatMap((frame) => (frame.type === 'delta' ? [frame.text as string] : [])).join('');
    assert.equal(text, WORDS.slice(had).join(''));
    socket.leave();
  });

  test('and over gRPC, where a cancel reaches the producer too', async () => {
    const { up, gates } = world;
    up.answer(stream(paced(100)));
    const live = await call(at(world, 'a'), { 'x-headgate-end': 'event' });
    await until(gates.a, live, 'wörd3 ');
    const client = createClient(Headgate, createGrpcTransport({ baseUrl: gates.b.url }));
    const as = { headers: { authorization: `Bearer ${gates.key}` } };
    const positions: string[] = [];
    let end: unknown = null;
    const position = lastIdOf(live.text());
    const reading = (async (): Promise<void> => {
      for await (const { steps, ...event } of client.resume({ id: callIdOf(live), position }, as)) {
        if (event.position !== '') positions.push(event.position);
        for (const { kind } of steps) if (kind.case === 'end') end = kind.value.status;
      }
    })().catch((error: unknown) => assert.equal(ConnectError.from(error).code, Code.Canceled));
    await gates.b.until('it reads', () => positions.length > 2);
    await client.cancel({ id: callIdOf(live) }, as);
    await gates.a.until('the provider is told', () => up.seen.at(-1)!.closedAtMs !== null);
    await Promise.all([reading, live.ended]);
    const [epoch, seq] = position.split('.');
    assert.equal(positions[0], `${epoch}.${Number(seq) + 1}`);
    assert.equal(endOf(live.text()).status, 'cancelled');
    assert.ok(end === null || end === 'cancelled');
  });

  test('another key has a 404 there, as for what never was', async () => {
    const { up, gates } = world;
    up.answer(stream(paced(0)));
    const live = await call(at(world, 'a'));
    await live.ended;
    for (const [key, id] of [
      [gates.other, callIdOf(live)],
      [gates.key, 'call_00000000000000000000000000'],
    ] as const) {
      const reading = await resume(at(world, 'b', key), id);
      await reading.ended;
      assert.equal(reading.response.statusCode, 404, reading.text());
    }
  });

  test('a cancel at another gate stops the provider, and all readers have the end', async () => {
    const { up, gates } = world;
    up.answer(stream(paced(100)));
    const live = await call(at(world, 'a'), { 'x-headgate-end': 'event' });
    await until(gates.a, live, 'wörd2 ');
    const id = callIdOf(live);
    const cancel = await openWith(at(world, 'b'), { method: 'POST', path: `/v1/streams/${id}/cancel` });
    await cancel.ended;
    assert.equal(cancel.response.statusCode, 200, cancel.text());
    await gates.a.until('the provider is told', () => up.seen.at(-1)!.closedAtMs !== null);
    await live.ended;
    const there = await resume(at(world, 'b'), id);
    await there.ended;
    assert.equal(endOf(there.text()).status, 'cancelled');
    assert.deepEqual(endOf(there.text()), endOf(live.text()));
    const entry = await entryOf(gates.a, id);
    assert.equal(entry.status, 'cancelled');
    assert.equal(entry.errorCode, 'client_cancelled');
  });

  test('a producer whose client has left waits for nobody while somebody reads elsewhere, and no longer', async () => {
    const { up, gates } = world;
    const silence: StreamPart[] = [chunk('first '), 12_000, ...ALL];
    up.answer(stream(silence));
    const live = await call(at(world, 'a'));
    await until(gates.a, live, 'first ');
    const there = await resume(at(world, 'b'), callIdOf(live));
    await until(gates.b, there, 'first ');
    live.leave();
    await sleep(2_500);
    assert.equal(up.seen.at(-1)!.closedAtMs, null, 'three times the grace');
    there.leave();
    await gates.a.until('it is abandoned', () => up.seen.at(-1)!.closedAtMs !== null);
    assert.equal((await entryOf(gates.a, callIdOf(live))).errorCode, 'abandoned');
  });

  test('a gate that was paused past its lease is fenced: its provider is cancelled, and its entry says interrupted', async () => {
    const { up, gates } = world;
    up.answer(stream(paced(400)));
    const live = await call(at(world, 'a'), { 'x-headgate-end': 'event' });
    await until(gates.a, live, 'wörd2 ');
    const id = callIdOf(live);
    gates.a.child.kill('SIGSTOP');
    const there = await resume(at(world, 'b'), id);
    await there.ended;
    const end = endOf(there.text());
    assert.equal(end.status, 'interrupted');
    assert.equal(up.seen.at(-1)!.closedAtMs, null, 'it does not know yet');
    await sleep(1_000);
    gates.a.child.kill('SIGCONT');
    await gates.a.until('the provider is told', () => up.seen.at(-1)!.closedAtMs !== null);
    await live.ended;
    assert.deepEqual(endOf(live.text()), end, 'its own client gets no word more than the others');
    assert.equal(eventsOf(live.text()), eventsOf(there.text()));
    const entry = await entryOf(gates.a, id);
    assert.equal(entry.status, 'interrupted');
    assert.equal(entry.errorCode, 'fenced');
    for (const gate of ['a', 'b'] as const) {
      const later = await resume(at(world, gate), id);
      await later.ended;
      assert.deepEqual(endOf(later.text()), end);
    }
  });
});

describe('logs of streams in Valkey: a server that is away', { skip: redisSkip }, () => {
  let world: World;
  before(async () => void (world = await startWorld(configOf)));
  after(() => stopWorld(world));

  test('streams go on, begin and end without it, and what it lacks is written when it is back', async () => {
    const { up, gates } = world;
    up.answer(stream(paced(150)));
    const live = await call(at(world, 'a'), { 'x-headgate-end': 'event' });
    await until(gates.a, live, 'wörd3 ');
    await world.redis.kill();
    await until(gates.a, live, 'wörd5 ');
    await gates.a.until('the log says so', () => /the log of streams is away/.test(gates.a.stderr()));
    assert.match(await metricsOf(gates.a), /^headgate_stream_log_up 0$[\s\S]*^headgate_streams_undurable 1$/m);
    const refused = await resume(at(world, 'b'), callIdOf(live));
    await refused.ended;
    assert.equal(refused.response.statusCode, 503, 'whether it is there is not known');
    const local = await resume(at(world, 'a'), callIdOf(live));
    up.answer(stream(paced(0)));
    const during = await call(at(world, 'a'), { 'x-headgate-end': 'event' });
    assert.equal(await during.ended, 'clean');
    assert.equal(eventsOf(during.text()), ALL.join(''));
    world = { ...world, redis: await world.redis.restart() };
    for (const reading of [live, local]) {
      assert.equal(await reading.ended, 'clean');
      assert.equal(eventsOf(reading.text()), ALL.join(''));
    }
    for (const reading of [live, during]) {
      let there: Reading | null = null;
      await gates.b.until('it is there', async () => {
        there = await resume(at(world, 'b'), callIdOf(reading));
        await there.ended;
        return there.response.statusCode === 200;
      });
      assert.equal(unbeaten(there!), unbeaten(reading), 'whole, with the end that its readers had');
    }
    assert.match(await metricsOf(gates.a), /^headgate_stream_log_up 1$[\s\S]*^headgate_streams_undurable 0$/m);
  });

  test('a gate starts without it, and says why: nobody there, a wrong password; with the right one it is there', async () => {
    const { up } = world;
    up.answer(stream(paced(0)));
    const guarded = await startRedis({ password: 'right' });
    for (const [url, password, why] of [
      ['redis://127.0.0.1:1', 'right', /ECONNREFUSED/],
      [guarded.url, 'wrong-one', /WRONGPASS|invalid username-password/],
      [guarded.url, 'right', /the log of streams answers/],
    ] as const) {
      const config = configOf(up.url, url).replace(`"${url}"`, `"${url}", password: "\${env:VALKEY_PASSWORD}"`);
      const gate = await startGate({ config, env: { VALKEY_PASSWORD: password } });
      try {
        await gate.until('it says how it is', () => why.test(gate.stderr()));
        assert.doesNotMatch(gate.stderr(), /wrong-one/);
        const live = await call(gate);
        assert.equal(await live.ended, 'clean');
        assert.equal(eventsOf(live.text()), ALL.join(''));
        const again = await resume(gate, callIdOf(live));
        assert.equal(await again.ended, 'clean', 'the log of the process is there');
      } finally {
        await gate.stop();
      }
    }
    await guarded.kill();
    const unset = configOf(up.url, guarded.url).replace('lease:', 'password: "${env:NOT_SET_HERE}", lease:');
    await assert.rejects(startGate({ config: unset }), /stream\.logs\.password: .* NOT_SET_HERE is not set/);
  });

  test('one that answers no more holds nothing up: readers get what comes within the bound', async () => {
    const { up, gates } = world;
    world.redis.child.kill('SIGSTOP');
    try {
      up.answer(stream(paced(0)));
      const first = await call(at(world, 'a'), { 'x-headgate-end': 'event' });
      assert.equal(await first.ended, 'clean');
      assert.equal(eventsOf(first.text()), ALL.join(''));
      await gates.a.until('the log says so', () => /no answer within a second/.test(gates.a.stderr()));
      const begun = performance.now();
      for (let i = 0; i < 10; i++) await (await call(at(world, 'a'))).ended;
      assert.ok(performance.now() - begun < 9_000, 'once it is known, nobody waits a second for it');
    } finally {
      world.redis.child.kill('SIGCONT');
    }
  });
});

async function metricsOf({ url, adminToken }: GateProcess): Promise<string> {
  const page = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${adminToken}` } });
  return page.text();
}

async function entryOf(gate: GateProcess, id: string): Promise<any> {
  let entry: any = null;
  await gate.until('the entry', async () => {
    entry = await gate.admin('GET', `/calls/${id}`).catch(() => null);
    return entry !== null;
  });
  return entry;
}
