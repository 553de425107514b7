import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { scan } from './scan.ts';
import { MAX_DEPTH, parseStrict } from './strict.ts';

const run = { seed: 20_261_124, numRuns: 400 };

/** A key as JSON text: plain, or with any of its characters written as an escape. */
const key = fc.tuple(
  fc.oneof(
    fc.constantFrom('a', 'model', '__proto__', 'constructor', '', 'ü', '"q"', 'back\\slash'),
    fc.string({ unit: 'grapheme', maxLength: 6 }),
  ),
  fc.boolean(),
);
const keyText = ([name, escaped]: [string, boolean]): string =>
  escaped
    ? `"${[...name].map((c) => (c.length === 1 ? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}` : c)).join('')}"`
    : JSON.stringify(name);

interface Doc {
  readonly text: string;
  readonly duplicate: boolean;
}
const space = fc.constantFrom('', '', '', ' ', '\n', '\t ', '\r\n');
const leaf: fc.Arbitrary<Doc> = fc
  .oneof(
    fc.string({ unit: 'grapheme', maxLength: 80 }).map((s) => JSON.stringify(s)),
    fc.constantFrom(
      'null',
      'true',
      'false',
      '0',
      '-1',
      '1.5e3',
      '0.70000000000000001',
      '"{\\"a\\":1}"',
      '"\\\\"',
      '"[,:]"',
    ),
  )
  .map((text) => ({ text, duplicate: false }));
const { value: document } = fc.letrec<{ value: Doc; object: Doc; array: Doc }>((tie) => ({
  value: fc.oneof({ maxDepth: 4, withCrossShrink: true }, leaf, tie('object'), tie('array')),
  array: fc.array(fc.tuple(space, tie('value')), { maxLength: 5 }).map((items) => ({
    text: `[${items.map(([gap, item]) => gap + item.text + gap).join(',')}]`,
    duplicate: items.some(([, item]) => item.duplicate),
  })),
  object: members(tie('value')),
}));
function members(value: fc.Arbitrary<Doc>): fc.Arbitrary<Doc> {
  return fc.array(fc.tuple(space, key, value), { maxLength: 16 }).map((items) => ({
    text: `{${items.map(([gap, name, item]) => `${gap}${keyText(name)}${gap}:${gap}${item.text}${gap}`).join(',')}}`,
    duplicate:
      new Set(items.map(([, [name]]) => name)).size < items.length || items.some(([, , item]) => item.duplicate),
  }));
}
const body = members(document);

describe('scan', () => {
  it('finds a key that stands twice, at any depth and however it is escaped', () => {
    fc.assert(
      fc.property(body, ({ text, duplicate }) => {
        assert.equal(scan(Buffer.from(text), MAX_DEPTH).duplicate !== null, duplicate, text);
      }),
      run,
    );
  });

  it('gives exact spans of every top-level value', () => {
    fc.assert(
      fc.property(
        body.filter((doc) => !doc.duplicate),
        ({ text }) => {
          const bytes = Buffer.from(text);
          const value = JSON.parse(text) as Record<string, unknown>;
          const { spans } = scan(bytes, MAX_DEPTH);
          assert.deepEqual(new Set(spans.keys()), new Set(Object.keys(value)));
          for (const [name, span] of spans) {
            const cut = bytes.toString('utf8', span.start, span.end);
            assert.deepEqual(JSON.parse(cut), value[name]);
            assert.equal(cut, cut.trim());
            assert.ok(JSON.parse(`{${bytes.toString('utf8', span.keyStart, span.end)}}`));
          }
        },
      ),
      run,
    );
  });

  it('names the path of the second key', () => {
    const path = (text: string): string | null => scan(Buffer.from(text), MAX_DEPTH).duplicate;
    assert.equal(path('{"a":1,"a":2}'), 'a');
    assert.equal(path('{"messages":[{"role":"x"},{"role":"x","content":{"b":1,"b":2}}]}'), 'messages[1].content.b');
    assert.equal(path('{"model":"a","mod\\u0065l":"b"}'), 'model');
  });

  it('flags integers that a double may not hold, and no fraction, string or shorter number', () => {
    const at = (text: string): number | null => scan(Buffer.from(text), MAX_DEPTH).longNumberAt;
    assert.equal(at('{"a":9007199254740993}'), 5);
    assert.equal(at('{"a":[1,-9007199254740993]}'), 9);
    for (const fine of [
      '123456789012345',
      '9007199254740991',
      '-9007199254740991',
      '18014398509481984',
      '0.70000000000000007',
      '"9007199254740993"',
      '1e30',
    ]) {
      assert.equal(at(`{"a":${fine}}`), null, fine);
    }
  });

  it('ends on any bytes, and no invalid text passes for valid', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), body.map(broken)), (raw) => {
        const bytes = Buffer.from(raw);
        scan(bytes, MAX_DEPTH);
        const result = parseStrict(bytes);
        let valid = true;
        try {
          JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
        } catch {
          valid = false;
        }
        if (!valid) assert.equal(result.ok, false);
      }),
      run,
    );
  });

  it('refuses what is too deep without reading on', () => {
    const deep = Buffer.from(`{"a":${'['.repeat(200)}${']'.repeat(200)}}`);
    assert.equal(scan(deep, MAX_DEPTH).tooDeep, true);
    assert.equal(parseStrict(deep).ok, false);
  });
});

/** A valid text with one byte changed or its end cut off. */
function broken({ text }: Doc): Uint8Array {
  const bytes = Buffer.from(text);
  const at = (text.length * 7_919) % Math.max(1, bytes.length);
  if (text.length % 2 === 0) return bytes.subarray(0, at);
  bytes[at] = '"\\{}[],:0'.charCodeAt(text.length % 9);
  return bytes;
}
