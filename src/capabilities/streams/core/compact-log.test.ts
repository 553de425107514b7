import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seededRng } from '#kernel/rng.ts';
import { CompactLog } from './compact-log.ts';

const joined = (log: CompactLog, from = 0): string => Buffer.concat([...log.read(from)]).toString('latin1');

function logOf(events: readonly Buffer[]): CompactLog {
  const log = new CompactLog();
  for (const event of events) log.append(event.toString('latin1'));
  return log;
}

const sse = (data: unknown, name = ''): Buffer =>
  Buffer.from(`${name === '' ? '' : `event: ${name}\n`}data: ${JSON.stringify(data)}\n\n`);

/** Anything that stands where JSON stands, and much that does not. */
const anyEvent = fc.oneof(
  fc.jsonValue().map((value) => sse(value)),
  fc
    .record({ n: fc.nat(), text: fc.string({ unit: 'binary' }), done: fc.boolean() })
    .map((value) => sse(value, 'delta')),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc.constantFrom(
    ...['data: [DONE]\n\n', ': ping\n\n', 'data: "\n\n', 'data: {"a":"\\', '007', '9', '999999999999999999', ''].map(
      (text) => Buffer.from(text),
    ),
  ),
);

test('whatever was appended is read back byte for byte, from any event on, before and after it is closed', () => {
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 40 }), fc.nat(40), (events, from) => {
      const log = logOf(events);
      assert.equal(log.events, events.length);
      assert.deepEqual([...log.read()], events);
      log.close();
      assert.deepEqual([...log.read(from)], events.slice(from));
    }),
    { numRuns: 500 },
  );
});

const words = [
  'the',
  ' pier',
  ' leans',
  ' into',
  ' grey',
  ' “water”',
  '\n',
  ' \\"and"',
  ' 42',
  ' nobody',
  ' mends',
  ' it',
  '.',
];

function chatStream(tokens: number, obfuscated: boolean): Buffer[] {
  const rng = seededRng(7);
  return Array.from({ length: tokens }, (_, i) =>
    sse({
      id: 'chatcmpl-CqYk2vA0jTnbU8mO1xgWl7Qd5Zr3E',
      object: 'chat.completion.chunk',
      created: 1_764_000_000,
      model: 'gpt-5-mini-2026-08-07',
      service_tier: 'default',
      system_fingerprint: 'fp_0a1b2c3d4e',
      choices: [
        {
          index: 0,
          delta: { content: words[Math.floor(rng.next() * words.length)] },
          finish_reason: i === tokens - 1 ? 'stop' : null,
        },
      ],
      ...(obfuscated && {
        obfuscation: Math.floor(rng.next() * 1e15)
          .toString(36)
          .slice(0, 3 + Math.floor(rng.next() * 8)),
      }),
    }),
  );
}

function responsesStream(tokens: number): Buffer[] {
  const rng = seededRng(8);
  return Array.from({ length: tokens }, (_, i) =>
    sse(
      {
        type: 'response.output_text.delta',
        sequence_number: 7 + i,
        item_id: 'msg_0123456789abcdef0123456789abcdef',
        output_index: 0,
        content_index: 0,
        delta: words[Math.floor(rng.next() * words.length)],
        logprobs: [],
      },
      'response.output_text.delta',
    ),
  );
}

function messagesStream(tokens: number): Buffer[] {
  const rng = seededRng(9);
  return Array.from({ length: tokens }, (_, i) =>
    i % 60 === 59
      ? sse({ type: 'ping' }, 'ping')
      : sse(
          {
            type: 'content_block_delta',
            index: 0,
            delta: { type: 'text_delta', text: words[Math.floor(rng.next() * words.length)] },
          },
          'content_block_delta',
        ),
  );
}

for (const [name, events] of [
  ['chat', chatStream(500, false)],
  ['responses', responsesStream(500)],
  ['messages', messagesStream(500)],
] as const) {
  test(`500 tokens of ${name} take at most 20 bytes each`, (t) => {
    const log = logOf(events);
    log.close();
    assert.equal(joined(log), Buffer.concat(events).toString('latin1'));
    const sent = events.reduce((sum, { length }) => sum + length, 0);
    t.diagnostic(`${(log.size / events.length).toFixed(1)} bytes an event of ${Math.round(sent / events.length)}`);
    assert.ok(log.size / events.length <= 20);
  });
}

test('with OpenAI’s obfuscation, which no log can foresee, at most 30', (t) => {
  const events = chatStream(500, true);
  const log = logOf(events);
  log.close();
  assert.equal(joined(log), Buffer.concat(events).toString('latin1'));
  t.diagnostic(`${(log.size / events.length).toFixed(1)} bytes an event`);
  assert.ok(log.size / events.length <= 30);
});

test('an event without end, a huge one, and one of nothing but values are kept whole', () => {
  const events = [
    Buffer.alloc(100_000, 0x61),
    Buffer.from(`data: [${'1,'.repeat(500)}1]\n\n`),
    Buffer.from('data: "open'),
  ];
  assert.deepEqual([...logOf([...events, ...events]).read()], [...events, ...events]);
});
