import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { CallId } from '#kernel/brand.ts';
import { PROVIDERS } from '#providers/index.ts';
import type { CanonicalEvent, DialectName } from '#wire/canonical.ts';
import { anthropicMessages } from '#wire/anthropic-messages/index.ts';
import { aiSdkUi } from '#wire/ai-sdk-ui/index.ts';
import { googleGenerate } from '#wire/google-generate/index.ts';
import { openaiChat } from '#wire/openai-chat/index.ts';
import { openaiCompletions } from '#wire/openai-completions/index.ts';
import { openaiResponses } from '#wire/openai-responses/index.ts';
import { parseStrict } from '#wire/json/strict.ts';
import { sseSplitter, type SseEvent } from '#wire/sse/splitter.ts';
import { NO_USAGE } from '#wire/usage.ts';
import { openRequest, sealRequest, type KeptRequest } from '../kept-request.ts';
import { continuedBody } from './continued-body.ts';
import { prefixOf, type Prefix } from './prefix.ts';
import { refusedBy, refusedByMembers } from './refused-by.ts';
import { Seam, sentText } from './seam.ts';

const SEED = Number(process.env['SEED'] ?? 20_261_127);
const DIALECTS = {
  ...{ 'openai-chat': openaiChat, 'anthropic-messages': anthropicMessages, 'openai-responses': openaiResponses },
  ...{ 'ai-sdk-ui': aiSdkUi, 'google-generate': googleGenerate, 'openai-completions': openaiCompletions },
} as const;
const NAMES = Object.keys(DIALECTS) as (keyof typeof DIALECTS)[];
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

const eventsIn = (text: string): SseEvent[] => sseSplitter().push(Buffer.from(text));

function decoded(name: keyof typeof DIALECTS, text: string, whole = false): CanonicalEvent[] {
  const decoder = DIALECTS[name].streamDecoder();
  const events = eventsIn(text).flatMap((event) => decoder.push(event));
  return whole ? [...events, ...(decoder.end?.() ?? [])] : events;
}

const texts = fc.array(fc.stringMatching(/^(?:[a-zé日 \n\t"{]){1,6}$/), { minLength: 1, maxLength: 20 });

test('cut anywhere and gone on with, an answer is the same answer: one start, one block, the exact text', () => {
  const cases = fc.record({
    name: fc.constantFrom(...NAMES),
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
      encoder.goOnBehind?.(eventsIn(sent));
      const more = seam.steps(answer([rest.slice(0, cutAt), rest.slice(cutAt)], 4));
      const said2 = more.map((event) => encoder.push(event)).join('');
      assert.equal(said2, more.map((event) => first.push(event)).join(''), 'as the one that began it would have');
      const joined = decoded(name, sent + said2, true);
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
    { seed: SEED, numRuns: 1_200 },
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
    assert.equal(refusedByMembers(body), reason, JSON.stringify(body));
  for (const [name, body, reason] of [
    ['openai-responses', { text: { format: { type: 'json_object' } } }, 'structured_output'],
    ['openai-responses', { reasoning: { effort: 'low' } }, 'reasoning_asked'],
    ['openai-responses', { reasoning: { effort: 'none' } }, null],
    ['openai-responses', { tool_choice: 'required' }, 'tool_choice_forced'],
    ['openai-responses', { top_logprobs: 2, include: ['message.output_text.logprobs'] }, 'logprobs'],
    ['openai-responses', { previous_response_id: 'resp_1' }, 'kept_by_provider'],
    ['openai-responses', { background: true }, 'kept_by_provider'],
    ['openai-responses', { background: false, previous_response_id: null }, null],
    ['ai-sdk-ui', {}, null],
    ['ai-sdk-ui', { toolChoice: 'required' }, 'tool_choice_forced'],
    ['google-generate', {}, null],
    ['google-generate', { generationConfig: { candidateCount: 2 } }, 'several_choices'],
    ['google-generate', { generationConfig: { responseMimeType: 'application/json' } }, 'structured_output'],
    ['google-generate', { generationConfig: { thinkingConfig: { includeThoughts: true } } }, 'reasoning_asked'],
    ['google-generate', { generationConfig: { thinkingConfig: { thinkingBudget: 0 } } }, null],
    ['openai-completions', {}, null],
    ['openai-completions', { best_of: 2 }, 'several_choices'],
    ['openai-completions', { logprobs: 0 }, 'logprobs'],
    ['openai-completions', { prompt: [1, 2] }, 'prompt_no_text'],
    ['openai-completions', { prompt: ['a', 'b'] }, 'prompt_no_text'],
    ['openai-completions', { echo: true }, 'echo_or_suffix'],
    ['openai-completions', { suffix: 'z' }, 'echo_or_suffix'],
  ] as const) {
    const request = parseStrict(Buffer.from(JSON.stringify({ model: 'm', ...PLAIN[name], ...body })));
    assert.ok(request.ok);
    const named = { model: 'm', stream: true };
    assert.equal(refusedBy(DIALECTS[name], request.value, named), reason, `${name} ${JSON.stringify(body)}`);
  }
});

const PLAIN = {
  'openai-responses': { input: 'a' },
  'ai-sdk-ui': { messages: [{ role: 'user', parts: [{ type: 'text', text: 'a' }] }] },
  'google-generate': { contents: [{ role: 'user', parts: [{ text: 'a' }] }] },
  'openai-completions': { prompt: 'a' },
} as const;

test('a request ends in the beginning of its answer, and no other byte of it changes', () => {
  const of = (text: string, name: keyof typeof DIALECTS = 'openai-chat'): any => {
    const request = parseStrict(Buffer.from(text));
    assert.ok(request.ok);
    const body = continuedBody(request.value, { dialect: DIALECTS[name], text: 'Once "upon" ', spent: 40 });
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
  const as = (name: keyof typeof DIALECTS, body: object): any => {
    const made = of(JSON.stringify(body), name);
    return made.startsWith('{') ? JSON.parse(made) : made;
  };
  const [text, said] = ['Once "upon"', { role: 'assistant', content: 'Once "upon"' }];
  assert.deepEqual(as('openai-responses', { input: 'a', max_output_tokens: 50 }), {
    ...{ input: [{ role: 'user', content: 'a' }, said], max_output_tokens: 10 },
  });
  assert.deepEqual(as('openai-responses', { input: [{ role: 'user', content: 'a' }] }).input.at(-1), said);
  const part = { type: 'output_text', text: 'It was: ' };
  assert.deepEqual(as('openai-responses', { input: [{ role: 'assistant', content: [part] }] }).input, [
    { role: 'assistant', content: [{ ...part, text: 'It was: Once "upon"' }] },
  ]);
  const contents = [{ role: 'user', parts: [{ text: 'a' }] }];
  assert.deepEqual(as('google-generate', { contents, generationConfig: { topK: 1, maxOutputTokens: 41 } }), {
    contents: [...contents, { role: 'model', parts: [{ text }] }],
    generationConfig: { topK: 1, maxOutputTokens: 1 },
  });
  assert.equal(
    as('google-generate', { contents: [{ role: 'model', parts: [{ text: 'a', thought: true }] }] }),
    'dialect',
  );
  const tool = { type: 'tool-look', toolCallId: 't', state: 'output-available', input: {}, output: {} };
  assert.deepEqual(as('ai-sdk-ui', { messages: [{ role: 'assistant', parts: [tool] }] }).messages, [
    { role: 'assistant', parts: [tool] },
    { id: '', role: 'assistant', parts: [{ type: 'text', text }] },
  ]);
  assert.deepEqual(as('openai-completions', { prompt: 'a b', max_tokens: 60 }), {
    prompt: 'a bOnce "upon" ',
    max_tokens: 20,
  });
  assert.equal(as('openai-completions', { prompt: [1] }), 'dialect');
});

test('what another hand numbered and named is gone on with: Responses of any server, cut behind any event', () => {
  const first = openaiResponses.streamEncoder(CONTEXT);
  const events = [start, open(), delta('Once '), delta('upon')];
  const own = events.map((event) => first.push(event)).join('');
  const ids = new Set([...own.matchAll(/"((?:msg|resp)_[^"]+)"/g)].map(([, id]) => id!));
  assert.equal(ids.size, 2);
  let foreign = own;
  for (const id of ids) foreign = foreign.replaceAll(id, `${id.slice(0, id.indexOf('_'))}_of_the_server`);
  foreign = foreign.replace(/"sequence_number":(\d+)/g, (_, n) => `"sequence_number":${Number(n) + 7}`);
  const sent = eventsIn(foreign);
  for (let cut = 1; cut <= sent.length; cut++) {
    const before = sent.slice(0, cut);
    const had = prefix(decoded('openai-responses', before.map(({ raw }) => raw.toString()).join('')));
    const encoder = openaiResponses.streamEncoder({ ...CONTEXT, callId: 'call_2' });
    for (const step of had.steps) encoder.push(step);
    encoder.goOnBehind!(before);
    const seam = new Seam(had, NO_USAGE);
    const more = seam.steps(answer([' upon'], 4)).map((event) => encoder.push(event));
    const all = [...before, ...eventsIn(more.join(''))].map(({ data }) => JSON.parse(data!));
    assert.deepEqual(
      all.map((event) => event.sequence_number),
      all.map((_, i) => i + 7),
      `cut behind event ${cut}`,
    );
    const types = all.map(({ type }) => type as string).filter((type) => !type.endsWith('.delta'));
    assert.deepEqual(types, [...new Set(types)], 'no event twice');
    for (const type of ['output_item.added', 'content_part.added', 'output_text.done', 'content_part.done'])
      assert.ok(types.includes(`response.${type}`), type);
    const { response } = all.at(-1);
    assert.equal(response.id, 'resp_of_the_server');
    const said = all.map((event) => (event.type === 'response.output_text.delta' ? event.delta : '')).join('');
    assert.deepEqual([response.output.length, response.output[0].content[0].text], [1, said]);
    const named = all.flatMap((event) => [event.item_id, event.item?.id]).filter((id) => id !== undefined);
    assert.equal(new Set(named).size, 1, 'one item');
    if (cut >= 3) assert.equal(named[0], 'msg_of_the_server');
  }
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
