import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Ring, type RingNode } from './ring.ts';

interface Numbered extends RingNode {
  readonly n: number;
}
const numbered = (n: number): Numbered => ({ n, ringPrevious: null, ringNext: null });

test('a ring holds what was added and not dropped, in order, as a list does', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20)), (steps) => {
      const ring = new Ring<Numbered>();
      let list: Numbered[] = [];
      for (const [n, step] of steps.entries()) {
        const at = list[step];
        if (at) {
          assert.equal(ring.drop(at), true);
          assert.equal(ring.drop(at), false, 'once');
          list = list.filter((one) => one !== at);
        } else {
          const made = numbered(n);
          ring.add(made);
          list.push(made);
        }
        assert.deepEqual(
          [...ring].map((one) => one.n),
          list.map((one) => one.n),
        );
        assert.equal(ring.isEmpty, list.length === 0);
      }
    }),
  );
});

test('what is given may be dropped while the ring is walked', () => {
  const ring = new Ring<Numbered>();
  for (let n = 0; n < 5; n++) ring.add(numbered(n));
  for (const node of ring) if (node.n % 2 === 0) ring.drop(node);
  assert.deepEqual(
    [...ring].map(({ n }) => n),
    [1, 3],
  );
});
