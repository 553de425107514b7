import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { redisSkip } from '../harness/redis-server.ts';
import { callIdOf, endOf, eventsOf, lastIdOf } from './stream-client.ts';
import * as world from './redrive-world.ts';
import { at, call, entryOf, resume, sha256, TEXT, textOf, type Api, type RedriveWorld } from './redrive-world.ts';

/** The gate of a stream dies once so much of it was read. */
async function died(world: RedriveWorld, begun: Awaited<ReturnType<typeof call>>, word = 'wörd 5'): Promise<string> {
  const { gates } = world;
  await gates.a.until(word, () => textOf(begun.text()).includes(word));
  await gates.a.kill();
  await begun.ended;
  assert.equal(endOf(begun.text()), null, 'its client was told nothing');
  return callIdOf(begun);
}

describe('a gate dies, and another one goes on with its stream', { skip: redisSkip }, () => {
  let w: RedriveWorld;
  before(async () => void (w = await world.startRedriveWorld()));
  after(() => world.stopRedriveWorld(w));

  for (const api of ['chat', 'claude'] as const satisfies readonly Api[]) {
    test(`${api}: readers have the prefix and the rest, no token twice and none missing`, async () => {
      if (w.gates.a.child.exitCode !== null || w.gates.a.child.signalCode !== null)
        w = { ...w, gates: { ...w.gates, a: await w.gates.restartA() } };
      const asked = w.provider.log.length;
      const live = await call(at(w, 'a'), { api });
      const id = await died(w, live);
      const last = lastIdOf(live.text());
      const [first, rest] = await Promise.all([resume(at(w, 'b'), id), resume(at(w, 'b'), id, last)]);
      assert.deepEqual(await Promise.all([first.ended, rest.ended]), ['clean', 'clean'], first.text());
      const had = eventsOf(live.text());
      assert.equal(textOf(first.text()), TEXT);
      assert.equal(had + eventsOf(rest.text()), eventsOf(first.text()));
      const end = endOf(first.text());
      assert.equal(end.status, 'ok');
      assert.equal(end.textSha256, sha256(TEXT));
      assert.deepEqual(endOf(rest.text()), end);
      const [, second] = w.provider.log.slice(asked);
      assert.equal(w.provider.log.length - asked, 2, 'one call for the rest');
      assert.ok(second!.continues !== null && TEXT.startsWith(second!.continues!), 'it was asked to go on');
      const entry = await entryOf(w.gates.b, end.redrivenBy[0]);
      assert.equal(entry.redriveOf, id);
      assert.equal(entry.status, 'ok');
      console.log(first.text(), JSON.stringify(end), JSON.stringify(entry.usage));
    });
  }
});
