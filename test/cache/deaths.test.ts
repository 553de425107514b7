import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { seededRng } from '#kernel/rng.ts';
import { startGate, temporaryFolder } from '../harness/gate-process.ts';
import { startUpstream } from '../clients-rules/scripted-upstream.ts';
import { ask, cacheConfig, chat, keyFor, numbered, type CacheWorld } from './cache-world.ts';

const SEED = 20261127;
const QUESTIONS = 12;
const CALLS = 60;
/** What each answer of the upstream costs: 11 tokens in, 7 out. */
const ANSWER_NANO = 25_000_000n;

describe(`calls, and a gate that is killed among them (seed ${SEED})`, () => {
  const world: { -readonly [K in keyof CacheWorld]: CacheWorld[K] } = {} as never;
  const dataDir = temporaryFolder('cache-deaths');
  before(async () => {
    world.upstream = await startUpstream();
    numbered(world.upstream);
    world.gate = await startGate({ config: cacheConfig(world.upstream.url), dataDir });
  });
  after(async () => {
    await world.gate?.stop();
    await world.upstream?.close();
    rmSync(dataDir, { recursive: true, force: true });
  });

  test('what was billed is what the upstream answered, what was saved is the rest, and each call has one entry', async () => {
    const rng = seededRng(SEED);
    const key = await keyFor(world, 'acme');
    const [seen, results] = [new Map<string, string>(), { hit: 0, miss: 0 }];
    for (let i = 0; i < CALLS; i++) {
      if (i === CALLS / 2) {
        await world.gate.kill();
        world.gate = await startGate({ config: cacheConfig(world.upstream.url), dataDir });
      }
      const question = Math.floor(rng.next() * QUESTIONS);
      const answer = await ask(world, key, chat(`q${question}`, { stream: i % 2 === 1 }));
      assert.equal(answer.status, 200, answer.text);
      assert.ok(!seen.has(answer.callId));
      seen.set(answer.callId, answer.cache!);
      results[answer.cache as 'hit' | 'miss'] += 1;
      assert.equal(answer.asked, answer.cache === 'hit' ? 0 : 1);
    }
    assert.equal(world.upstream.seen.length, results.miss);
    assert.ok(results.hit > 10 && results.miss > QUESTIONS, JSON.stringify(results));
    const rows = async (): Promise<any[]> => (await world.gate.admin('GET', '/spend?by=feature&tenant=acme')).rows;
    await world.gate.until('all entries', async () => (await rows())[0]?.calls >= CALLS);
    const [row, ...more] = await rows();
    assert.deepEqual(more, []);
    const nano = (usd: string): bigint => BigInt(Math.round(Number(usd) * 1e9));
    assert.equal(row.calls, CALLS);
    assert.equal(nano(row.costUsd), BigInt(results.miss) * ANSWER_NANO);
    assert.equal(nano(row.savedUsd), BigInt(results.hit) * ANSWER_NANO);
    assert.equal(row.inputTokens, results.miss * 11);
    const { calls } = await world.gate.admin('GET', '/calls?tenant=acme&limit=1000');
    assert.deepEqual(calls.map(({ id }: any) => id).toSorted(), [...seen.keys()].toSorted());
    for (const call of calls) assert.equal(call.cacheHit !== null, seen.get(call.id) === 'hit', call.id);
    console.log(`seed ${SEED}: ${results.hit} hits, ${results.miss} misses`);
  });
});
