import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { countTokens as cl100k } from 'gpt-tokenizer/encoding/cl100k_base';
import { countTokens as o200k } from 'gpt-tokenizer/encoding/o200k_base';
import { TokenCounter } from './token-counter.ts';
import { tokenizerOf } from './tokenizer-of.ts';

const chunkOf = (content: string, index = 0): string =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', choices: [{ index, delta: { content } }] })}\n\n`;

/** A stream of a text in pieces of a few characters, in buffers that do not end where events do. */
function chatStream(texts: readonly string[]): Buffer[] {
  const events = texts.flatMap((text, choice) =>
    (text.match(/[\s\S]{1,7}/gu) ?? []).map((part) => chunkOf(part, choice)),
  );
  const bytes = Buffer.from(events.join(''));
  return Array.from({ length: Math.ceil(bytes.length / 501) }, (_, i) => bytes.subarray(i * 501, (i + 1) * 501));
}

const job = (texts: readonly string[], tokenizer: 'o200k_base' | 'cl100k_base' = 'o200k_base') => ({
  chunks: chatStream(texts),
  dialect: 'openai-chat' as const,
  tokenizer,
});

const PROSE =
  'Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich. 日本語の文章です。 <|endoftext|> 12,345 ';
/** Runs just below what is refused unseen, all different: each takes milliseconds, together far too many. */
const SLOW = Array.from({ length: 250 }, (_, i) => 'abcdefghijklmnopqrstuvwxyz'.charAt(i % 26).repeat(3_900 - i)).join(
  ' ',
);

describe('counting in a thread', () => {
  const counter = new TokenCounter({ mostMs: 400, mostWaiting: 3 });
  after(() => counter.close());

  test('what came is counted as the tokenizer itself counts it, each choice by itself', async () => {
    const [a, b] = [PROSE.repeat(40), 'A second choice. '.repeat(30)];
    const counted = await counter.count(job([a, b]));
    assert.deepEqual(counted, {
      tokens: o200k(a, { disallowedSpecial: new Set() }) + o200k(b),
      why: null,
    });
    const older = await counter.count(job([b], 'cl100k_base'));
    assert.equal(older.tokens, cl100k(b));
  });

  test('a stream that is cut inside an event counts its whole events', async () => {
    const bytes = Buffer.from(chunkOf('one two three') + chunkOf(' four').slice(0, 40));
    const counted = await counter.count({ ...job([]), chunks: [bytes] });
    assert.equal(counted.tokens, o200k('one two three'));
  });

  test('200,000 times one letter is refused at once', async () => {
    const from = performance.now();
    const counted = await counter.count({ ...job([]), chunks: [Buffer.from(chunkOf('a'.repeat(200_000)))] });
    assert.deepEqual(counted, { tokens: null, why: 'too_hard' });
    assert.ok(performance.now() - from < 400);
  });

  test('a text that takes too long ends by the cap, and the next is counted', async (t) => {
    const from = performance.now();
    const slow = counter.count({ ...job([]), chunks: [Buffer.from(chunkOf(SLOW))] });
    const next = counter.count(job(['after it']));
    assert.deepEqual(await slow, { tokens: null, why: 'timeout' });
    t.diagnostic(`ended after ${Math.round(performance.now() - from)} ms`);
    assert.equal((await next).tokens, o200k('after it'));
  });

  test('the thread rests as long as it worked, and a slow text that comes first has no longer than another', async () => {
    const fresh = new TokenCounter({ mostMs: 300 });
    const from = performance.now();
    const slow = await fresh.count({ ...job([]), chunks: [Buffer.from(chunkOf(SLOW))] });
    const worked = performance.now() - from;
    assert.deepEqual([slow.why, worked < 2_500], ['timeout', true], `${worked} ms`);
    assert.equal((await fresh.count(job(['after it']))).tokens, 2);
    assert.ok(performance.now() - from >= 1.9 * worked);
    await fresh.close();
  });

  test('more than may wait are refused at once', async () => {
    const all = await Promise.all(Array.from({ length: 6 }, () => counter.count(job(['word']))));
    assert.deepEqual(all.map(({ why }) => why).toSorted(), ['busy', 'busy', null, null, null, null]);
  });

  test('an idle thread ends, and the next count starts another', async () => {
    const brief = new TokenCounter({ idleMs: 30 });
    assert.equal((await brief.count(job(['one two']))).tokens, 2);
    await new Promise((resolve) => setTimeout(resolve, 150));
    assert.equal((await brief.count(job(['one two']))).tokens, 2);
    await brief.close();
    assert.deepEqual(await brief.count(job(['one'])), { tokens: null, why: 'failed' });
  });
});

test('models whose bill a public tokenizer knows, and those whose reasoning no stream shows', () => {
  const names = {
    'gpt-4o-mini-2024-07-18': 'o200k_base',
    'openai/gpt-4.1': 'o200k_base',
    'ft:gpt-4o-mini:acme::x': 'o200k_base',
    'gpt-5-chat-latest': 'o200k_base',
    'gpt-4-turbo': 'cl100k_base',
    'gpt-35-turbo': 'cl100k_base',
    'gpt-5': null,
    'o3-mini': null,
    'gpt-4o-audio-preview': null,
    'claude-sonnet-4-5': null,
    'gpt-44': null,
  };
  for (const [name, tokenizer] of Object.entries(names)) assert.equal(tokenizerOf(name), tokenizer, name);
});
