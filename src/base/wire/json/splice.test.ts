import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { splice, spliceNested, type MemberEdits } from './splice.ts';
import { parseStrict } from './strict.ts';

const run = { seed: 20_261_124, numRuns: 400 };
const names = ['model', 'n', 'stream', 'user', 'ä', 'x'] as const;
const space = fc.constantFrom('', '', ' ', '\n  ', '\t');
const json = fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.stringify(value));

/** Members with their own bytes, so that the test can say what must stay without asking the code. */
const object = fc
  .tuple(fc.uniqueArray(fc.tuple(fc.constantFrom(...names), json, space, space), { selector: ([name]) => name }), space)
  .map(([members, outer]) => ({ members, outer }));
type Member = readonly [string, string, string, string];
const memberText = ([name, value, before, after]: Member): string =>
  `${before}${JSON.stringify(name)}${before}:${after}${value}`;
const textOf = (members: readonly Member[], outer: string): string =>
  `${outer}{${members.map(memberText).join(',')}${outer}}${outer}`;
const edits = fc
  .uniqueArray(fc.tuple(fc.constantFrom(...names, 'new'), fc.option(json, { nil: null })), {
    selector: ([name]) => name,
  })
  .map((pairs): MemberEdits => new Map(pairs));

function strict(text: string) {
  const parsed = parseStrict(Buffer.from(text));
  assert.ok(parsed.ok);
  return parsed.value;
}

describe('splice', () => {
  it('makes the edits and nothing else, as values', () => {
    fc.assert(
      fc.property(object, edits, ({ members, outer }, wanted) => {
        const request = strict(textOf(members, outer));
        const expected = new Map<string, unknown>(Object.entries(request.value));
        for (const [name, value] of wanted) {
          if (value === null) expected.delete(name);
          else expected.set(name, JSON.parse(value));
        }
        const result = strict(splice(request.bytes, request.spans, wanted).toString('utf8'));
        assert.deepEqual(new Map(Object.entries(result.value)), expected);
      }),
      run,
    );
  });

  it('keeps the bytes of every member that it does not touch', () => {
    fc.assert(
      fc.property(object, edits, ({ members, outer }, wanted) => {
        const request = strict(textOf(members, outer));
        const result = splice(request.bytes, request.spans, wanted).toString('utf8');
        for (const member of members.filter(([name]) => !wanted.has(name))) {
          assert.ok(result.includes(memberText(member).trimStart()));
        }
      }),
      run,
    );
  });

  it('changes a value in place: the bytes before and after are the same', () => {
    const request = strict('{ "model" : "a" ,\n"messages":[ 1, 2 ], "n":1 }');
    const out = splice(request.bytes, request.spans, new Map([['model', '"longer"']]));
    assert.equal(out.toString(), '{ "model" : "longer" ,\n"messages":[ 1, 2 ], "n":1 }');
  });

  it('takes comma and space along when a member goes, and adds a member in front', () => {
    const cut = (text: string, wanted: MemberEdits): string => {
      const request = strict(text);
      return splice(request.bytes, request.spans, wanted).toString();
    };
    assert.equal(cut('{"a":1, "b":2, "c":3}', new Map([['b', null]])), '{"a":1, "c":3}');
    assert.equal(cut('{ "a":1, "b":2 }', new Map([['a', null]])), '{ "b":2 }');
    assert.equal(cut('{"a":1, "b":2 }', new Map([['b', null]])), '{"a":1 }');
    assert.equal(
      cut(
        '{"a":1,"b":2}',
        new Map<string, string | null>([
          ['a', null],
          ['b', null],
          ['c', '3'],
        ]),
      ),
      '{"c":3}',
    );
    assert.equal(cut('{"a":1}', new Map([['b', '2']])), '{"b":2,"a":1}');
    assert.equal(cut('{}', new Map([['b', '2']])), '{"b":2}');
  });

  it('gives the very same buffer where nothing changes', () => {
    const request = strict('{"a":1}');
    assert.equal(splice(request.bytes, request.spans, new Map([['z', null]])), request.bytes);
  });

  it('sets a member of a nested object', () => {
    const request = strict('{"o": { "x" : [1] } }');
    const text = spliceNested(request.bytes, request.spans.get('o')!, new Map([['y', 'true']]));
    assert.equal(text, '{"y":true, "x" : [1] }');
  });
});
