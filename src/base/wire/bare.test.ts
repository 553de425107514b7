import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anthropicMessages } from './anthropic-messages/index.ts';
import type { Dialect } from './dialect.ts';
import { googleGenerate } from './google-generate/index.ts';
import { parseStrict } from './json/strict.ts';
import { splice } from './json/splice.ts';
import { openaiChat } from './openai-chat/index.ts';
import { openaiResponses } from './openai-responses/index.ts';

/** The body without reasoning, or null where the dialect finds none. */
function bare(dialect: Dialect, body: object): unknown {
  const request = parseStrict(Buffer.from(JSON.stringify(body)));
  assert.ok(request.ok);
  const found = dialect.withoutReasoning!(request.value);
  return found && JSON.parse(splice(request.value.bytes, request.value.spans, found.edits).toString());
}

test('Anthropic: signed blocks go, a turn of nothing else goes, and the rest stays in its order', () => {
  const thought = { type: 'thinking', thinking: 'h', signature: 's' };
  const user = { role: 'user', content: 'q' };
  const said = { type: 'text', text: 'a' };
  assert.deepEqual(
    bare(anthropicMessages, {
      messages: [
        user,
        { role: 'assistant', content: [thought, said, { type: 'redacted_thinking', data: 'x' }] },
        { role: 'assistant', content: [thought] },
      ],
    }),
    { messages: [user, { role: 'assistant', content: [said] }] },
  );
  assert.equal(bare(anthropicMessages, { messages: [user] }), null);
});

test('Google: thoughts go, a call keeps the word for a foreign one, in both forms of the names', () => {
  const call = { functionCall: { name: 'f', args: {} }, thoughtSignature: 'c2ln' };
  const snake = { function_call: { name: 'f', args: {} }, thought_signature: 'c2ln' };
  const parts = [
    { text: 'h', thought: true },
    call,
    snake,
    { text: 'a', thoughtSignature: 'c2ln' },
    { text: '', thoughtSignature: 'c' },
  ];
  assert.deepEqual(bare(googleGenerate, { contents: [{ role: 'model', parts }] }), {
    contents: [
      {
        role: 'model',
        parts: [
          { functionCall: call.functionCall, thoughtSignature: 'skip_thought_signature_validator' },
          { function_call: snake.function_call, thoughtSignature: 'skip_thought_signature_validator' },
          { text: 'a' },
        ],
      },
    ],
  });
});

test('OpenAI: reasoning items of Responses, signed details of chats; plain reasoning text stays', () => {
  const message = { role: 'user', content: 'q' };
  assert.deepEqual(bare(openaiResponses, { input: [message, { type: 'reasoning', id: 'rs', summary: [] }] }), {
    input: [message],
  });
  assert.equal(bare(openaiResponses, { input: 'q' }), null);
  const said = { role: 'assistant', content: 'a', reasoning_content: 'h' };
  assert.deepEqual(bare(openaiChat, { messages: [message, { ...said, reasoning_details: [{}] }] }), {
    messages: [message, said],
  });
});

test('any JSON is no reason to throw', () => {
  for (const dialect of [anthropicMessages, googleGenerate, openaiChat, openaiResponses]) {
    const field = dialect === openaiResponses ? 'input' : dialect === googleGenerate ? 'contents' : 'messages';
    fc.assert(fc.property(fc.jsonValue(), (value) => void bare(dialect, { [field]: value })));
  }
});
