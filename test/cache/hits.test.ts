import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ask, chat, entryOf, inCacheWorld, keyFor } from './cache-world.ts';

describe('an exact request', () => {
  const world = inCacheWorld();

  test('gets the bytes of the earlier answer, free, and its entry says what was saved', async () => {
    const key = await keyFor(world, 'acme');
    const first = await ask(world, key, chat('one'));
    assert.deepEqual([first.status, first.cache, first.asked], [200, 'miss', 1]);
    const again = await ask(world, key, chat('one'));
    assert.deepEqual([again.status, again.cache, again.asked], [200, 'hit', 0]);
    assert.equal(again.text, first.text);
    assert.notEqual(again.callId, first.callId);
    assert.match(again.headers.get('age') ?? '', /^\d$/);
    const [paid, free] = [await entryOf(world, first.callId), await entryOf(world, again.callId)];
    assert.equal(paid.cost.totalUsd ?? paid.cost.total, '0.025');
    assert.equal(paid.cacheHit, null);
    assert.equal(free.cost.total, '0');
    assert.equal(free.usage.inputTokens, null);
    assert.equal(free.savedCostUsd, '0.025');
    assert.deepEqual(
      [free.cacheHit.call, free.cacheHit.cost.input, free.cacheHit.cost.output, free.cacheHit.cost.total],
      [first.callId, '0.011', '0.014', '0.025'],
    );
    assert.equal(free.cacheHit.priceVersion, paid.priceVersion);
    assert.deepEqual([free.cacheHit.usage.inputTokens, free.cacheHit.usage.outputTokens], [11, 7]);
    assert.deepEqual([free.attempts, free.provider, free.finish], [[], null, 'stop']);
  });
});
