import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createContext, Script } from 'node:vm';
import fc from 'fast-check';
import { linearRegex } from './linear-regex.ts';

const compiled = (source: string) => {
  const made = linearRegex(source);
  assert.ok(made.ok, `${source}: ${made.ok || made.error}`);
  return made.value;
};

const context = createContext({ pattern: '', subject: '' });
const matching = new Script('new RegExp(pattern, "u").test(subject)');
/** Null: it is no expression, or the engine goes back for too long. */
function byEngine(pattern: string, subject: string): boolean | null {
  Object.assign(context, { pattern, subject });
  try {
    return matching.runInContext(context, { timeout: 20 }) as boolean;
  } catch {
    return null;
  }
}

/** Sources with all that is read. */
const source = fc.letrec<{ choice: string; times: string; atom: string }>((tie) => ({
  choice: fc
    .array(fc.array(tie('times'), { maxLength: 3 }), { minLength: 1, maxLength: 3 })
    .map((all) => all.map((one) => one.join('')).join('|')),
  times: fc
    .tuple(tie('atom'), fc.constantFrom('', '', '', '*', '+', '?', '*?', '{2}', '{0,2}', '{1,}', '{1,3}?'))
    // Edges cannot be repeated.
    .map(([atom, times]) => (/^(?:\^|\$|\\b|\\B)$/.test(atom) ? atom : atom + times)),
  atom: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(
      'a',
      'b',
      'é',
      '😀',
      '.',
      '\\d',
      '\\W',
      '\\s',
      '[ab]',
      '[^a]',
      '[a-c\\]é]',
      '\\u{1F600}',
      '\\ud83d\\ude00',
      '\\x61',
      '\\p{Lu}',
      '\\.',
      '^',
      '$',
      '\\b',
      '\\B',
      '\\cA',
    ),
    tie('choice').map((inner) => `(${inner})`),
    tie('choice').map((inner) => `(?:${inner})`),
    tie('choice')
      .map((inner) => `(?<name>${inner})`)
      .filter((text) => text.split('(?<').length === 2),
  ),
}));
const text = fc
  .array(fc.constantFrom('a', 'b', 'c', 'A', 'é', '😀', '1', ' ', '.', ']', '\n', '\u0001'), { maxLength: 8 })
  .map((all) => all.join(''));

describe('regular expressions in linear time', () => {
  test('they match exactly where the engine of JavaScript does', () => {
    let matched = 0;
    fc.assert(
      fc.property(source.choice, text, (pattern, subject) => {
        const expected = byEngine(pattern, subject);
        if (expected === null) return;
        const made = linearRegex(pattern);
        if (!made.ok) return assert.match(made.error, /too long/);
        if (expected) matched++;
        assert.equal(made.value.test(subject), expected, `${pattern} on ${JSON.stringify(subject)}`);
      }),
      { numRuns: 3_000 },
    );
    assert.ok(matched > 500, String(matched));
  });

  test('what makes the engine go back for years takes milliseconds', () => {
    for (const pattern of ['^(a+)+$', '^(a|a)*$', '^(a|aa)+$', '(.*a){12}b', '^(([a-z])+.)+[A-Z]([a-z])+$']) {
      const regex = compiled(pattern);
      const subject = `${'a'.repeat(50_000)}!`;
      const from = performance.now();
      const found = regex.test(subject);
      const took = performance.now() - from;
      assert.ok(took < 2_000, `${pattern}: ${took} ms`);
      assert.notEqual(found, true, pattern);
    }
  });

  test('too much work has no answer rather than a late one', () => {
    const from = performance.now();
    assert.equal(compiled('(.*a){400}b').test('a'.repeat(100_000)), null);
    assert.ok(performance.now() - from < 2_000);
  });

  test('what cannot be matched in bounded time is refused, and what is no expression', () => {
    for (const [pattern, why] of [
      ['(?=a)b', /looks ahead/],
      ['(?<!a)b', /looks ahead or behind/],
      ['(a)\\1', /refers back/],
      ['(?<x>a)\\k<x>', /refers back/],
      ['(?i:a)', /sets flags/],
      ['a{9999}', /too long/],
      ['(a{100}){100}', /too long/],
      ['(a', /is no regular expression/],
      ['a**', /is no regular expression/],
    ] as const) {
      const made = linearRegex(pattern);
      assert.ok(!made.ok && why.test(made.error), `${pattern}: ${JSON.stringify(made)}`);
    }
  });
});
