import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { aiSdkUi } from './ai-sdk-ui/index.ts';
import { anthropicMessages } from './anthropic-messages/index.ts';
import { bedrockConverse } from './bedrock-converse/index.ts';
import type { Dialect } from './dialect.ts';
import { googleGenerate } from './google-generate/index.ts';
import { itemsIn, memberIn } from './json/items.ts';
import { splicePieces } from './json/splice.ts';
import { parseStrict, type StrictJson } from './json/strict.ts';
import { openaiChat } from './openai-chat/index.ts';
import { openaiResponses } from './openai-responses/index.ts';
import { setParameters, type Prompt } from './seams.ts';

const strict = (text: string): StrictJson => {
  const parsed = parseStrict(Buffer.from(text));
  assert.ok(parsed.ok, text);
  return parsed.value;
};
function instructed(dialect: Dialect, request: StrictJson, prompt: Prompt): string {
  const changes = dialect.seams!.instruct!(request, prompt);
  assert.ok(changes.ok);
  return Buffer.concat(splicePieces(request.bytes, request.spans, changes.value)).toString();
}

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });
const optional = fc.option(text, { nil: '' });
const prompts = fc.record({ before: optional, after: optional }).filter(({ before, after }) => before + after !== '');
/** Any way to write the same JSON: SDKs indent, sort and space it in their own. */
const written = (value: unknown): fc.Arbitrary<string> =>
  fc.constantFrom(0, 1, 2, '\t').map((space) => JSON.stringify(value, null, space));

interface Form {
  readonly dialect: Dialect;
  /** A body with these instructions of the caller; null: it has none. */
  readonly body: (own: readonly string[] | null) => object;
  /** The instructions that a body has, in order. */
  readonly read: (body: any) => readonly string[];
}

const texts = (parts: readonly { readonly text: string }[] | undefined): readonly string[] =>
  (parts ?? []).map(({ text }) => text);
const HI = [{ role: 'user', content: 'hi' }];
const FORMS: readonly Form[] = [
  {
    dialect: openaiChat,
    body: (own) => ({ messages: [...(own ?? []).map((content) => ({ role: 'system', content })), ...HI], model: 'm' }),
    read: ({ messages }) =>
      messages.filter(({ role }: any) => role === 'system').map(({ content }: any) => content as string),
  },
  {
    dialect: anthropicMessages,
    body: (own) => ({
      model: 'm',
      ...(own && { system: own.map((one) => ({ type: 'text', text: one })) }),
      messages: HI,
    }),
    read: ({ system }) => texts(system),
  },
  {
    dialect: bedrockConverse,
    body: (own) => ({ messages: [], ...(own && { system: own.map((one) => ({ text: one })) }) }),
    read: ({ system }) => texts(system),
  },
  {
    dialect: googleGenerate,
    body: (own) => ({ contents: [], ...(own && { systemInstruction: { parts: own.map((one) => ({ text: one })) } }) }),
    read: ({ systemInstruction }) => texts(systemInstruction?.parts),
  },
];

test('instructions stand around the caller’s own, in each API and however the body is written', () => {
  for (const { dialect, body, read } of FORMS)
    fc.assert(
      fc.property(
        fc.option(fc.array(text, { maxLength: 3 })).chain((own) => fc.tuple(fc.constant(own), written(body(own)))),
        prompts,
        ([own, sent], prompt) => {
          const found = JSON.parse(instructed(dialect, strict(sent), prompt));
          const around = [prompt.before, ...(own ?? []), prompt.after];
          const wanted = around.filter((one, i) => one !== '' || (i > 0 && i < around.length - 1));
          assert.deepEqual(read(found), wanted, dialect.name);
          // All else is what it was.
          assert.deepEqual(
            Object.keys(found)
              .filter((name) => !/system/i.test(name))
              .sort(),
            Object.keys(JSON.parse(sent))
              .filter((name) => !/system/i.test(name))
              .sort(),
          );
        },
      ),
    );
});

test('no byte of the caller changes: what is added is taken out again, and the body is as it was', () => {
  for (const { dialect, body } of FORMS)
    fc.assert(
      fc.property(
        fc.array(text, { minLength: 1, maxLength: 3 }).chain((own) => written(body(own))),
        prompts,
        (sent, prompt) => {
          const request = strict(sent);
          const changes = dialect.seams!.instruct!(request, prompt);
          assert.ok(changes.ok);
          assert.equal(changes.value.edits.size, 0, 'only texts go in between');
          let out = instructed(dialect, request, prompt);
          for (const { at, text: added } of changes.value.insertions.toSorted((a, b) => a.at - b.at)) {
            const where = Buffer.from(sent).subarray(0, at).toString().length;
            assert.equal(out.slice(where, where + added.length), added);
            out = out.slice(0, where) + out.slice(where + added.length);
          }
          assert.equal(out, sent);
        },
      ),
    );
});

test('one text grows at its ends', () => {
  for (const [dialect, name] of [
    [openaiResponses, 'instructions'],
    [aiSdkUi, 'system'],
  ] as const)
    fc.assert(
      fc.property(fc.option(fc.string({ unit: 'grapheme' })), prompts, (own, prompt) => {
        const sent = JSON.stringify({ model: 'm', ...(own !== null && { [name]: own }) });
        const found = JSON.parse(instructed(dialect, strict(sent), prompt))[name];
        const wanted = [prompt.before, own ?? '', prompt.after].filter((one) => one !== '').join('\n\n');
        assert.equal(found, wanted);
      }),
    );
});

test('items and members of any JSON are found where they stand', () => {
  fc.assert(
    fc.property(
      fc.array(fc.jsonValue()).chain((value) => fc.tuple(fc.constant(value), written(value))),
      ([value, sent]) => {
        const bytes = Buffer.from(sent);
        const items = [...itemsIn(bytes, { start: 0, end: bytes.length })];
        const read = items.map(({ start, end }) => JSON.parse(bytes.toString('utf8', start, end)) as unknown);
        assert.deepEqual(read, JSON.parse(JSON.stringify(value)));
      },
    ),
  );
  fc.assert(
    fc.property(
      fc
        .dictionary(text, fc.jsonValue(), { minKeys: 1 })
        .chain((value) => fc.tuple(fc.constant(value), written(value))),
      ([value, sent]) => {
        const bytes = Buffer.from(sent);
        for (const [name, one] of Object.entries(value)) {
          const { start, end } = memberIn(bytes, { start: 0, end: bytes.length }, name)!;
          assert.deepEqual(JSON.parse(bytes.toString('utf8', start, end)), JSON.parse(JSON.stringify(one)));
        }
        assert.equal(memberIn(bytes, { start: 0, end: bytes.length }, 'no such member'), null);
      },
    ),
  );
});

test('parameters are set where they stand, in the form that the caller chose', () => {
  const set = (dialect: Dialect, body: object, value: number): any => {
    const request = strict(JSON.stringify(body));
    const edits = new Map<string, string | null>();
    setParameters(request, dialect.seams!.parameters, new Map([['maxOutputTokens', () => value]]), edits);
    return JSON.parse(Buffer.concat(splicePieces(request.bytes, request.spans, { edits, insertions: [] })).toString());
  };
  assert.deepEqual(set(openaiChat, { max_tokens: 9 }, 5), { max_tokens: 5 });
  assert.deepEqual(set(openaiChat, { max_tokens: 9, max_completion_tokens: 8 }, 5), {
    ...{ max_tokens: 5, max_completion_tokens: 5 },
  });
  assert.deepEqual(set(openaiChat, { max_tokens: null }, 5), { max_tokens: null, max_completion_tokens: 5 });
  assert.deepEqual(set(googleGenerate, { generation_config: { top_k: 1 } }, 5), {
    generation_config: { top_k: 1, maxOutputTokens: 5 },
  });
  assert.deepEqual(set(bedrockConverse, { inferenceConfig: null }, 5), { inferenceConfig: { maxTokens: 5 } });
});
