import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { diffLines } from './diff.ts';

const text = fc
  .array(fc.constantFrom('a', 'b', 'c', ''), { minLength: 1, maxLength: 12 })
  .map((lines) => lines.join('\n'));
const side = (lines: ReturnType<typeof diffLines>, is: '-' | '+'): string =>
  lines
    .filter((line) => line.is === ' ' || line.is === is)
    .map((line) => line.text)
    .join('\n');

test('a diff holds both texts, and keeps as many common lines as there are', () => {
  fc.assert(
    fc.property(text, text, (before, after) => {
      const lines = diffLines(before, after);
      assert.equal(side(lines, '-'), before);
      assert.equal(side(lines, '+'), after);
      assert.equal(lines.filter(({ is }) => is === ' ').length, common(before.split('\n'), after.split('\n')));
    }),
  );
});

/** The longest common subsequence, slowly. */
function common(a: readonly string[], b: readonly string[]): number {
  if (a.length === 0 || b.length === 0) return 0;
  const row = new Array<number>(b.length + 1).fill(0);
  for (const one of a) {
    let corner = 0;
    for (let j = 1; j <= b.length; j++) {
      const above = row[j]!;
      row[j] = one === b[j - 1] ? corner + 1 : Math.max(above, row[j - 1]!);
      corner = above;
    }
  }
  return row[b.length]!;
}

test('two long texts without a common line are told apart at once', () => {
  const lines = (word: string): string => Array.from({ length: 8_000 }, (_, i) => `${word}${i}`).join('\n');
  const started = process.cpuUsage();
  assert.equal(diffLines(lines('a'), lines('b')).length, 16_000);
  assert.ok(process.cpuUsage(started).user < 1_000_000);
});
