import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Stillness, type Look } from './stillness.ts';

const AT: Look = { unacked: 1_000, unanswered: 0, handed: [5_000, 5_000], unsent: 0 };
const after = (...looks: readonly Partial<Look>[]): Pick<Stillness, 'still' | 'silent'> => {
  const stillness = new Stillness();
  for (const look of looks) stillness.look({ ...AT, ...look });
  return { still: stillness.still, silent: stillness.silent };
};

test('a peer that vanished is silent from the second look on, though the stream writes on', () => {
  assert.deepEqual(
    after(
      { unanswered: 1 },
      { unanswered: 3, unacked: 3_000, handed: [7_000, 7_000] },
      { unanswered: 3, unacked: 4_000, handed: [8_000, 8_300] },
      { unanswered: 4, unacked: 4_400, handed: [8_300, 8_400] },
    ),
    { still: 3, silent: 3 },
  );
});

test('a peer that has no room but answers is still, and not silent', () => {
  assert.deepEqual(after({}, {}, {}), { still: 2, silent: 0 });
  assert.deepEqual(after({ unanswered: 2 }, { unanswered: 3 }, {}), { still: 2, silent: 0 });
});

test('whatever is acknowledged begins anew, also on a line that loses much', () => {
  assert.deepEqual(after({ unanswered: 2 }, { unanswered: 3 }, { unanswered: 2, unacked: 900 }), {
    still: 0,
    silent: 0,
  });
  // It was acknowledged between two looks, and as much waits again.
  assert.deepEqual(after({ unanswered: 2 }, { unanswered: 2, handed: [5_400, 5_400] }), { still: 0, silent: 0 });
  // The kernel counts less: something came back, though no byte of it can be told.
  assert.deepEqual(after({ unanswered: 5 }, { unanswered: 6 }, { unanswered: 1 }), { still: 2, silent: 0 });
});

test('what is written while the table is read is no sign of life', () => {
  assert.deepEqual(after({ unanswered: 1, handed: [0, 5_300] }, { unanswered: 2, handed: [5_300, 5_600] }), {
    still: 1,
    silent: 1,
  });
});

test('a large piece that goes out bit by bit moves the kernel’s queue', () => {
  const large = { unsent: 900_000 };
  assert.deepEqual(after(large, { ...large, unacked: 960 }), { still: 0, silent: 0 });
  assert.deepEqual(after(large, large), { still: 1, silent: 0 });
});
