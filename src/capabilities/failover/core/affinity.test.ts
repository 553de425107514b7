import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { TenantId } from '#kernel/brand.ts';
import { tenantKey } from '#kernel/whose.ts';
import type { Provider } from '#providers/index.ts';
import { firstBlocksHash } from '#wire/first-blocks.ts';
import { NO_USAGE } from '#wire/usage.ts';
import { Affinity, heldFirst, usageIfHeld, type ConversationKey } from './affinity.ts';
import { familyOf, refusesReasoning } from './families.ts';
import type { Deployment } from './models.ts';

const deployment = (name: string, order = 0, model: string | null = 'm'): Deployment => ({
  provider: { name } as Provider,
  model,
  weight: 1,
  order,
});
const [K, D] = ['k', 'd'].map((id) => tenantKey('acme' as TenantId, 'conversation', id)) as [
  ConversationKey,
  ConversationKey,
];
const usage = (read: number, written: number, written1h: number | null = null) => ({
  ...NO_USAGE,
  inputTokens: read + written + 10,
  cachedReadTokens: read,
  cacheWriteTokens: written,
  cacheWrite1hTokens: written1h,
});
const answered = (name: string, more: object = {}) => ({
  deployment: `${name}/m`,
  family: name,
  usage: usage(0, 2_000),
  keptForADay: false,
  ...more,
});

test('a prompt is held for the life of the cache after its last use, an hour or a day where that was paid', () => {
  const table = new Affinity();
  table.learn(K, answered('a'), 0);
  assert.equal(table.find(K, 299_999)?.deployment, 'a/m');
  assert.equal(table.find(K, 300_000), null);
  table.learn(K, answered('a', { usage: usage(0, 2_000, 2_000) }), 0);
  table.learn(K, answered('a', { usage: usage(2_000, 0, 0) }), 1_000);
  assert.equal(table.find(K, 3_600_000)?.deployment, 'a/m', 'reads keep the hour alive');
  table.learn(K, answered('b'), 2_000);
  assert.equal(table.find(K, 302_000), null, 'another deployment has a life of its own');
  table.learn(D, answered('a', { keptForADay: true }), 0);
  assert.ok(table.find(D, 86_399_999));
});

test('an answer without usage keeps what is known; families add up', () => {
  const table = new Affinity();
  table.learn(K, answered('a'), 0);
  table.learn(K, answered('a', { usage: null }), 1);
  assert.equal(table.find(K, 2)?.tokens, 2_000);
  table.learn(K, answered('b', { usage: null }), 3);
  assert.equal(table.find(K, 4)?.tokens, 0);
  assert.deepEqual(table.find(K, 4)?.families, ['a', 'b']);
});

test('the holder goes first among its equals; an order of the operator wins over a cache', () => {
  const [a, b, spare] = [deployment('a'), deployment('b'), deployment('spare', 1)];
  const names = (order: readonly Deployment[]): string[] => order.map(({ provider }) => provider.name);
  assert.deepEqual(names(heldFirst([a, b, spare], 'b/m', 'm')), ['b', 'a', 'spare']);
  assert.deepEqual(names(heldFirst([a, b, spare], 'spare/m', 'm')), ['a', 'b', 'spare']);
  assert.deepEqual(names(heldFirst([a, b], 'gone/m', 'm')), ['a', 'b']);
});

test('what a move lost is never more than was held, than the prompt has, or below nothing', () => {
  const count = fc.nat(100_000);
  fc.assert(
    fc.property(count, count, count, (held, read, written) => {
      const kept = { deployment: 'a/m', until: 1, lifeMs: 1, tokens: held, families: [] };
      const now = usage(read, written);
      const would = usageIfHeld(kept, now);
      if (would === null) return assert.ok(Math.min(held, now.inputTokens) <= read);
      assert.equal(would.cachedReadTokens, Math.min(held, now.inputTokens));
      assert.ok(would.cacheWriteTokens! >= 0 && would.cacheWriteTokens! <= written);
      assert.equal(would.inputTokens, now.inputTokens);
    }),
  );
});

test('first blocks name a conversation as it grows, and not another one', () => {
  const bodies = (turns: object[]): Record<string, unknown>[] => [
    { messages: [{ role: 'system', content: 'Be brief.' }, { role: 'user', content: 'Q1' }, ...turns] },
    {
      system: [{ type: 'text', text: 'Be brief.' }],
      messages: [{ role: 'user', content: [{ text: 'Q1' }] }, ...turns],
    },
    { instructions: 'Be brief.', input: [{ role: 'user', content: [{ type: 'input_text', text: 'Q1' }] }, ...turns] },
    { systemInstruction: { parts: [{ text: 'B' }] }, contents: [{ role: 'user', parts: [{ text: 'Q1' }] }, ...turns] },
  ];
  const first = bodies([]).map(firstBlocksHash);
  assert.deepEqual(
    bodies([
      { role: 'assistant', content: 'A' },
      { role: 'user', content: 'Q2' },
    ]).map(firstBlocksHash),
    first,
  );
  for (const hash of first) assert.match(hash!, /^[\w+/=]{28}$/);
  assert.notEqual(firstBlocksHash({ input: 'Q1' }), firstBlocksHash({ input: 'Q2' }));
  assert.equal(firstBlocksHash({ messages: [{ role: 'assistant', content: 'x' }] }), null);
  fc.assert(fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (body) => void firstBlocksHash(body)));
});

test('families: Claude and Gemini anywhere, else the account', () => {
  assert.equal(familyOf(deployment('bedrock', 0, 'eu.anthropic.claude-sonnet-5'), 'x'), 'anthropic');
  assert.equal(familyOf(deployment('vertex', 0, null), 'gemini-3-pro'), 'google');
  assert.equal(familyOf(deployment('azure-west', 0, 'gpt-6'), 'x'), 'azure-west');
  assert.ok(refusesReasoning(400, null, 'messages.1.content.0: Invalid `signature` in `thinking` block'));
  assert.ok(refusesReasoning(400, 'invalid_encrypted_content', ''));
  assert.ok(refusesReasoning(400, null, 'Thought signature is not valid.'));
  assert.ok(!refusesReasoning(400, null, 'The signature line of the letter is missing.'));
  assert.ok(!refusesReasoning(401, 'invalid_encrypted_content', ''));
});
