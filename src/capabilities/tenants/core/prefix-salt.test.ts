import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countTokens as cl100k } from 'gpt-tokenizer/encoding/cl100k_base';
import { countTokens as o200k } from 'gpt-tokenizer/encoding/o200k_base';
import { seededRng } from '#kernel/rng.ts';
import { prefixPreamble, prefixSalt, withoutPreamble } from './prefix-salt.ts';

const SEED = Number(process.env['SEED'] ?? 20261127);
const rng = seededRng(SEED);
const secret = (): string =>
  Array.from({ length: 32 }, () =>
    Math.floor(rng.next() * 256)
      .toString(16)
      .padStart(2, '0'),
  ).join('');
const [ACME, GLOBEX] = [secret(), secret()];

test('a preamble is of one tenant at one deployment, the same each time, and is not its salt', () => {
  const line = prefixPreamble(ACME, 'openai/gpt-4o');
  assert.match(line, /^[\w-]{24} is a cache id: ignore it\.$/);
  assert.equal(prefixPreamble(ACME, 'openai/gpt-4o'), line);
  const others = [prefixPreamble(GLOBEX, 'openai/gpt-4o'), prefixPreamble(ACME, 'openai/gpt-4o-mini')];
  assert.equal(new Set([line, ...others].map((one) => one.slice(0, 24))).size, 3);
  assert.equal(prefixSalt(ACME).includes(line.slice(0, 24)), false);
});

test('of a thousand, it costs more tokens than a block of 16 and no more than 32, and parts within the first block', (t) => {
  const lines = Array.from({ length: 1_000 }, () => prefixPreamble(secret(), 'openai/gpt-4o'));
  for (const [name, count] of [
    ['o200k', o200k],
    ['cl100k', cl100k],
  ] as const) {
    const counts = lines.map((line) => count(line)).toSorted((a, b) => a - b);
    const [least, median, most] = [counts[0]!, counts[500]!, counts.at(-1)!];
    t.diagnostic(`${name}: ${least} to ${most} tokens, median ${median}; seed ${SEED}`);
    assert.ok(least > 16 && most <= 32, `${name}: ${least} to ${most}`);
    // The letters alone, before the words that all have in common, are within the first block of most.
    const letters = lines.map((line) => count(line.slice(0, 24))).toSorted((a, b) => a - b);
    assert.ok(letters[0]! >= 8, String(letters[0]));
  }
  assert.equal(new Set(lines.map((line) => line.slice(0, 8))).size, lines.length, 'they part in their first letters');
});

test('an answer that repeats its instructions does not show it', () => {
  const line = prefixPreamble(ACME, 'm');
  const before = JSON.stringify({ instructions: `${line}\n\nBe brief. é`, output: [line] });
  assert.equal(withoutPreamble(before), JSON.stringify({ instructions: 'Be brief. é', output: [line] }));
  assert.equal(withoutPreamble(`{"instructions": "${line}","x":1}`), '{"instructions": null,"x":1}');
  for (const untouched of ['{"instructions":null}', '{"instructions":"Be brief."}', '{"text":"instructions"}'])
    assert.equal(withoutPreamble(untouched), untouched);
});
