import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-web';
import { createClient as createRedis } from '@redis/client';
import { Headgate } from '#wire/grpc/headgate-messages.ts';
import { redisSkip } from '../harness/redis-server.ts';
import { loadSdks, sdksSkip } from '../harness/sdks.ts';
import { openSocket, shapeOf, SHAPES } from './socket-client.ts';
import { callIdOf, endOf, eventsOf as allEventsOf, lastIdOf, openWith } from './stream-client.ts';
import {
  assertInOrder,
  at,
  call,
  died,
  entryOf,
  LEASE_MS,
  LONG,
  redriveWorld,
  requestOf,
  resume,
  revive,
  sha256,
  TEXT,
  textOf,
} from './redrive-world.ts';

/** Without Anthropic's signs of life, which come when they come. */
const eventsOf = (text: string): string => allEventsOf(text).replaceAll('event: ping\ndata: {"type": "ping"}\n\n', '');

const epochsOf = (text: string): number => new Set([...text.matchAll(/^id: (\w+)\./gm)].map(([, epoch]) => epoch)).size;

describe('a gate dies, and another one goes on with its stream', { skip: redisSkip }, () => {
  const w = redriveWorld();

  for (const api of ['chat', 'claude'] as const) {
    test(`${api}: readers have the prefix and the rest, no token twice and none missing`, async () => {
      const seen = w.provider.log.length;
      const live = await call(at(w, 'a'), { api });
      const id = await died(w, live);
      const last = lastIdOf(live.text());
      const [first, rest] = await Promise.all([resume(at(w, 'b'), id), resume(at(w, 'b'), id, last)]);
      assert.deepEqual(await Promise.all([first.ended, rest.ended]), ['clean', 'clean'], first.text());
      assert.equal(textOf(first.text()), TEXT);
      assert.equal(eventsOf(live.text()) + eventsOf(rest.text()), eventsOf(first.text()), 'byte for byte');
      assertInOrder(first.text());
      assert.equal(epochsOf(first.text()), 2);
      const end = endOf(first.text());
      assert.deepEqual(endOf(rest.text()), end);
      assert.equal(end.status, 'ok');
      assert.equal(end.finish, 'stop');
      assert.equal(end.textSha256, sha256(TEXT));
      const [one, two, ...more] = w.provider.log.slice(seen);
      assert.deepEqual(more, [], 'one call for the rest');
      assert.equal(one!.continues, null);
      assert.ok(two!.continues !== null && TEXT.startsWith(two!.continues), 'it was asked to go on');
      assert.equal(two!.continues, two!.continues!.trimEnd());
      const [redrive] = end.redrivenBy;
      const again = await entryOf(w.gates.b, redrive);
      assert.deepEqual([again.redriveOf, again.status, again.tenant], [id, 'ok', 'demo']);
      assert.equal(again.usage.outputTokens, two!.usageSent!.output);
      assert.equal(again.usage.inputTokens, two!.usageSent!.input);
      assert.equal(end.usage.outputTokens > again.usage.outputTokens, true, 'the answer has what was used before, too');
      await revive(w);
      const dead = await entryOf(w.gates.a, id);
      assert.deepEqual([dead.status, dead.redriveOf, dead.usageSource], ['interrupted', null, 'estimated']);
      assert.ok(Number(dead.cost.total) > 0, 'what was paid before stays paid');
      // A position of before, and one of after, at the gate that came back.
      const later = await resume(at(w, 'a'), id, last);
      await later.ended;
      assert.equal(eventsOf(later.text()), eventsOf(rest.text()));
      const behind = [...first.text().matchAll(/^id: (.+)$/gm)].at(-4)![1]!;
      const few = await resume(at(w, 'a'), id, behind);
      await few.ended;
      assert.ok(eventsOf(first.text()).endsWith(eventsOf(few.text())) && eventsOf(few.text()) !== '');
      const [old] = last.split('.');
      const nobody = await resume(at(w, 'a'), id, `${old}.${end.events - 1}`);
      await nobody.ended;
      assert.equal(nobody.response.statusCode, 410, 'a position that only the dead gate could have given');
    });

    test(`${api}: the vendor’s SDK reads one answer`, { skip: sdksSkip }, async () => {
      const live = await call(at(w, 'a'), { api });
      const id = await died(w, live);
      const whole = await resume(at(w, 'b'), id);
      await whole.ended;
      const { OpenAI, Anthropic } = await loadSdks();
      const type = { headers: { 'content-type': 'text/event-stream' } };
      const fetch = async (): Promise<Response> => new Response(eventsOf(whole.text()), type);
      if (api === 'chat') {
        const stream = new OpenAI({ apiKey: 'k', fetch }).chat.completions.stream({ model: 'm', messages: [] });
        const answer = await stream.finalChatCompletion();
        assert.equal(answer.choices[0]!.message.content, TEXT);
        assert.equal(answer.choices[0]!.finish_reason, 'stop');
        assert.equal(answer.usage!.completion_tokens, endOf(whole.text()).usage.outputTokens);
      } else {
        const stream = new Anthropic({ apiKey: 'k', fetch }).messages.stream({
          model: 'm',
          max_tokens: 9,
          messages: [],
        });
        const answer = await stream.finalMessage();
        assert.deepEqual(
          answer.content.map((block) => [block.type, block.type === 'text' && block.text]),
          [['text', TEXT]],
        );
        assert.equal(answer.stop_reason, 'end_turn');
        assert.equal(answer.usage.output_tokens, endOf(whole.text()).usage.outputTokens);
      }
    });
  }

  test('readers that are there stay: over SSE, WebSocket and gRPC, in the moment of the death', async () => {
    // By its feature, not by its caller's word.
    const begun = await call(at(w, 'a'), { feature: 'safe' });
    await w.gates.a.until('it has begun', () => textOf(begun.text()).includes('wörd 1'));
    const id = callIdOf(begun);
    const sse = await resume(at(w, 'b'), id);
    const socket = await openSocket({ url: w.gates.b.url, key: w.gates.key });
    socket.send({ type: 'resume', stream: 's', id });
    const client = createClient(Headgate, createGrpcTransport({ baseUrl: w.gates.b.url }));
    const said = { text: '', status: '', positions: [] as string[] };
    const reading = (async (): Promise<void> => {
      const as = { headers: { authorization: `Bearer ${w.gates.key}` } };
      for await (const { steps, position } of client.resume({ id }, as)) {
        if (position !== '') said.positions.push(position);
        for (const { kind } of steps) {
          if (kind.case === 'end') said.status = kind.value.status;
          if (kind.case === 'text') said.text += kind.value.text;
        }
      }
    })();
    await died(w, begun);
    const end = await socket.frame((frame) => frame.type === 'end');
    assert.equal(await sse.ended, 'clean');
    await reading;
    assert.equal(textOf(sse.text()), TEXT);
    const frames = socket.frames.flatMap((frame) => (frame.type === 'batch' ? frame.frames : [frame]));
    assert.equal(
      frames
        .filter(({ type }) => type === 'delta')
        .map(({ text }) => text)
        .join(''),
      TEXT,
    );
    assert.equal(frames.filter(({ type }) => type === 'message').length, 1, 'one beginning');
    const [redriven, ...more] = frames.filter(({ type }) => type === 'redriven');
    assert.deepEqual(more, []);
    assert.deepEqual([end.status, end.textSha256], ['ok', sha256(TEXT)]);
    const page = readFileSync(join(import.meta.dirname, '../../docs/reference/stream-protocol.md'), 'utf8');
    const shown = /```json server\n(\{"type":"redriven".+)\n```/.exec(page)![1]!;
    assert.ok(SHAPES.has(shapeOf(JSON.parse(shown))), 'as the reference shows it');
    assert.deepEqual([said.status, said.text], ['ok', TEXT]);
    assert.equal(new Set(said.positions.map((position) => position.split('.')[0])).size, 2);
    // What a client of the socket makes of epoch and number is a position everywhere.
    const position = `${redriven.epoch}.${redriven.after + 2}`;
    const rest = await resume(at(w, 'b'), id, position);
    await rest.ended;
    assert.ok(eventsOf(sse.text()).endsWith(eventsOf(rest.text())));
    socket.leave();
  });

  test('gRPC, gRPC-Web and Connect are told in the end who made the rest, or why nobody did', async () => {
    const [live, hosted] = [await call(at(w, 'a')), await call(at(w, 'a'), { model: 'hosted' })];
    await w.gates.a.until('it has begun', () => textOf(hosted.text()).includes('wörd 2'));
    const id = await died(w, live);
    const whole = await resume(at(w, 'b'), id);
    await whole.ended;
    const { redrivenBy } = endOf(whole.text());
    const refused = String(hosted.response.headers['x-headgate-call-id']);
    const baseUrl = w.gates.b.url;
    const transports = [
      createGrpcTransport({ baseUrl }),
      createGrpcWebTransport({ baseUrl }),
      createConnectTransport({ baseUrl }),
    ];
    for (const transport of transports) {
      const ends: { status: string; reason: string; redrivenBy: string[] }[] = [];
      for (const call of [id, refused]) {
        const options = { headers: { authorization: `Bearer ${w.gates.key}` } };
        const events = createClient(Headgate, transport).resume({ id: call }, options);
        // One that is not whole fails behind its end.
        const read = async (): Promise<void> => {
          for await (const { steps } of events)
            for (const { kind } of steps) if (kind.case === 'end') ends.push(kind.value);
        };
        await read().catch(() => undefined);
      }
      assert.deepEqual(
        ends.map(({ status, reason, redrivenBy }) => ({ status, reason, redrivenBy })),
        [
          { status: 'ok', reason: '', redrivenBy },
          { status: 'interrupted', reason: 'provider_cannot_continue', redrivenBy: [] },
        ],
      );
    }
  });

  test('what began over WebSocket or gRPC is gone on with, too', async () => {
    const socket = await openSocket({ url: w.gates.a.url, key: w.gates.key });
    const headers = { 'x-headgate-resume': 'redrive' };
    socket.send({ type: 'start', stream: 's', path: '/v1/messages', headers, body: requestOf({ api: 'claude' }).body });
    const started = await socket.frame((frame) => frame.type === 'started');
    const client = createClient(Headgate, createGrpcTransport({ baseUrl: w.gates.a.url }));
    const as = { headers: { authorization: `Bearer ${w.gates.key}`, ...headers } };
    let [id, said] = ['', ''];
    const reading = (async (): Promise<void> => {
      const messages = [{ role: 'user', parts: [{ kind: { case: 'text' as const, value: TEXT } }] }];
      for await (const { steps } of client.generateStream({ model: 'chat', messages }, as))
        for (const { kind } of steps) {
          if (kind.case === 'started') id = kind.value.id;
          if (kind.case === 'text') said += kind.value.text;
        }
    })().catch(() => undefined);
    await w.gates.a.until('both have begun', () => said.includes('wörd 4') && socket.frames.length > 20);
    await w.gates.a.kill();
    await Promise.all([reading, socket.closed]);
    for (const [call, protocol] of [
      [started.id, 'ws'],
      [id, 'grpc'],
    ] as const) {
      const whole = await resume(at(w, 'b'), call);
      assert.equal(await whole.ended, 'clean', whole.text());
      assert.equal(textOf(whole.text()), TEXT);
      const entry = await entryOf(w.gates.b, endOf(whole.text()).redrivenBy[0]);
      assert.deepEqual([entry.redriveOf, entry.protocol], [call, protocol]);
    }
  });

  test('two gates that find it at once: one goes on, and readers of both have the same', async () => {
    const seen = w.provider.log.length;
    const live = await call(at(w, 'a'));
    const id = await died(w, live);
    await revive(w);
    await sleep(LEASE_MS);
    const readings = await Promise.all(
      Array.from({ length: 10 }, (_, i) => resume(at(w, i % 2 === 0 ? 'a' : 'b'), id)),
    );
    for (const reading of readings) assert.equal(await reading.ended, 'clean');
    const [first, ...others] = readings.map((reading) => eventsOf(reading.text()));
    for (const other of others) assert.equal(other, first);
    assert.equal(textOf(readings[0]!.text()), TEXT);
    assert.equal(w.provider.log.length - seen, 2);
  });

  test('a second death is the end: interrupted, and nothing is asked for again', async () => {
    const text = LONG.repeat(6);
    const seen = w.provider.log.length;
    const id = await died(w, await call(at(w, 'a'), { text }));
    const going = await resume(at(w, 'b'), id);
    await w.gates.b.until('it goes on', () => textOf(going.text()).includes('wörd 9'));
    await w.gates.b.kill();
    await going.ended;
    await revive(w);
    const last = await resume(at(w, 'a'), id);
    assert.equal(await last.ended, 'broken');
    const end = endOf(last.text());
    assert.equal(end.status, 'interrupted');
    assert.equal(end.reason, 'redrives_spent');
    assert.ok(text.startsWith(textOf(last.text())) && textOf(last.text()).includes('wörd 9'));
    assert.ok(eventsOf(last.text()).startsWith(eventsOf(going.text())));
    assert.equal(w.provider.log.length - seen, 2);
    let redrive: any;
    await w.gates.b.until('its entry', async () => {
      const { calls } = await w.gates.b.admin('GET', '/calls?limit=20');
      return (redrive = calls.find((entry: any) => entry.redriveOf === id)) !== undefined;
    });
    assert.equal(redrive.status, 'interrupted');
  });

  test('a cancel from another gate ends what is gone on with', async () => {
    const id = await died(w, await call(at(w, 'a'), { text: LONG.repeat(6) }));
    const going = await resume(at(w, 'b'), id);
    await w.gates.b.until('it goes on', () => textOf(going.text()).includes('wörd 8'));
    await revive(w);
    const cancel = await openWith(at(w, 'a'), { method: 'POST', path: `/v1/streams/${id}/cancel` });
    await cancel.ended;
    await going.ended;
    const end = endOf(going.text());
    assert.equal(end.status, 'cancelled');
    await w.gates.b.until('the provider is told', () => w.provider.log.at(-1)!.aborted);
    const entry = await entryOf(w.gates.b, end.redrivenBy[0]);
    assert.deepEqual([entry.status, entry.errorCode], ['cancelled', 'client_cancelled']);
  });

  test('what nobody reads is not gone on with', async () => {
    const seen = w.provider.log.length;
    await died(w, await call(at(w, 'a')));
    await revive(w);
    await sleep(2 * LEASE_MS);
    assert.equal(w.provider.log.length - seen, 1);
  });

  test('a gate that was only paused lets its readers go, and they find the rest', async () => {
    const live = await call(at(w, 'a'), { text: LONG });
    const id = callIdOf(live);
    await w.gates.a.until('it has begun', () => textOf(live.text()).includes('wörd 5'));
    w.gates.a.child.kill('SIGSTOP');
    const there = await resume(at(w, 'b'), id);
    await w.gates.b.until('it goes on', () => textOf(there.text()).includes('wörd 7'));
    w.gates.a.child.kill('SIGCONT');
    assert.equal(await live.ended, 'broken');
    assert.equal(endOf(live.text()), null, 'no end but the one that all have');
    const rest = await resume(at(w, 'a'), id, lastIdOf(live.text()));
    assert.equal(await rest.ended, 'clean');
    assert.equal(eventsOf(live.text()) + eventsOf(rest.text()), eventsOf(there.text()));
    assert.equal(await there.ended, 'clean');
    assert.equal(textOf(there.text()), LONG);
    const entry = await entryOf(w.gates.a, id);
    assert.deepEqual([entry.status, entry.errorCode], ['interrupted', 'fenced']);
  });

  test('the request is in Valkey sealed, and for as long as somebody may go on with it', async () => {
    const redis = createRedis({ url: w.redis.url });
    await redis.connect();
    const live = await call(at(w, 'a'));
    await w.gates.a.until('it has begun', () => textOf(live.text()).includes('wörd 5'));
    const id = callIdOf(live);
    const [name] = (await redis.keys(`*${id}`)) as [string];
    const kept = await redis.sendCommand(['HGET', name, 'request']);
    assert.ok(String(kept).length > TEXT.length);
    for (const plain of ['wörd 20', 'messages', 'Bearer', w.gates.key]) assert.ok(!String(kept).includes(plain), plain);
    assert.ok(Number(await redis.sendCommand(['PTTL', name])) > 0);
    await live.ended;
    assert.equal(await redis.sendCommand(['HEXISTS', name, 'request']), 0, 'gone with the end');
    const next = await died(w, await call(at(w, 'a')));
    const going = await resume(at(w, 'b'), next);
    await w.gates.b.until('it goes on', () => textOf(going.text()).includes('wörd 7'));
    const [other] = (await redis.keys(`*${next}`)) as [string];
    assert.equal(await redis.sendCommand(['HEXISTS', other, 'request']), 0, 'nobody goes on a second time');
    await going.ended;
    await redis.close();
  });
});
