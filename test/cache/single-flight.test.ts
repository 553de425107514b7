import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openWith, type Reading } from '../streams/stream-client.ts';
import type { Seen } from '../clients-rules/scripted-upstream.ts';
import { answerFor, ask, chat, entryOf, eventsFor, inCacheWorld, keyFor, type CacheWorld } from './cache-world.ts';

const CHAT = '/v1/chat/completions';

/** Requests that the upstream got and has not answered, oldest first; each is answered by hand. */
function held(world: CacheWorld): Seen[] {
  const waiting: Seen[] = [];
  world.upstream.answer((_response, seen) => void waiting.push(seen));
  return waiting;
}

let answers = 0;
const finish = ({ response, path }: Seen): void => {
  const body = JSON.stringify(answerFor(path, ++answers));
  response.writeHead(200, { 'content-type': 'application/json' }).end(body);
};
const refuse = ({ response }: Seen, status: number): void =>
  void response
    .writeHead(status, { 'content-type': 'application/json' })
    .end(JSON.stringify({ error: { message: `no ${status}`, type: 'server_error', code: null, param: null } }));

async function until(what: string, check: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 400; i++) {
    if (await check()) return;
    await sleep(10);
  }
  throw new Error(`${what}: not within 4 s`);
}

const followers = async ({ gate }: CacheWorld): Promise<number> => (await gate.admin('GET', '/cache')).waiting;

/** One call, and others of the same key once it is under way. */
async function lead(world: CacheWorld, waiting: Seen[], key: string, body: object, others: number) {
  const before = waiting.length;
  const leader = ask(world, key, body);
  await until('the leader’s request', () => waiting.length > before);
  const followed = Array.from({ length: others }, () => ask(world, key, body));
  await until('the followers', async () => (await followers(world)) === others);
  return { leader, followed };
}

describe('single flight', () => {
  const world = inCacheWorld();

  test('one request for all that ask the same at once; each has its entry, free and with the leader’s name', async () => {
    const key = await keyFor(world, 'acme');
    const waiting = held(world);
    const { leader, followed } = await lead(world, waiting, key, chat('one'), 8);
    finish(waiting[0]!);
    const [first, ...rest] = await Promise.all([leader, ...followed]);
    assert.equal(waiting.length, 1);
    assert.equal(first!.cache, 'miss');
    for (const one of rest) {
      assert.deepEqual([one.status, one.cache, one.text], [200, 'collapsed', first!.text]);
      const entry = await entryOf(world, one.callId);
      assert.deepEqual(
        [entry.cost.total, entry.savedCostUsd, entry.cacheHit.call, entry.cacheHit.collapsed, entry.attempts],
        ['0', '0.025', first!.callId, true, []],
      );
      assert.deepEqual([entry.status, entry.finish, entry.usage.inputTokens], ['ok', 'stop', null]);
    }
    assert.equal((await entryOf(world, first!.callId)).cost.total, '0.025');
    assert.equal((await ask(world, key, chat('one'))).cache, 'hit');
  });
});
