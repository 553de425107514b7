import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LineCounter, parseDocument } from 'yaml';
import { seededRng } from '#kernel/rng.ts';
import { requireUniqueKeys } from './unique-keys.ts';

type Found = readonly { readonly pos: number; readonly message: string }[];

function errorsOf(text: string, { own }: { readonly own: boolean }): Found {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: !own });
  if (own) requireUniqueKeys(document, lines);
  const found = document.errors.map(({ pos, message }) => ({ pos: pos[0], message: message.split('\n')[0]! }));
  return found.sort((a, b) => a.pos - b.pos || (a.message < b.message ? -1 : 1));
}

/** The library's own check is the judge. */
function sameAsTheLibrary(text: string): Found {
  const found = errorsOf(text, { own: true });
  assert.deepEqual(found, errorsOf(text, { own: false }), text);
  return found;
}

test('a key twice is found at each depth, where it stands the second time', () => {
  const text = [
    'a: 1',
    'b:',
    '  c: { d: 1, e: 2, d: 3 }',
    '  f:',
    '    - g: 1',
    '      h: [{ i: 1, i: 2 }]',
    '      g: 2',
    '  c: 4',
    'a: 5',
  ].join('\n');
  const found = sameAsTheLibrary(text).map(({ message }) => message);
  assert.deepEqual(
    found,
    ['3, column 20', '6, column 19', '7, column 7', '8, column 3', '9, column 1'].map(
      (place) => `Map keys must be unique at line ${place}:`,
    ),
  );
});

test('a key three times is two errors', () => {
  assert.deepEqual(
    sameAsTheLibrary('a: 1\na: 2\na: 3').map(({ pos }) => pos),
    [5, 10],
  );
});

test('keys that only look alike, or only look different', () => {
  const texts = {
    different: ['1: a\n"1": b', 'a: 1\nA: 2', 'true: 1\n"true": 2', '.nan: 1\n.nan: 2', 'a: {b: 1}\nc: {b: 1}'],
    equal: ['a: 1\n"a": 2', "a: 1\n'a': 2", '1: a\n0x1: b', '0: a\n-0: b', '~: 1\nnull: 2', '? a\n? a', '{a, a}'],
    neither: ['&x a: 1\n*x : 2', '? [a]\n: 1\n? [a]\n: 2', '? {a: 1, a: 2}\n: 1', '- a: 1\n- a: 2', '&x a: 1\n&y a: 2'],
  };
  for (const text of texts.different) assert.equal(sameAsTheLibrary(text).length, 0, text);
  for (const text of texts.equal) assert.equal(sameAsTheLibrary(text).length, 1, text);
  for (const text of texts.neither) sameAsTheLibrary(text);
});

test('random documents have the errors of the library', () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const rng = seededRng(seed);
  const of = <T>(values: readonly T[]): T => values[Math.floor(rng.next() * values.length)]!;
  const key = (): string => of(['a', 'b', '"a"', '1', '"1"', 'true', '~', "'b'", 'x y']);
  const flow = (depth: number): string => {
    if (depth === 0) return of(['1', 'text', '~']);
    const size = Math.floor(rng.next() * 4);
    if (rng.next() < 0.3) return `[${Array.from({ length: size }, () => flow(depth - 1)).join(', ')}]`;
    return `{ ${Array.from({ length: size }, () => `${key()}: ${flow(depth - 1)}`).join(', ')} }`;
  };
  const block = (depth: number, indent: string): string =>
    Array.from({ length: 1 + Math.floor(rng.next() * 4) }, () =>
      depth === 0 || rng.next() < 0.4
        ? `${indent}${key()}: ${flow(2)}\n`
        : `${indent}${key()}:\n${block(depth - 1, `${indent}  `)}`,
    ).join('');
  let repeated = 0;
  for (let i = 0; i < 2_000; i++) {
    const text = block(3, '');
    // Some end in the middle: an error of syntax beside those of keys.
    const cut = rng.next() < 0.1 ? text.slice(0, Math.floor(rng.next() * text.length)) : text;
    try {
      repeated += sameAsTheLibrary(cut).length;
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
  assert.ok(repeated > 1_000, `seed ${seed}: only ${repeated} errors`);
});

test('four times as many keys take about four times as long, not sixteen times', () => {
  const took = (rows: number): number => {
    const text = Array.from({ length: rows }, (_, i) => `tenant-${i}: { name: x }\n`).join('');
    const from = performance.now();
    assert.equal(errorsOf(text, { own: true }).length, 0);
    return performance.now() - from;
  };
  took(8_000);
  const few = Math.min(took(8_000), took(8_000), took(8_000));
  const many = Math.min(took(32_000), took(32_000));
  assert.ok(many < few * 8, `${few.toFixed(0)} ms for 8,000 keys, ${many.toFixed(0)} for 32,000`);
});
