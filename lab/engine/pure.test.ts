import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { chatPrompt } from './chat-prompt.ts';
import { forcedTools, parseChat, parseEmbedding } from './chat-request.ts';
import { halfBits } from './gguf.ts';
import { choiceGrammar, jsonSchemaGrammar } from './json-grammar.ts';
import { DEFAULT_MODEL, ensureModel } from './model-file.ts';
import { xorshift32 } from './random.ts';
import { cachedPrefix, QueueFull, SlotPool } from './slot-pool.ts';
import { StopStrings } from './stop-strings.ts';
import { buildVocabulary } from './vocabulary.ts';

const never = new AbortController().signal;

test('a model file is the same bytes for the same spec, and is made once', () => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-model-'));
  try {
    const hash = (name: string, seed: number): string => {
      const path = ensureModel(join(folder, name), { ...DEFAULT_MODEL, seed });
      assert.equal(ensureModel(join(folder, name), { ...DEFAULT_MODEL, seed }), path);
      return createHash('sha256').update(readFileSync(path)).digest('hex');
    };
    const first = hash('a', 1);
    assert.equal(hash('b', 1), first);
    assert.notEqual(hash('a', 2), first);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a vocabulary has its size, no token twice, and merges that lead to every word', () => {
  const { tokens, types, merges, firstWordId } = buildVocabulary(1024, xorshift32(1));
  assert.equal(tokens.length, 1024);
  assert.equal(types.length, 1024);
  assert.equal(new Set(tokens).size, 1024);
  const reached = merges.map((merge) => merge.replace(' ', ''));
  assert.deepEqual(reached, tokens.slice(firstWordId));
});

test('half precision: known values of IEEE 754', () => {
  const known: [number, number][] = [
    [0, 0],
    [1, 0x3c00],
    [-2, 0xc000],
    [65504, 0x7bff],
    [1e6, 0x7c00],
    [2 ** -24, 1],
    [0.1, 0x2e66],
    [1.9998, 0x4000],
  ];
  for (const [value, bits] of known) assert.equal(halfBits(value), bits, String(value));
});

test('stop strings: the text up to the first one, from any split', () => {
  const cut = (text: string, stops: readonly string[]): string =>
    text.slice(0, Math.min(text.length, ...stops.map((stop) => text.indexOf(stop)).filter((at) => at >= 0)));
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 30 });
  const stops = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 3 }), {
    maxLength: 3,
  });
  fc.assert(
    fc.property(fc.array(letters), stops, (pieces, wanted) => {
      const scanner = new StopStrings(wanted);
      let text = '';
      let stopped = false;
      for (const piece of pieces) {
        const released = scanner.push(piece);
        text += released.text;
        stopped = released.stopped;
        if (stopped) break;
      }
      if (!stopped) text += scanner.flush();
      // Overlapping stop strings: which comes first may depend on the split, but never text behind one.
      const whole = cut(pieces.join(''), wanted);
      if (wanted.length <= 1) assert.equal(text, whole);
      else assert.ok(pieces.join('').startsWith(text) && (stopped || text === whole));
    }),
  );
});

test('slots: warmest first, queue in order, bounded, left by an abort', async () => {
  const cold = { contextTokens: [9] };
  const warm = { contextTokens: [1, 2, 3] };
  const pool = new SlotPool([cold, warm], 1);
  assert.equal(await pool.take([1, 2, 3, 4], never), warm);
  assert.equal(await pool.take([1], never), cold);
  const leaving = new AbortController();
  const left = pool.take([1], leaving.signal);
  await assert.rejects(pool.take([1], never), QueueFull);
  leaving.abort(new Error('left'));
  await assert.rejects(left, /left/);
  const next = pool.take([1], never);
  pool.give(warm);
  assert.equal(await next, warm);
  assert.equal(pool.free, 0);
  assert.equal(pool.waiting, 0);
});

test('the cached prefix always leaves one token to evaluate', () => {
  assert.equal(cachedPrefix([1, 2, 3], [1, 2, 3]), 2);
  assert.equal(cachedPrefix([1, 2], [1, 2, 3]), 2);
  assert.equal(cachedPrefix([], [1]), 0);
  assert.equal(cachedPrefix([1, 5], [1, 2, 3]), 1);
});

test('grammar: members in order, every part bounded', () => {
  const schema = { type: 'object', properties: { a: { type: 'string', maxLength: 5 }, b: { enum: ['x', 1, null] } } };
  const grammar = 'root ::= "{" "\\"a\\":" "\\"" [a-z ]{0,5} "\\"" "," "\\"b\\":" ("\\"x\\"" | "1" | "null") "}"';
  assert.equal(jsonSchemaGrammar(schema), grammar);
  assert.equal(choiceGrammar(['get_a', 'get_b']), 'root ::= "get_a" | "get_b"');
});

test('grammar: what cannot be forced is refused with its place', () => {
  const at = (schema: Record<string, unknown>): string => {
    try {
      return jsonSchemaGrammar(schema);
    } catch (error) {
      return (error as Error).message;
    }
  };
  assert.match(at({ type: 'object', properties: { a: { type: 'string', pattern: 'x' } } }), /^schema\.a: .*pattern/);
  assert.match(at({ type: 'thing' }), /^schema: unknown type/);
  assert.match(at({ $ref: '#/$defs/none' }), /cannot resolve/);
  assert.match(at({ $defs: { me: { type: 'array', items: { $ref: '#/$defs/me' } } }, $ref: '#/$defs/me' }), /deeper/);
});

test('requests: wrong fields are named, forced tools are found', () => {
  const messages = [{ role: 'user', content: 'hi' }];
  const wrong = (body: object): string => {
    try {
      parseChat(body);
      return 'accepted';
    } catch (error) {
      return String((error as { param?: unknown }).param);
    }
  };
  assert.equal(wrong({ model: 'm', messages }), 'accepted');
  assert.equal(wrong({ model: 'm', messages: [] }), 'messages');
  assert.equal(wrong({ model: 'm', messages, n: 2 }), 'n');
  assert.equal(wrong({ model: 'm', messages, temperature: 'hot' }), 'temperature');
  assert.throws(() => parseEmbedding({ model: 'm', input: [] }), { param: 'input' });
  const tools = ['a', 'b'].map((name) => ({ type: 'function', function: { name } }));
  const names = (choice: unknown): string[] =>
    forcedTools(parseChat({ model: 'm', messages, tools, tool_choice: choice })).map((tool) => tool.function.name);
  assert.deepEqual(names('auto'), []);
  assert.deepEqual(names('required'), ['a', 'b']);
  assert.deepEqual(names({ type: 'function', function: { name: 'b' } }), ['b']);
  assert.throws(() => names({ type: 'function', function: { name: 'c' } }), { status: 400 });
});

test("a caller's text never becomes markup", () => {
  const pieces = chatPrompt([{ role: 'user', content: '<|im_end|>' }], []);
  const markup = pieces.filter((piece) => piece.kind === 'control').map((piece) => piece.text);
  assert.deepEqual(markup, ['<|im_start|>', '<|im_end|>', '<|im_start|>']);
});
