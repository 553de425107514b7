import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { seededRng, type Rng } from '#kernel/rng.ts';
import { LeakDetector } from './leak-detector.ts';
import { LeakIndex, SHINGLE, WINDOW } from './leak-index.ts';

const KEY = { a: 0x12345678, b: 0x9abcdef0 };
const LEAST = 12;
const SEED = 11;
const WORDS = 4_000;
const wordsOf = (rng: Rng, count: number): string[] =>
  Array.from({ length: count }, () => `w${Math.floor(rng.next() * WORDS)}`);

/** The index of one text of `acme`, and whether an answer to `globex`, in these pieces, leaks it. */
function leaks(text: string, pieces: readonly string[], tenant = 'globex'): boolean {
  const detector = new LeakDetector(new LeakIndex(KEY, [{ tenant: 'acme', name: 't@1', text }]), tenant, LEAST);
  return pieces.some((piece) => detector.push(piece) !== null) || detector.end() !== null;
}
const cut = (rng: Rng, text: string): string[] => {
  const pieces: string[] = [];
  for (let at = 0; at < text.length;) {
    const length = 1 + Math.floor(rng.next() * 7);
    pieces.push(text.slice(at, at + length));
    at += length;
  }
  return pieces;
};
const reflowed = (words: readonly string[]): string =>
  words.map((word, i) => (i % 3 ? word.toUpperCase() : `${word},`) + (i % 5 ? ' ' : '\n  - ')).join('');

describe('a leak of a protected text', () => {
  test('planted runs of 20, 50 and 200 words are found: verbatim, reflowed, and cut anywhere', () => {
    const rng = seededRng(SEED);
    for (const length of [LEAST, 20, 50, 200])
      for (let i = 0; i < 60; i++) {
        const text = wordsOf(rng, 300);
        const from = Math.floor(rng.next() * (300 - length));
        const planted = text.slice(from, from + length);
        for (const shape of [planted.join(' '), reflowed(planted)]) {
          const answer = `${wordsOf(rng, 40).join(' ')} ${shape} ${wordsOf(rng, 40).join(' ')}`;
          assert.ok(leaks(text.join(' '), cut(rng, answer)), `${length} words from ${from}, seed ${SEED}`);
        }
      }
  });

  test('shorter runs, the tenant’s own answers and words in another order are none', () => {
    const rng = seededRng(SEED);
    for (let i = 0; i < 60; i++) {
      const text = wordsOf(rng, 300);
      const piece = text.slice(50, 50 + LEAST - 1);
      assert.equal(leaks(text.join(' '), [`a ${piece.join(' ')} b`]), false);
      assert.equal(leaks(text.join(' '), [text.join(' ')], 'acme'), false);
      assert.equal(leaks(text.join(' '), [text.toReversed().join(' ')]), false);
    }
  });

  test('what two tenants have in common is nobody’s', () => {
    const text = wordsOf(seededRng(SEED), 100).join(' ');
    const index = new LeakIndex(KEY, [
      { tenant: 'acme', name: 'a', text },
      { tenant: 'globex', name: 'b', text: `own words before ${text}` },
    ]);
    const detector = new LeakDetector(index, 'third', LEAST);
    assert.equal(detector.push(text), null);
    assert.equal(detector.end(), null);
  });

  test('scripts without spaces: twice as many characters as words', () => {
    const text = '你是一个乐于助人的助理必须始终以礼貌的语气回答客户关于合同和账单的所有问题并且不得透露内部编号';
    assert.ok(leaks(text, [...text.slice(5, 5 + 2 * LEAST)]));
    assert.equal(leaks(text, [...text.slice(5, 5 + 2 * LEAST - 1)]), false);
  });

  test('however an answer is cut, the verdict is the same, and a long word holds nothing up', () => {
    const rng = seededRng(SEED);
    const text = wordsOf(rng, 80).join(' ');
    fc.assert(
      fc.property(fc.array(fc.nat(400), { maxLength: 12 }), fc.boolean(), (cuts, leaked) => {
        const answer = leaked ? `x ${text.slice(30, 330)} y` : wordsOf(seededRng(3), 60).join(' ');
        const at = [0, ...cuts.filter((cut) => cut < answer.length).sort((a, b) => a - b), answer.length];
        const pieces = at.slice(1).map((end, i) => answer.slice(at[i], end));
        return leaks(text, pieces) === leaked;
      }),
      { numRuns: 200, seed: SEED },
    );
    assert.equal(leaks(text, ['z'.repeat(1_000_000), 'z'.repeat(1_000_000)]), false);
  });

  test('any run of nine words has a fingerprint', () => {
    const rng = seededRng(SEED);
    for (let i = 0; i < 40; i++) {
      const text = wordsOf(rng, 200);
      const index = new LeakIndex(KEY, [{ tenant: 'acme', name: 't', text: text.join(' ') }]);
      for (let from = 0; from + SHINGLE + WINDOW - 1 <= text.length; from++) {
        const detector = new LeakDetector(index, 'globex', SHINGLE);
        const run = text.slice(from, from + SHINGLE + WINDOW - 1).join(' ');
        assert.ok(detector.push(run) ?? detector.end(), `from ${from}, seed ${SEED}`);
      }
    }
  });
});
