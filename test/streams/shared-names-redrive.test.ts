import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { redisSkip } from '../harness/redis-server.ts';
import { at, call, startRedriveWorld, stopRedriveWorld, TEXT, textOf, type RedriveWorld } from './redrive-world.ts';
import { callIdOf } from './stream-client.ts';

describe('an idempotency key whose gate died, and whose stream may be gone on with', { skip: redisSkip }, () => {
  let w: RedriveWorld;
  before(async () => void (w = await startRedriveWorld()));
  after(() => stopRedriveWorld(w));

  test('a retry at another gate has all of it: it is gone on with once, however many retry', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const live = await call(at(w, 'a'), { headers });
    await w.gates.a.until('words', () => textOf(live.text()).includes('wörd 5'));
    await w.gates.a.kill();
    await live.ended;
    const before = w.provider.log.length;
    const retries = await Promise.all([1, 2, 3].map(() => call(at(w, 'b'), { headers })));
    for (const retry of retries) {
      assert.equal(await retry.ended, 'clean', retry.text());
      assert.equal(retry.response.headers['idempotent-replayed'], 'true');
      assert.equal(callIdOf(retry), callIdOf(live));
      assert.equal(textOf(retry.text()), TEXT);
    }
    assert.equal(w.provider.log.length, before + 1);
    const later = await call(at(w, 'b'), { headers });
    await later.ended;
    assert.equal(textOf(later.text()), TEXT);
    assert.equal(w.provider.log.length, before + 1);
  });
});
