import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { CallId } from '#kernel/brand.ts';
import { PROVIDERS } from '#providers/index.ts';
import type { CanonicalEvent, DialectName } from '#wire/canonical.ts';
import { anthropicMessages } from '#wire/anthropic-messages/index.ts';
import { openaiChat } from '#wire/openai-chat/index.ts';
import { parseStrict } from '#wire/json/strict.ts';
import { sseSplitter } from '#wire/sse/splitter.ts';
import { NO_USAGE } from '#wire/usage.ts';
import { openRequest, sealRequest, type KeptRequest } from '../kept-request.ts';
import { continuedBody, refusedBy } from './continued-body.ts';
import { prefixOf, type Prefix } from './prefix.ts';
import { Seam, sentText } from './seam.ts';

const SEED = Number(process.env['SEED'] ?? 20_261_127);
const DIALECTS = { 'openai-chat': openaiChat, 'anthropic-messages': anthropicMessages } as const;
const CONTEXT = { modelAsked: 'm', callId: 'call_1', nowS: 1, includeUsage: true };

const start: CanonicalEvent = { type: 'start', id: 'one', model: 'm', createdS: 7, fingerprint: null };
const open = (block = 0): CanonicalEvent => ({ type: 'block_start', choice: 0, block, kind: 'text' });
const delta = (text: string, block = 0): CanonicalEvent => ({ type: 'delta', choice: 0, block, text });
const stop = (block = 0): CanonicalEvent => ({ type: 'block_stop', choice: 0, block });
const finish: CanonicalEvent = { type: 'finish', choice: 0, reason: 'stop', stopSequence: null };
const usage = (inputTokens: number, outputTokens: number): CanonicalEvent => ({
  type: 'usage',
  usage: { ...NO_USAGE, inputTokens, outputTokens },
});
const end: CanonicalEvent = { type: 'end' };
const answer = (pieces: readonly string[], output: number): CanonicalEvent[] => [
  ...[start, open(), ...pieces.map((piece) => delta(piece)), stop(), finish, usage(10, output), end],
];
const prefix = (events: readonly CanonicalEvent[]): Prefix => {
  const read = prefixOf([events]);
  assert.ok(typeof read !== 'string', String(read));
  return read;
};

function decoded(name: keyof typeof DIALECTS, text: string): CanonicalEvent[] {
  const decoder = DIALECTS[name].streamDecoder();
  return sseSplitter()
    .push(Buffer.from(text))
    .flatMap((event) => decoder.push(event));
}

const texts = fc.array(fc.stringMatching(/^(?:[a-zé日 \n\t"{]){1,6}$/), { minLength: 1, maxLength: 20 });

test('cut anywhere and gone on with, an answer is the same answer: one start, one block, the exact text', () => {
  const cases = fc.record({
    name: fc.constantFrom<keyof typeof DIALECTS>('openai-chat', 'anthropic-messages'),
    pieces: texts,
    cut: fc.nat(30),
    again: texts,
  });
  fc.assert(
    fc.property(cases, ({ name, pieces, cut, again }) => {
      const dialect = DIALECTS[name];
      const first = dialect.streamEncoder(CONTEXT);
      const events = [start, open(), ...pieces.map((piece) => delta(piece))].slice(0, Math.max(1, cut));
      const sent = events.map((event) => first.push(event)).join('');
      const had = prefix(decoded(name, sent));
      // A model goes on with what was sent to it, white space included.
      const whole = pieces.join('') + again.join('');
      const rest = whole.slice(sentText(had.text).length);
      const cutAt = again[0]!.length;
      const seam = new Seam(had, { ...NO_USAGE, inputTokens: 5, outputTokens: 3 });
      const encoder = dialect.streamEncoder(CONTEXT);
      for (const step of had.steps) encoder.push(step);
      const more = seam.steps(answer([rest.slice(0, cutAt), rest.slice(cutAt)], 4));
      const joined = decoded(name, sent + more.map((event) => encoder.push(event)).join(''));
      const of = (type: CanonicalEvent['type']): number => joined.filter((event) => event.type === type).length;
      const said = joined.map((event) => (event.type === 'delta' ? event.text : '')).join('');
      assert.equal(said, whole);
      assert.deepEqual([of('start'), of('block_start'), of('finish'), of('end')], [1, 1, 1, 1]);
      const last = joined.findLast((event) => event.type === 'usage');
      assert.deepEqual(
        [last?.type === 'usage' && last.usage.inputTokens, last?.type === 'usage' && last.usage.outputTokens],
        had.started ? [15, 7] : [15, 7],
      );
    }),
    { seed: SEED, numRuns: 400 },
  );
});

test('white space that comes once more is left out, other white space is not', () => {
  const said = (had: string, pieces: readonly string[]): string => {
    const seam = new Seam(prefix([start, open(), delta(had)]), NO_USAGE);
    return seam
      .steps(answer(pieces, 1))
      .map((event) => (event.type === 'delta' ? event.text : ''))
      .join('');
  };
  assert.equal(said('a \n', [' ', '\n', 'b']), 'b');
  assert.equal(said('a \n', ['b']), 'b');
  assert.equal(said('a \n', [' b']), 'b');
  assert.equal(said('a ', ['  b']), ' b');
  assert.equal(said('a', [' b']), ' b');
  assert.equal(said('a ', ['\tb', ' c']), '\tb c');
});

test('a tool call behind the text closes the block of the text, and has the next number', () => {
  const seam = new Seam(prefix([start, open(), delta('I look.')]), NO_USAGE);
  const call: CanonicalEvent = { type: 'block_start', choice: 0, block: 0, kind: 'tool_call', id: 't', name: 'look' };
  const steps = seam.steps([start, call, delta('{}'), stop(), finish, end]);
  assert.deepEqual(steps, [stop(0), { ...call, block: 1 }, delta('{}', 1), stop(1), finish, end]);
});

test('what cannot be gone on with is named', () => {
  const kinds = [
    [{ ...open(), kind: 'reasoning' } as CanonicalEvent, 'reasoning_in_flight'],
    [{ ...open(), kind: 'tool_call' } as CanonicalEvent, 'tool_call_in_flight'],
    [{ ...open(), kind: 'refusal' } as CanonicalEvent, 'refusal_in_flight'],
    [{ ...open(), choice: 1 } as CanonicalEvent, 'several_choices'],
    [{ ...delta('a'), logprobs: {} } as CanonicalEvent, 'logprobs'],
    [{ type: 'annotation', choice: 0, block: 0, value: {} } as CanonicalEvent, 'opaque_events'],
    [finish, 'answer_was_whole'],
    [end, 'answer_was_whole'],
  ] as const;
  for (const [event, reason] of kinds) assert.equal(prefixOf([[start, event]]), reason);
  for (const [body, reason] of [
    [{ n: 2 }, 'several_choices'],
    [{ logprobs: true }, 'logprobs'],
    [{ response_format: { type: 'json_object' } }, 'structured_output'],
    [{ response_format: { type: 'text' } }, null],
    [{ output_config: { format: { type: 'json_schema' } } }, 'structured_output'],
    [{ output_config: { effort: 'low' } }, null],
    [{ guided_regex: 'a+' }, 'structured_output'],
    [{ thinking: { type: 'adaptive' } }, 'reasoning_asked'],
    [{ thinking: { type: 'disabled' } }, null],
    [{ reasoning_effort: 'none' }, null],
    [{ reasoning_effort: 'low' }, 'reasoning_asked'],
    [{ tool_choice: 'required' }, 'tool_choice_forced'],
    [{ tool_choice: { type: 'any' } }, 'tool_choice_forced'],
    [{ tool_choice: { type: 'auto' } }, null],
  ] as const)
    assert.equal(refusedBy(body), reason, JSON.stringify(body));
});

test('a request ends in the beginning of its answer, and no other byte of it changes', () => {
  const of = (text: string): any => {
    const request = parseStrict(Buffer.from(text));
    assert.ok(request.ok);
    const body = continuedBody(request.value, 'Once "upon" ', 40);
    return typeof body === 'string' ? body : body.toString();
  };
  assert.equal(
    of('{ "x":1.0, "messages" : [ {"role":"user","content":"[]"} ] ,"seed":12345678901234567890}'),
    '{ "x":1.0, "messages" : [ {"role":"user","content":"[]"} ,{"role":"assistant","content":"Once \\"upon\\""}] ,"seed":12345678901234567890}',
  );
  const begun = of('{"messages":[{"role":"assistant","content":"It was: "}],"max_tokens":100}');
  assert.deepEqual(JSON.parse(begun), {
    messages: [{ role: 'assistant', content: 'It was: Once "upon"' }],
    max_tokens: 60,
  });
  assert.equal(JSON.parse(of('{"messages":[{"role":"user"}],"max_tokens":10}')).max_tokens, 1);
  assert.equal(of('{"messages":[{"role":"assistant","content":[{"type":"image"}]}]}'), 'dialect');
  assert.equal(of('{"prompt":"a"}'), 'dialect');
});

test('which models and servers go on with a text', () => {
  const goes = (provider: string, model: string, dialect: DialectName = 'anthropic-messages'): boolean => {
    const rule = PROVIDERS[provider]!.continues?.[dialect];
    return rule !== undefined && (rule.models?.test(model) ?? true);
  };
  for (const model of [
    ...['claude-3-haiku-20240307', 'claude-3-7-sonnet-latest', 'claude-opus-4-20250514', 'claude-opus-4-1-20250805'],
    ...['claude-sonnet-4-5', 'claude-sonnet-4-5-20250929', 'claude-haiku-4-5-20251001', 'claude-sonnet-4-5@20250929'],
    ...['anthropic.claude-haiku-4-5-20251001-v1:0', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0', 'claude-opus-4-0'],
  ])
    assert.ok(goes('anthropic', model), model);
  for (const model of [
    ...['claude-opus-4-6', 'claude-sonnet-4-6', 'claude-opus-4-7', 'claude-opus-5-5', 'claude-sonnet-5'],
    ...['claude-fable-5-1', 'us.anthropic.claude-opus-4-6-v1', 'claude-opus-4-10', 'gpt-5', 'claude-haiku-5'],
  ])
    assert.ok(!goes('anthropic', model), model);
  for (const server of ['vllm', 'sglang', 'llama-cpp']) assert.ok(goes(server, 'any', 'openai-chat'), server);
  for (const hosted of ['openai', 'azure', 'gemini', 'openrouter', 'openai-compatible', 'mistral'])
    assert.ok(!goes(hosted, 'any', 'openai-chat'), hosted);
});

test('a sealed request is opened by its tenant, for its call, unchanged, and by nobody else', () => {
  const kept: KeptRequest = {
    ...{ route: { path: '/v1/messages', dialect: 'anthropic-messages', family: 'anthropic' }, query: 'beta=true' },
    ...{ headers: { a: 'b' }, protocol: 'ws', deadlineAt: 7, estimatedInputTokens: null, body: Buffer.from([0, 255]) },
  };
  const [secret, id] = ['00'.repeat(32), 'call_1' as CallId];
  const sealed = sealRequest(kept, secret, id);
  assert.deepEqual(openRequest(sealed, secret, id), kept);
  assert.equal(openRequest(sealed, '01'.repeat(32), id), null);
  assert.equal(openRequest(sealed, secret, 'call_2' as CallId), null);
  sealed[20]! ^= 1;
  assert.equal(openRequest(sealed, secret, id), null);
  assert.equal(openRequest(Buffer.alloc(3), secret, id), null);
});
