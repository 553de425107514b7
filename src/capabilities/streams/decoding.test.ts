import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Dialect } from '#wire/dialect.ts';
import { anthropicMessages } from '#wire/anthropic-messages/index.ts';
import { openaiChat } from '#wire/openai-chat/index.ts';
import { sseSplitter } from '#wire/sse/splitter.ts';
import { Decoding } from './decoding.ts';

const chat = (delta: object, finish: string | null = null): string =>
  `data: ${JSON.stringify({ id: 'c', model: 'm', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
const messages = (value: { type: string }): string => `event: ${value.type}\ndata: ${JSON.stringify(value)}\n\n`;
const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 8 }),
  fc.constantFrom('the', ' pier', '"', '\\', '\n', '', 'c', 'm', 'index', 'é', 'text_delta', '},"x":{'),
);
const chatEvents = fc.oneof(
  { weight: 8, arbitrary: text.map((content) => chat({ content })) },
  text.map((reasoning_content) => chat({ reasoning_content })),
  text.map((args) => chat({ tool_calls: [{ index: 0, id: 't', function: { name: 'f', arguments: args } }] })),
  fc.constantFrom(chat({}, 'stop'), ': ping\n\n', 'data: [DONE]\n\n', 'data: {"choices":\n\n'),
);
const block = fc.constantFrom(0, 1);
const messageEvents = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .record({ index: block, text })
      .map(({ index, text }) =>
        messages({ type: 'content_block_delta', index, delta: { type: 'text_delta', text } } as never),
      ),
  },
  block.map((index) =>
    messages({ type: 'content_block_start', index, content_block: { type: 'text', text: '' } } as never),
  ),
  block.map((index) => messages({ type: 'content_block_stop', index } as never)),
  fc.constant(messages({ type: 'ping' })),
);

const kinds: readonly [Dialect, fc.Arbitrary<string>][] = [
  [openaiChat, chatEvents],
  [anthropicMessages, messageEvents],
];
for (const [dialect, events] of kinds)
  test(`events of ${dialect.name} say the same as by the dialect’s decoder alone`, () => {
    fc.assert(
      fc.property(fc.array(events, { maxLength: 30 }), (sent) => {
        const [decoding, decoder, splitter] = [
          new Decoding(dialect.streamDecoder()),
          dialect.streamDecoder(),
          sseSplitter(),
        ];
        for (const event of sent) {
          const bytes = Buffer.from(event);
          const plainly = splitter.push(bytes).flatMap((each) => decoder.push(each));
          assert.deepEqual(decoding.push(bytes), plainly);
        }
      }),
      { seed: 20_261_126, numRuns: 1_000 },
    );
  });
