import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { CanonicalEmbeddings, EmbedCall } from '#wire/canonical.ts';
import { parseStrict, type StrictJson } from '#wire/json/strict.ts';
import { NO_USAGE } from '#wire/usage.ts';
import { EMBEDDING_FIELDS, openaiEmbeddings as dialect, readVector, vectorBase64, vectorNumbers } from './index.ts';

const run = { seed: 20_261_124, numRuns: 300 };
const CONTEXT = { modelAsked: 'asked', callId: 'call', nowS: 1, includeUsage: true };
const strict = (body: object): StrictJson => {
  const parsed = parseStrict(Buffer.from(JSON.stringify(body)));
  assert.ok(parsed.ok);
  return parsed.value;
};
const faultOf = (body: object) => {
  const result = dialect.policy(strict({ model: 'm', ...body }));
  return result.ok ? null : result.error.field;
};

const word = fc.string({ unit: 'grapheme', minLength: 1 });
const tokens = fc.array(fc.nat(100_000), { minLength: 1, maxLength: 5 });
const call: fc.Arbitrary<EmbedCall> = fc.record(
  {
    kind: fc.constant('embed' as const),
    model: word,
    inputs: fc.oneof(fc.array(word, { minLength: 1 }), fc.array(tokens, { minLength: 1 })),
    dimensions: fc.option(fc.integer({ min: 1, max: 4_096 }), { nil: null }),
    encoding: fc.constantFrom('float' as const, 'base64' as const),
    endUser: fc.option(word, { nil: null }),
    extras: fc.constant([]),
  },
  { noNullPrototype: true },
);
const vector = fc.float32Array({ noNaN: true, noDefaultInfinity: true, maxLength: 20 });

describe('embeddings', () => {
  it('decode the call that was encoded', () => {
    fc.assert(
      fc.property(call, (canonical) => {
        const { value, unsupported } = dialect.encodeCall(canonical);
        assert.deepEqual(unsupported, []);
        assert.deepEqual(dialect.decodeCall(strict(value)), { ok: true, value: canonical });
      }),
      run,
    );
  });

  it('take every field of the SDK and each form of input', () => {
    for (const [field, { sample }] of Object.entries(EMBEDDING_FIELDS))
      assert.equal(faultOf({ input: 'x', [field]: sample }), null);
    const counts = [
      ['x', 1],
      [['x', 'y'], 2],
      [[1, 2, 3], 1],
      [[[1], [2, 3]], 2],
    ] as const;
    for (const [input, inputs] of counts) {
      const view = dialect.policy(strict({ model: 'm', input }));
      assert.equal(view.ok && view.value.inputs, inputs);
      const decoded = dialect.decodeCall(strict({ model: 'm', input }));
      assert.equal(decoded.ok && decoded.value.kind === 'embed' && decoded.value.inputs.length, inputs);
    }
  });

  it('name what is wrong', () => {
    const wrong: [object, string][] = [
      [{}, 'input'],
      [{ input: '' }, 'input'],
      [{ input: [] }, 'input'],
      [{ input: 5 }, 'input'],
      [{ input: {} }, 'input'],
      [{ input: ['x', ''] }, 'input[1]'],
      [{ input: ['x', 5] }, 'input[1]'],
      [{ input: [1, 'x'] }, 'input[1]'],
      [{ input: [1, 1.5] }, 'input[1]'],
      [{ input: [[1], []] }, 'input[1]'],
      [{ input: [[-1]] }, 'input[0]'],
      [{ input: [null] }, 'input[0]'],
      [{ input: 'x', dimensions: 0 }, 'dimensions'],
      [{ input: 'x', encoding_format: 1 }, 'encoding_format'],
      [{ input: 'x', stream: true }, 'stream'],
      [{ input: 'x', model: null }, 'model'],
    ];
    for (const [body, field] of wrong) assert.equal(faultOf(body), field, JSON.stringify(body));
    const odd = dialect.decodeCall(strict({ model: 'm', input: 'x', encoding_format: 'int8' }));
    assert.equal(odd.ok ? null : odd.error.field, 'encoding_format');
    const more = dialect.decodeCall(strict({ model: 'm', input: 'x', input_type: 'query', priority: 1 }));
    assert.deepEqual(more.ok && more.value.extras.map((extra) => extra.class), ['meaning', 'hint']);
  });

  it('carry vectors exactly in both encodings, in the order of the inputs', () => {
    fc.assert(
      fc.property(fc.array(vector), fc.constantFrom('float' as const, 'base64' as const), (vectors, encoding) => {
        const answer: CanonicalEmbeddings = {
          kind: 'embed',
          model: 'm',
          vectors,
          usage: { ...NO_USAGE, inputTokens: 4, outputTokens: 0 },
        };
        const value = JSON.parse(JSON.stringify(dialect.encodeAnswer(answer, { ...CONTEXT, encoding }))) as {
          data: unknown[];
        };
        value.data.reverse();
        const seen = dialect.decodeAnswer(value) as CanonicalEmbeddings;
        // JSON has no -0, and base64 keeps it.
        const zeroless = (list: readonly Float32Array[]) => list.map((one) => Array.from(one, (x) => x + 0));
        assert.deepEqual(zeroless(seen.vectors), zeroless(vectors));
        assert.deepEqual(seen.usage, answer.usage);
      }),
      run,
    );
  });

  it('print the shortest decimals of a 32-bit float', () => {
    assert.deepEqual(vectorNumbers(Float32Array.of(0.1, 1, -0.0023064255, 1e-20)), [0.1, 1, -0.0023064255, 1e-20]);
    assert.deepEqual(readVector(vectorBase64(Float32Array.of(0.5, 2))), Float32Array.of(0.5, 2));
    assert.equal(readVector('AAA').length, 0);
    assert.equal(readVector(null).length, 0);
  });

  it('read usage, also where the total alone is stated, and errors inside a 200', () => {
    const usage = (stated: object) => dialect.readAnswer({ data: [], usage: stated }).usage;
    assert.deepEqual(
      [usage({ prompt_tokens: 5, total_tokens: 5 })?.inputTokens, usage({ total_tokens: 5 })?.inputTokens],
      [5, 5],
    );
    assert.equal(usage({ prompt_tokens: 5, total_tokens: 5 })?.outputTokens, 0);
    assert.equal(dialect.readAnswer({ error: 'no' }).fault?.message, 'no');
    assert.equal(dialect.readAnswer({}).fault?.type, 'server');
  });

  it('change the model alone', () => {
    const body = Buffer.from('{ "input" : ["ä"], "model":"m" }');
    const parsed = parseStrict(body);
    assert.ok(parsed.ok);
    assert.equal(dialect.patch(parsed.value, { model: 'n' }).toString(), '{ "input" : ["ä"], "model":"n" }');
  });
});
