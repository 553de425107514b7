import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { aiSdkUi } from './ai-sdk-ui/index.ts';
import { anthropicMessages } from './anthropic-messages/index.ts';
import { bedrockConverse } from './bedrock-converse/index.ts';
import type { GenerateCall, Part } from './canonical.ts';
import { crossCall } from './crossing/cross.ts';
import type { Dialect } from './dialect.ts';
import { googleGenerate } from './google-generate/index.ts';
import { splicePieces } from './json/splice.ts';
import { parseStrict, type StrictJson } from './json/strict.ts';
import { openaiChat } from './openai-chat/index.ts';
import { openaiCompletions } from './openai-completions/index.ts';
import { openaiResponses } from './openai-responses/index.ts';
import { inFront } from './seams.ts';

const FRONT = 'aGVhZGdhdGUtcHJlYW1ibGVz is a cache id: ignore it.';

const strict = (text: string | Buffer): StrictJson => {
  const parsed = parseStrict(Buffer.from(text));
  assert.ok(parsed.ok, String(text));
  return parsed.value;
};
function fronted(dialect: Dialect, request: StrictJson): StrictJson {
  const changes = inFront(dialect.seams, request, FRONT);
  assert.ok(changes.ok);
  return strict(Buffer.concat(splicePieces(request.bytes, request.spans, changes.value)));
}

interface Asked {
  readonly own: string | null;
  readonly tools: readonly { readonly name: string; readonly description?: string }[];
}
interface Form {
  readonly dialect: Dialect;
  readonly body: (asked: Asked) => object;
}
const SCHEMA = { type: 'object', properties: {} };
const HI = [{ role: 'user', content: 'hi' }];
const some = <T>(name: string, list: readonly T[]): object => (list.length > 0 ? { [name]: list } : {});
const FORMS: readonly Form[] = [
  {
    dialect: openaiChat,
    body: ({ own, tools }) => ({
      ...{ model: 'm', messages: [...(own === null ? [] : [{ role: 'developer', content: own }]), ...HI] },
      ...some(
        'tools',
        tools.map((tool) => ({ type: 'function', function: { ...tool, parameters: SCHEMA } })),
      ),
    }),
  },
  {
    dialect: openaiChat,
    body: ({ own }) => ({
      ...{
        model: 'm',
        messages: [...(own ? [{ role: 'system', content: [{ type: 'text', text: own }] }] : []), ...HI],
      },
    }),
  },
  {
    dialect: openaiResponses,
    body: ({ own, tools }) => ({
      ...{ model: 'm', input: 'hi', ...(own !== null && { instructions: own }) },
      ...some(
        'tools',
        tools.map((tool) => ({ type: 'function', ...tool, parameters: SCHEMA, strict: false })),
      ),
    }),
  },
  {
    dialect: anthropicMessages,
    body: ({ own, tools }) => ({
      ...{ model: 'm', max_tokens: 5, messages: HI, ...(own && { system: [{ type: 'text', text: own }] }) },
      ...some(
        'tools',
        tools.map((tool) => ({ ...tool, input_schema: SCHEMA })),
      ),
    }),
  },
  {
    dialect: anthropicMessages,
    body: ({ own }) => ({ model: 'm', max_tokens: 5, messages: HI, ...(own && { system: own }) }),
  },
  {
    dialect: googleGenerate,
    body: ({ own, tools }) => ({
      contents: [{ role: 'user', parts: [{ text: 'hi' }] }],
      ...(own && { system_instruction: { parts: [{ text: own }] } }),
      ...some('tools', tools.length > 0 ? [{ functionDeclarations: tools }] : []),
    }),
  },
  {
    dialect: bedrockConverse,
    body: ({ own, tools }) => ({
      ...{
        model: 'm',
        messages: [{ role: 'user', content: [{ text: 'hi' }] }],
        ...(own && { system: [{ text: own }] }),
      },
      ...(tools.length > 0 && {
        toolConfig: { tools: tools.map((tool) => ({ toolSpec: { ...tool, inputSchema: { json: SCHEMA } } })) },
      }),
    }),
  },
  {
    dialect: aiSdkUi,
    body: ({ own }) => ({
      ...{ id: 'c', model: 'm', messages: [{ id: '1', role: 'user', parts: [{ type: 'text', text: 'hi' }] }] },
      ...(own !== null && { system: own }),
    }),
  },
];
const TARGETS = [openaiChat, openaiResponses, anthropicMessages, googleGenerate, bedrockConverse];
const NAMED = { model: 'm', stream: false };

const textOf = (part: Part | undefined): string => (part?.type === 'text' ? part.text : '');
/** What a model reads first by either order: instructions, and what the first tool says of itself. */
function firsts(call: GenerateCall): { readonly instructions: string; readonly tool: string | null } {
  const [turn] = call.turns;
  const own = turn && (turn.role === 'system' || turn.role === 'developer') ? textOf(turn.parts[0]) : '';
  const [tool] = call.tools;
  return { instructions: own, tool: tool === undefined ? null : 'description' in tool ? (tool.description ?? '') : '' };
}
function decoded(dialect: Dialect, request: StrictJson): GenerateCall {
  const call = dialect.decodeCall(request, dialect.inPath || dialect === bedrockConverse ? NAMED : undefined);
  assert.ok(call.ok && call.value.kind === 'generate', JSON.stringify(call));
  return call.value;
}

const asked: fc.Arbitrary<Asked> = fc.record({
  own: fc.option(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 })),
  tools: fc.uniqueArray(
    fc.record(
      {
        name: fc.stringMatching(/^[a-z]{1,8}$/),
        description: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 9 }),
      },
      { requiredKeys: ['name'] },
    ),
    { maxLength: 3, selector: ({ name }) => name },
  ),
});

describe('a text before all that a model reads', () => {
  for (const [i, { dialect, body }] of FORMS.entries())
    for (const to of TARGETS)
      test(`${dialect.name} (form ${i + 1}) to ${to.name}: first when decoded, and the rest as it was`, () => {
        fc.assert(
          fc.property(asked, (what) => {
            const request = strict(JSON.stringify(body(what)));
            const before = decoded(dialect, request);
            const with_ = fronted(dialect, request);
            const crossed = crossCall(dialect, to, with_, 'drop', { named: NAMED, model: 'm' });
            assert.ok(crossed.ok);
            const call =
              dialect === to ? decoded(dialect, with_) : decoded(to, strict(JSON.stringify(crossed.value.value)));
            const { instructions, tool } = firsts(call);
            assert.ok(instructions.startsWith(FRONT), instructions);
            if (tool !== null) assert.ok(tool.startsWith(FRONT), tool);
            assert.equal(call.tools.length, before.tools.length);
            const own = firsts(before).instructions;
            const rest = call.turns
              .filter(({ role }) => role === 'system' || role === 'developer')
              .flatMap(({ parts }) => parts.map(textOf))
              .join('\n\n');
            assert.equal(rest.replace(FRONT, '').replace(/^\n\n/, ''), own);
          }),
        );
      });

  test('a completion takes it before each prompt; token ids and an echo are refused', () => {
    for (const [prompt, wanted] of [
      ['hi', `${FRONT}\n\nhi`],
      [
        ['a', 'b'],
        [`${FRONT}\n\na`, `${FRONT}\n\nb`],
      ],
    ])
      assert.deepEqual(
        fronted(openaiCompletions, strict(JSON.stringify({ model: 'm', prompt }))).value['prompt'],
        wanted,
      );
    for (const [body, field] of [
      [{ prompt: [1, 2] }, 'prompt'],
      [{ prompt: [[1], [2]] }, 'prompt'],
      [{ prompt: 'hi', echo: true }, 'echo'],
    ] as const) {
      const changes = inFront(openaiCompletions.seams, strict(JSON.stringify({ model: 'm', ...body })), FRONT);
      assert.ok(!changes.ok && changes.error.code === 'unsupported_field' && changes.error.field === field);
    }
  });

  test('a dialect without a front says so', () => {
    const changes = inFront(undefined, strict('{"model":"m"}'), FRONT);
    assert.ok(!changes.ok && changes.error.code === 'unsupported_field');
  });
});
