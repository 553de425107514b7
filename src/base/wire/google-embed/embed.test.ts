import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { EmbedCall } from '../canonical.ts';
import { googleCount } from '../google-count/index.ts';
import { parseStrict, type StrictJson } from '../json/strict.ts';
import { openaiEmbeddings } from '../openai-embeddings/index.ts';
import { EMBED_FIELDS, googleBatchEmbed, googleEmbed } from './index.ts';

const strictText = (text: string): StrictJson => {
  const parsed = parseStrict(Buffer.from(text));
  assert.ok(parsed.ok);
  return parsed.value;
};
const strict = (body: object): StrictJson => strictText(JSON.stringify(body));
const PATH = { model: 'e', stream: false };
const request = (text: string, more: object = {}) => ({ model: 'models/e', content: { parts: [{ text }] }, ...more });
const decode = (body: object): EmbedCall => {
  const result = googleBatchEmbed.decodeCall(strict(body), PATH);
  assert.ok(result.ok && result.value.kind === 'embed', JSON.stringify(result));
  return result.value;
};

test('policy counts inputs and names what is wrong', () => {
  const one = Object.fromEntries(Object.entries(EMBED_FIELDS).map(([name, { sample }]) => [name, sample]));
  assert.ok(googleEmbed.policy(strict({ ...one, model: 'models/e' }), PATH).ok);
  const view = googleBatchEmbed.policy(strict({ requests: [request('a'), request('b')] }), PATH);
  assert.ok(view.ok && view.value.inputs === 2 && view.value.model === 'e');
  for (const [body, field] of [
    [{}, 'requests'],
    [{ requests: [] }, 'requests'],
    [{ requests: [3] }, 'requests[0]'],
    [{ requests: [request('a'), { model: 'models/e' }] }, 'requests[1].content'],
    [{ requests: [request('a', { model: 'models/other' })] }, 'requests[0].model'],
    [
      { requests: [request('a', { outputDimensionality: 8, output_dimensionality: 9 })] },
      'requests[0].outputDimensionality',
    ],
    [{ model: 'models/other', requests: [request('a')] }, 'model'],
  ] as const) {
    const fault = googleBatchEmbed.policy(strict(body), PATH);
    assert.ok(!fault.ok, JSON.stringify(body));
    assert.equal(fault.error.field, field);
  }
});

test('another model is written into each request, and no other byte changes', () => {
  const text =
    '{ "requests" : [ {"model":"models/e","content":{"parts":[{"text":"a, ]}\\"\\\\"}]}} ,\n{ "content":{}, "model" : "models/e" } ] }';
  const patched = Buffer.from(googleBatchEmbed.patch(strictText(text), { model: 'up' })).toString();
  assert.equal(patched, text.replaceAll('"models/e"', '"models/up"'));
  assert.equal(Buffer.from(googleBatchEmbed.patch(strictText(text), {})).toString(), text);
});

test('any list of texts is patched to what a parser would make of it', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 4 }),
      fc.boolean(),
      (texts, wide) => {
        const body = JSON.stringify({ requests: texts.map((text) => request(text)) }, null, wide ? 2 : 0);
        const read = parseStrict(Buffer.from(body));
        if (!read.ok) return;
        const value = JSON.parse(Buffer.from(googleBatchEmbed.patch(read.value, { model: 'up' })).toString());
        assert.deepEqual(value, { requests: texts.map((text) => request(text, { model: 'models/up' })) });
      },
    ),
  );
});

test('texts and their size cross to and from the embeddings of OpenAI', () => {
  const call = decode({
    requests: [request('a', { outputDimensionality: 8 }), request('b', { output_dimensionality: 8 })],
  });
  assert.deepEqual([call.inputs, call.dimensions, call.extras], [['a', 'b'], 8, []]);
  assert.deepEqual(openaiEmbeddings.encodeCall(call).value, {
    model: 'e',
    input: ['a', 'b'],
    dimensions: 8,
    encoding_format: 'float',
  });
  const back = googleBatchEmbed.encodeCall({ ...call, endUser: 'u', inputs: ['a', [1, 2]] });
  assert.deepEqual(back.value, { requests: [request('a', { outputDimensionality: 8 })] });
  assert.deepEqual(back.unsupported, [
    { field: 'input', class: 'meaning' },
    { field: 'user', class: 'hint' },
  ]);
});

test('what changes the vectors is named, never left out in silence', () => {
  const { extras } = decode({
    requests: [
      request('a', { taskType: 'RETRIEVAL_QUERY', outputDimensionality: 8 }),
      request('b', { outputDimensionality: 9 }),
      { model: 'models/e', content: { parts: [{ text: 'c' }, { text: 'd' }] }, outputDimensionality: 8 },
    ],
  });
  assert.deepEqual(
    extras.map(({ field, class: kind }) => [field, kind]),
    [
      ['requests[0].taskType', 'meaning'],
      ['requests[1].outputDimensionality', 'meaning'],
      ['requests[2].content.parts', 'meaning'],
    ],
  );
});

test('answers: one vector and many, usage where it is stated', () => {
  const one = { embedding: { values: [0.1, 0.5] }, usageMetadata: { promptTokenCount: 3 } };
  assert.deepEqual(
    [googleEmbed.readAnswer(one).usage?.inputTokens, googleEmbed.readAnswer(one).usage?.outputTokens],
    [3, 0],
  );
  assert.equal(googleEmbed.readAnswer({ embedding: { values: [] } }).usage, null);
  assert.equal(googleEmbed.readAnswer({}).fault?.type, 'server');
  const context = { modelAsked: 'e', callId: 'c', nowS: 0, includeUsage: true };
  const many = googleBatchEmbed.decodeAnswer({ embeddings: [{ values: [0.1] }, { values: [0.2] }] });
  assert.deepEqual(googleBatchEmbed.encodeAnswer(many, context), {
    embeddings: [{ values: [0.1] }, { values: [0.2] }],
  });
  assert.deepEqual(googleEmbed.encodeAnswer(googleEmbed.decodeAnswer(one), context), {
    embedding: { values: [0.1, 0.5] },
    usageMetadata: { promptTokenCount: 3, totalTokenCount: 3 },
  });
});

test('countTokens: of contents alone or of a whole call, whose model follows the path', () => {
  const contents = [{ parts: [{ text: 'a' }] }];
  const whole = {
    generateContentRequest: { model: 'models/e', contents, systemInstruction: { parts: [{ text: 's' }] } },
  };
  for (const body of [{ contents }, whole]) assert.ok(googleCount.policy(strict(body), PATH).ok);
  const wrong = googleCount.policy(strict({ generateContentRequest: { model: 'models/x', contents } }), PATH);
  assert.ok(!wrong.ok && wrong.error.field === 'generateContentRequest.model');
  assert.equal(
    Buffer.from(googleCount.patch(strict(whole), { model: 'up' })).toString(),
    JSON.stringify(whole).replace('models/e', 'models/up'),
  );
  const call = googleCount.decodeCall(strict(whole), PATH);
  assert.ok(call.ok);
  assert.deepEqual(googleCount.encodeCall(call.value).value, {
    generateContentRequest: {
      ...whole.generateContentRequest,
      contents: [{ role: 'user', ...contents[0] }],
      tools: undefined,
    },
  });
  assert.equal(googleCount.readAnswer({ totalTokens: 12 }).usage?.inputTokens, 12);
});
