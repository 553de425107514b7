import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anthropicMessages } from '../anthropic-messages/index.ts';
import type { Dialect } from '../dialect.ts';
import { parseStrict } from '../json/strict.ts';
import { openaiChat } from '../openai-chat/index.ts';
import { openaiResponses } from '../openai-responses/index.ts';
import { sseSplitter } from '../sse/splitter.ts';
import { crossCall } from '../crossing/cross.ts';
import { googleGenerate } from './index.ts';

const context = { modelAsked: 'm', callId: 'c', nowS: 0, includeUsage: true };
const PARTS = [
  { text: 'hm', thought: true },
  { functionCall: { id: 'a', name: 'look', args: { x: 1 } }, thoughtSignature: 'c2ln' },
  { functionCall: { id: 'b', name: 'look', args: {} } },
];
const ANSWER = {
  candidates: [{ content: { role: 'model', parts: PARTS }, finishReason: 'STOP', index: 0 }],
  modelVersion: 'gemini-3-pro',
  responseId: 'r1',
};

/** The next call of a client that keeps the answer as its SDK gives it, and adds results. */
const NEXT: readonly [Dialect, (answer: any) => object][] = [
  [
    openaiChat,
    ({ choices }) => ({
      model: 'm',
      messages: [
        { role: 'user', content: 'look' },
        choices[0].message,
        ...['a', 'b'].map((id) => ({ role: 'tool', tool_call_id: id, content: 'ok' })),
      ],
    }),
  ],
  [
    openaiResponses,
    ({ output }) => ({
      model: 'm',
      store: false,
      input: [
        { role: 'user', content: 'look' },
        ...output,
        ...['a', 'b'].map((call_id) => ({ type: 'function_call_output', call_id, output: 'ok' })),
      ],
    }),
  ],
  [
    anthropicMessages,
    ({ content }) => ({
      model: 'm',
      max_tokens: 9,
      messages: [
        { role: 'user', content: 'look' },
        { role: 'assistant', content },
        {
          role: 'user',
          content: ['a', 'b'].map((tool_use_id) => ({ type: 'tool_result', tool_use_id, content: 'ok' })),
        },
      ],
    }),
  ],
];

const crossed = (from: Dialect, to: Dialect, body: object, named?: { model: string; stream: boolean }): any => {
  const read = parseStrict(Buffer.from(JSON.stringify(body)));
  assert.ok(read.ok);
  const result = crossCall(from, to, read.value, 'drop-hints', { named });
  assert.ok(result.ok, JSON.stringify(result));
  return result.value.value;
};

for (const [dialect, next] of NEXT) {
  test(`a signature of Google's comes back to it through ${dialect.name}`, () => {
    const answer = dialect.encodeAnswer(googleGenerate.decodeAnswer(ANSWER), context);
    const { contents } = crossed(dialect, googleGenerate, next(JSON.parse(JSON.stringify(answer))));
    const calls = contents[1].parts.filter((part: any) => part.functionCall);
    assert.deepEqual(calls, PARTS.slice(1));
    assert.deepEqual(
      contents[2].parts.map((part: any) => part.functionResponse.name),
      ['look', 'look'],
    );
  });

  test(`the same in a stream of ${dialect.name}`, () => {
    const chunks = [...PARTS.map((part) => [part]), [{ text: '' }]].map((parts, i) => ({
      ...ANSWER,
      candidates: [{ content: { parts }, index: 0, ...(i === PARTS.length && { finishReason: 'STOP' }) }],
    }));
    const decoder = googleGenerate.streamDecoder();
    const wire = chunks.map((one) => `data: ${JSON.stringify(one)}\r\n\r\n`).join('');
    const events = sseSplitter()
      .push(Buffer.from(wire))
      .flatMap((event) => [...decoder.push(event)]);
    const encoder = dialect.streamEncoder(context);
    const text = [...events, ...decoder.end!()].map((event) => encoder.push(event)).join('');
    assert.ok(text.includes('c2ln'), text);
  });
}

test("a thought of another family goes to a client of Google and back to that family, and to Google's API never", () => {
  const thinking = { type: 'thinking', thinking: 'hm', signature: 'of-anthropic' };
  const tool = { type: 'tool_use', id: 'a', name: 'look', input: { x: 1 } };
  const answer = anthropicMessages.decodeAnswer({ content: [thinking, tool], stop_reason: 'tool_use' });
  const { candidates } = googleGenerate.encodeAnswer(answer, context) as any;
  const [thought, call] = candidates[0].content.parts;
  assert.equal(Buffer.from(thought.thoughtSignature, 'base64').toString('base64'), thought.thoughtSignature);
  const body = { contents: [{ role: 'user', parts: [{ text: 'look' }] }, candidates[0].content] };
  const named = { model: 'm', stream: false };
  const back = crossed(googleGenerate, anthropicMessages, body, named);
  assert.deepEqual(back.messages[1].content, [thinking, tool]);
  assert.deepEqual(call, { functionCall: { id: 'a', name: 'look', args: { x: 1 } } });
  const { contents } = crossed(anthropicMessages, googleGenerate, {
    model: 'm',
    max_tokens: 9,
    messages: back.messages,
  });
  assert.ok(!JSON.stringify(contents).includes(thought.thoughtSignature));
  assert.equal(contents[1].parts[0].thoughtSignature, 'skip_thought_signature_validator');
});

test("a signature of Google's never goes to another family as its own", () => {
  const body = {
    contents: [
      { role: 'user', parts: [{ text: 'look' }] },
      { role: 'model', parts: PARTS },
    ],
  };
  for (const [dialect] of NEXT) {
    const sent = JSON.stringify(crossed(googleGenerate, dialect, body, { model: 'm', stream: false }));
    assert.ok(!sent.includes('c2ln') && !sent.includes('google:'), sent);
  }
});
