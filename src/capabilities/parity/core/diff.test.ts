import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anthropicMessages } from '#wire/anthropic-messages/index.ts';
import { openaiChat } from '#wire/openai-chat/index.ts';
import type { Dialect } from '#wire/dialect.ts';
import { diffBodies } from './diff.ts';

const side = (value: object, dialect: Dialect = openaiChat) => ({ text: JSON.stringify(value), dialect });
const turns = fc.array(
  fc.record({ role: fc.constantFrom('user', 'assistant'), content: fc.string({ minLength: 1 }) }),
  {
    minLength: 1,
    maxLength: 6,
  },
);
const tool = (name: string, description = 'd') => ({
  type: 'function',
  function: { name, description, parameters: { type: 'object', properties: {} } },
});

test('a body differs from itself in nothing, whatever the order of its keys', () => {
  fc.assert(
    fc.property(turns, (messages) => {
      const found = diffBodies(side({ model: 'm', messages }), side({ messages, model: 'm' }))!;
      assert.deepEqual([found.equal, found.first, found.prefix.verdict], [true, null, 'equal']);
    }),
  );
});

test('the first changed turn is named, and the prefix is shared up to it', () => {
  fc.assert(
    fc.property(turns, fc.nat(), (messages, at) => {
      const i = at % messages.length;
      const changed = messages.map((one, n) => (n === i ? { ...one, content: `${one.content}!` } : one));
      const found = diffBodies(side({ model: 'm', messages }), side({ model: 'm', messages: changed }))!;
      assert.equal(found.equal, false);
      assert.equal(found.prefix.verdict, 'differs');
      assert.equal(found.first!.b, `${found.first!.a}!`);
      assert.equal(found.prefix.until, found.first!.where);
    }),
  );
});

test('a conversation that goes on: its start is served by the cache', () => {
  const messages = [{ role: 'user', content: 'one' }];
  const found = diffBodies(
    side({ model: 'm', messages }),
    side({ model: 'm', messages: [...messages, { role: 'assistant', content: 'two' }] }),
  )!;
  assert.deepEqual([found.prefix.verdict, found.prefix.shared, found.first!.a], ['continues', 1, null]);
});

test('a tool comes before every message: a changed one breaks the whole prefix', () => {
  const messages = [
    { role: 'system', content: 's' },
    { role: 'user', content: 'u' },
  ];
  const a = side({ model: 'm', tools: [tool('search'), tool('open')], messages });
  const b = side({ model: 'm', tools: [tool('search', 'another'), tool('open')], messages, temperature: 1 });
  const found = diffBodies(a, b)!;
  assert.equal(found.first!.where, 'tools[0] “search”');
  assert.deepEqual(found.others, ['temperature']);
  assert.deepEqual([found.prefix.shared, found.prefix.until], [0, 'tools[0] “search”']);
});

test('over dialects by what they mean', () => {
  const chat = side({
    model: 'm',
    max_tokens: 9,
    messages: [
      { role: 'system', content: 's' },
      { role: 'user', content: 'hello' },
    ],
  });
  const same = side(
    { model: 'm', max_tokens: 9, system: 's', messages: [{ role: 'user', content: 'hello' }] },
    anthropicMessages,
  );
  const other = side(
    { model: 'm', max_tokens: 9, system: 's', messages: [{ role: 'user', content: 'hullo' }] },
    anthropicMessages,
  );
  assert.equal(diffBodies(chat, same)!.prefix.verdict, 'equal');
  assert.equal(diffBodies(chat, other)!.first!.where, 'messages[0] user, part 1 (text)');
});

test('a body that is no request of its dialect is compared by its fields, and a cut one not at all', () => {
  const found = diffBodies(side({ model: 'm', messages: 7, x: 1 }), side({ model: 'm', messages: 7, x: 2 }))!;
  assert.deepEqual([found.by, found.first!.where], ['json', 'x']);
  assert.equal(diffBodies({ text: '{"model": "m", "mess', dialect: openaiChat }, side({})), null);
});
