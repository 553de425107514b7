import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createClient, type Transport } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import { toJson } from '@bufbuild/protobuf';
import {
  EmbedResponseSchema,
  GenerateResponseSchema,
  Headgate,
  StreamEventSchema,
} from '#wire/grpc/headgate-messages.ts';
import { openSocket } from '../streams/socket-client.ts';
import { chat, entryOf, eventsFor, inCacheWorld, keyFor, numbered } from './cache-world.ts';
import { begin, held, nextAnswer, say, sees, until } from './held-upstream.ts';

const CHAT = '/v1/chat/completions';
const TRANSPORTS: Readonly<Record<string, (baseUrl: string) => Transport>> = {
  grpc: (baseUrl) => createGrpcTransport({ baseUrl }),
  'grpc-web': (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: '1.1' }),
  connect: (baseUrl) => createConnectTransport({ baseUrl, httpVersion: '1.1' }),
};

const question = (text: string) => ({
  model: 'm',
  messages: [{ role: 'user', parts: [{ kind: { case: 'text' as const, value: text } }] }],
});

describe('hits and collapsed calls over other protocols', () => {
  const world = inCacheWorld();

  for (const [protocol, transport] of Object.entries(TRANSPORTS)) {
    const client = () => createClient(Headgate, transport(world.gate.url));
    const headersOf = (key: string) => ({
      headers: { authorization: `Bearer ${key}`, 'x-headgate-feature': 'search' },
    });
    /** A stream's id, and what it said without it. */
    const streamed = async (key: string, text: string): Promise<{ id: string; said: unknown[] }> => {
      const [said, ids]: [unknown[], string[]] = [[], []];
      for await (const event of client().generateStream(question(text), headersOf(key))) {
        const started = event.steps.find(({ kind }) => kind.case === 'started');
        if (started?.kind.case === 'started') ids.push(started.kind.value.id);
        else said.push(toJson(StreamEventSchema, event));
      }
      return { id: ids[0]!, said };
    };

    test(`${protocol}: a hit in one piece, as vectors and as a stream says what the earlier one said`, async () => {
      numbered(world.upstream);
      const key = await keyFor(world, `tenant-${protocol}`);
      const before = world.upstream.seen.length;
      const [first, second] = [
        await client().generate(question('one'), headersOf(key)),
        await client().generate(question('one'), headersOf(key)),
      ].map((answer) => toJson(GenerateResponseSchema, answer) as Record<string, unknown>);
      assert.deepEqual({ ...second, id: '' }, { ...first, id: '' });
      assert.notEqual(second!.id, first!.id);
      const hit = await entryOf(world, String(second!.id));
      assert.deepEqual(
        [hit.cacheHit.call, hit.cacheHit.collapsed, hit.savedCostUsd, hit.cost.total],
        [first!.id, false, '0.025', '0'],
      );
      const asked = { model: 'm', inputs: ['d', 'e'] };
      const vectors = [await client().embed(asked, headersOf(key)), await client().embed(asked, headersOf(key))].map(
        (answer) => toJson(EmbedResponseSchema, answer) as Record<string, unknown>,
      );
      assert.deepEqual({ ...vectors[1], id: '' }, { ...vectors[0], id: '' });
      assert.equal((await entryOf(world, String(vectors[1]!.id))).cacheHit.call, vectors[0]!.id);
      const [live, again] = [await streamed(key, 'stream'), await streamed(key, 'stream')];
      assert.deepEqual(again.said, live.said);
      assert.ok(live.said.length > 2, JSON.stringify(live.said));
      const entry = await entryOf(world, again.id);
      assert.deepEqual([entry.protocol, entry.cacheHit.call, entry.cost.total], [protocol, live.id, '0']);
      assert.equal(world.upstream.seen.length - before, 3);
    });

    test(`${protocol}: two that ask at once get one stream`, async () => {
      const key = await keyFor(world, `tenant-${protocol}`);
      const waiting = held(world);
      const leader = streamed(key, 'at once');
      await until('the leader’s request', () => waiting.length === 1);
      const follower = streamed(key, 'at once');
      await until('the follower', () => sees(world, 1));
      begin(waiting[0]!);
      for (const event of eventsFor(CHAT, nextAnswer())) {
        say(waiting[0]!, [event]);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      waiting[0]!.response.end();
      const [paid, free] = await Promise.all([leader, follower]);
      assert.deepEqual(free.said, paid.said);
      const entry = await entryOf(world, free.id);
      assert.deepEqual(
        [entry.protocol, entry.cacheHit.call, entry.cacheHit.collapsed, entry.savedCostUsd, entry.cost.total],
        [protocol, paid.id, true, '0.025', '0'],
      );
      assert.equal(waiting.length, 1);
    });
  }

  test('WebSocket: a hit, and two that ask at once on one socket and on another', async () => {
    numbered(world.upstream);
    const key = await keyFor(world, 'socket');
    const sockets = [await openSocket({ url: world.gate.url, key }), await openSocket({ url: world.gate.url, key })];
    const ask = async (socket: (typeof sockets)[number], stream: string, text: string): Promise<any[]> => {
      const headers = { 'x-headgate-feature': 'search' };
      socket.send({ type: 'start', stream, path: CHAT, headers, body: chat(text, { stream: true }) });
      await socket.frame((one) => one.stream === stream && (one.type === 'end' || one.type === 'error'));
      return socket.frames.filter((one) => one.stream === stream && one.type !== 'ping');
    };
    const said = (frames: readonly any[]): unknown[] =>
      frames.slice(1).map(({ stream: _stream, id: _id, ...frame }) => frame);
    const [first, second] = [await ask(sockets[0]!, 'a', 'hit'), await ask(sockets[1]!, 'b', 'hit')];
    assert.deepEqual(
      [first, second].map(([started]) => started.headers['x-headgate-cache']),
      ['miss', 'hit'],
    );
    assert.deepEqual(said(second), said(first));
    const waiting = held(world);
    const leader = ask(sockets[0]!, 'c', 'at once');
    await until('the leader’s request', () => waiting.length === 1);
    const followers = [ask(sockets[0]!, 'd', 'at once'), ask(sockets[1]!, 'e', 'at once')];
    await until('the followers', () => sees(world, 2));
    begin(waiting[0]!);
    say(waiting[0]!, eventsFor(CHAT, nextAnswer()));
    waiting[0]!.response.end();
    const [paid, ...free] = await Promise.all([leader, ...followers]);
    for (const one of free) {
      assert.equal(one[0].headers['x-headgate-cache'], 'collapsed');
      assert.deepEqual(said(one), said(paid!));
      const entry = await entryOf(world, one[0].id);
      assert.deepEqual([entry.protocol, entry.cacheHit.call, entry.cost.total], ['ws', paid![0].id, '0']);
    }
    for (const socket of sockets) socket.leave();
  });
});
