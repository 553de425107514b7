import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { readSchema } from './json-schema.ts';

/**
 * Of github.com/json-schema-org/JSON-Schema-Test-Suite at 44401e0c (MIT License, Copyright (c) 2012 Julian Berman),
 * draft 2020-12, the files of what is checked here: a line each `[name, schema, [[value, fits], …]]`.
 */
const VECTORS = readFileSync(join(import.meta.dirname, 'vectors', 'json-schema.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as [string, unknown, [unknown, 0 | 1][]]);

describe('JSON Schema', () => {
  test('the vectors of the specification’s own suite', () => {
    let judged = 0;
    const refused: string[] = [];
    for (const [name, schema, cases] of VECTORS) {
      const made = readSchema(schema);
      if (!made.ok) {
        refused.push(made.error);
        continue;
      }
      for (const [value, fits] of cases) {
        assert.equal(made.value.fits(value), fits === 1, `${name}: ${JSON.stringify(value)}`);
        judged++;
      }
    }
    assert.ok(judged > 750, String(judged));
    // Other documents, and what needs to know what other keywords have seen.
    for (const why of refused)
      assert.match(
        why,
        /leads nowhere in the schema itself|`\$id` within a schema|`unevaluatedProperties` is not checked/,
      );
    assert.ok(refused.length < 30, String(refused.length));
  });

  test('what is not checked here is no schema, and says why', () => {
    for (const [schema, why] of [
      [{ $ref: 'https://example.com/other.json' }, /leads nowhere/],
      [{ unevaluatedProperties: false }, /not checked here/],
      [{ pattern: '(a)\\1' }, /bounded time/],
      [{ properties: { a: { pattern: '(?=b)' } } }, /bounded time/],
      [{ patternProperties: { '(?!x)': true } }, /bounded time/],
      [{ type: 'text' }, /names no type/],
      [{ properties: [] }, /object of schemas/],
      [{ minLength: '3' }, /is a number/],
      [{ items: [{}, {}] }, /a schema is an object/],
      ['text', /a schema is an object/],
    ] as const) {
      const made = readSchema(schema);
      assert.ok(!made.ok && why.test(made.error), `${JSON.stringify(schema)}: ${JSON.stringify(made)}`);
    }
  });

  test('schemas without an end, and values made to take long, have no answer', () => {
    const fits = (schema: unknown, value: unknown): boolean | null => {
      const made = readSchema(schema);
      assert.ok(made.ok);
      const from = performance.now();
      const found = made.value.fits(value);
      assert.ok(performance.now() - from < 1_500);
      return found;
    };
    assert.equal(fits({ $ref: '#' }, 1), null);
    assert.equal(fits({ allOf: [{ $ref: '#' }, { $ref: '#' }] }, 1), null);
    const twice = (of: object): object => ({ anyOf: [of, of, of] });
    let deep: object = { type: 'string' };
    for (let i = 0; i < 8; i++) deep = twice(deep);
    assert.equal(
      fits(
        { items: deep },
        Array.from({ length: 1_000 }, () => 'a'),
      ),
      true,
    );
    assert.equal(
      fits(
        { items: deep },
        Array.from({ length: 1_000 }, () => 1),
      ),
      false,
    );
    assert.equal(
      fits(
        { uniqueItems: true },
        Array.from({ length: 500_000 }, (_, i) => i),
      ),
      null,
    );
    assert.equal(fits({ pattern: '(.*a){400}b' }, 'a'.repeat(100_000)), null);
    let nested: unknown = 1;
    for (let i = 0; i < 2_000; i++) nested = [nested];
    assert.equal(fits({ $defs: { n: { items: { $ref: '#/$defs/n' } } }, $ref: '#/$defs/n' }, nested), null);
  });
});
