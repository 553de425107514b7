import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { CanonicalEvent } from '../canonical.ts';
import { sseSplitter, type SseEvent } from '../sse/splitter.ts';
import { mergeUsage, NO_USAGE, type Usage } from '../usage.ts';
import { googleGenerate } from './index.ts';

const context = { modelAsked: 'asked', callId: 'call_1', nowS: 0, includeUsage: true };
const META = { modelVersion: 'gemini-x', responseId: 'r1' };
const chunk = (parts: object[], more: object = {}, metadata: object | null = null): object => ({
  candidates: [{ content: { parts, role: 'model' }, index: 0, ...more }],
  ...(metadata && { usageMetadata: metadata }),
  ...META,
});
const USAGE = { promptTokenCount: 100, candidatesTokenCount: 12, thoughtsTokenCount: 30, totalTokenCount: 142 };
const CHUNKS = [
  chunk([{ text: 'h', thought: true }], {}, { promptTokenCount: 100, totalTokenCount: 100 }),
  chunk([{ text: 'm', thought: true }]),
  chunk([{ text: 'héllo ' }]),
  chunk([{ text: '👩‍👩‍👧' }]),
  chunk([{ functionCall: { name: 'look', args: { a: 'é' } }, thoughtSignature: 'c2ln' }]),
  chunk([{ functionCall: { id: 'own', name: 'look', args: {} } }, { executableCode: { code: '1' } }]),
  chunk([{ text: '', thoughtSignature: 'dHdv' }], { finishReason: 'STOP' }, USAGE),
];
const wire = (chunks: readonly object[], lineEnd: string): string =>
  chunks.map((one) => `data: ${JSON.stringify(one)}${lineEnd}${lineEnd}`).join('');

const split = (text: string, sizes: readonly number[]): SseEvent[] => {
  const splitter = sseSplitter();
  const bytes = Buffer.from(text);
  const events: SseEvent[] = [];
  for (let at = 0, i = 0; at < bytes.length; at += sizes[i++ % sizes.length]!)
    events.push(...splitter.push(bytes.subarray(at, at + sizes[i % sizes.length]!)));
  return events;
};
const decode = (events: readonly SseEvent[]): CanonicalEvent[] => {
  const decoder = googleGenerate.streamDecoder();
  return [...events.flatMap((event) => [...decoder.push(event)]), ...decoder.end!()];
};
const WHOLE = decode(split(wire(CHUNKS, '\r\n'), [1 << 20]));

test('a stream means the same at any split of its bytes and with any line end', () => {
  const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(cuts, fc.constantFrom('\n', '\r\n'), (sizes, lineEnd) => {
      const events = split(wire(CHUNKS, lineEnd), sizes);
      assert.deepEqual(decode(events), WHOLE);
      const reader = googleGenerate.streamReader();
      const views = events.map((event) => reader.read(event));
      assert.ok(reader.ended!());
      assert.equal(
        views.reduce((sum, view) => sum + view.textBytes, 0),
        Buffer.byteLength('hmhéllo 👩‍👩‍👧{"a":"é"}{}'),
      );
    }),
  );
});

test('blocks in order: a thought, text, signed calls, what only Google knows, and the end', () => {
  const kinds = WHOLE.map((event) => (event.type === 'block_start' ? event.kind : event.type));
  assert.deepEqual(kinds, [
    ...['start', 'reasoning', 'delta', 'usage', 'delta', 'block_stop', 'text', 'delta', 'delta', 'block_stop'],
    ...['reasoning', 'signature', 'block_stop', 'tool_call', 'delta', 'block_stop'],
    ...['tool_call', 'delta', 'block_stop', 'opaque'],
    ...['reasoning', 'signature', 'block_stop', 'finish', 'usage', 'end'],
  ]);
  const calls = WHOLE.filter((event) => event.type === 'block_start' && event.kind === 'tool_call');
  assert.deepEqual(
    calls.map((event) => event.type === 'block_start' && event.id),
    ['call_r1_0', 'own'],
  );
  assert.ok(WHOLE.some((event) => event.type === 'finish' && event.reason === 'tool_calls'));
  assert.ok(WHOLE.some((event) => event.type === 'signature' && event.signature === 'google:c2ln'));
});

test('what is decoded and written again means the same', () => {
  const encoder = googleGenerate.streamEncoder(context);
  const text = WHOLE.map((event) => encoder.push(event)).join('');
  const again = decode(split(text, [1 << 20]));
  const said = (events: readonly CanonicalEvent[], kind: string): string => {
    const blocks = new Set(
      events.flatMap((one) => (one.type === 'block_start' && one.kind === kind ? [one.block] : [])),
    );
    return events.flatMap((one) => (one.type === 'delta' && blocks.has(one.block) ? [one.text] : [])).join('');
  };
  for (const kind of ['text', 'reasoning', 'tool_call']) assert.equal(said(again, kind), said(WHOLE, kind), kind);
  const last = (events: readonly CanonicalEvent[]): Usage | null =>
    events.reduce<Usage | null>((sum, one) => (one.type === 'usage' ? mergeUsage(sum, one.usage) : sum), null);
  assert.deepEqual(last(again), last(WHOLE));
  assert.equal(last(WHOLE)!.outputTokens, 42);
});

test('the end of the connection is the end of the answer only after every finish reason', () => {
  const ended = (...chunks: object[]): boolean => {
    const reader = googleGenerate.streamReader();
    for (const event of split(wire(chunks, '\r\n'), [1 << 20])) reader.read(event);
    return reader.ended!();
  };
  assert.equal(ended(), false);
  assert.equal(ended(chunk([{ text: 'a' }])), false);
  assert.equal(ended(chunk([{ text: 'a' }], { finishReason: 'FINISH_REASON_UNSPECIFIED' })), false);
  assert.equal(ended(chunk([{ text: 'a' }], { finishReason: 'MAX_TOKENS' })), true);
  const two = {
    candidates: [
      { index: 0, finishReason: 'STOP' },
      { index: 1, content: { parts: [{ text: 'b' }] } },
    ],
  };
  assert.equal(ended(two), false);
  assert.equal(ended(two, { candidates: [{ index: 1, finishReason: 'STOP' }] }), true);
  assert.equal(ended({ promptFeedback: { blockReason: 'SAFETY' } }), true);
});

test('an error of the stream is a fault with its words, and nothing follows it', () => {
  const error = { error: { code: 503, message: 'The model is overloaded.', status: 'UNAVAILABLE' } };
  const events = split(wire([chunk([{ text: 'a' }]), error, chunk([{ text: 'b' }])], '\n'), [1 << 20]);
  const reader = googleGenerate.streamReader();
  const [, view] = events.map((event) => reader.read(event));
  assert.deepEqual([view!.fault?.type, view!.fault?.status], ['overloaded', 503]);
  const decoded = decode(events);
  assert.equal(decoded.at(-1)?.type, 'error');
  assert.ok(!decoded.some((event) => event.type === 'delta' && event.text === 'b'));
});

const usageOf = (usageMetadata: object, more: object = {}): Usage =>
  googleGenerate.readAnswer({ candidates: [{ finishReason: 'STOP', ...more }], usageMetadata }).usage!;

test('usage: nothing is counted twice and nothing is left out', () => {
  assert.deepEqual(usageOf({ promptTokenCount: 10, candidatesTokenCount: 5, totalTokenCount: 15 }), {
    ...NO_USAGE,
    inputTokens: 10,
    outputTokens: 5,
  });
  // Thoughts stand beside the candidates, and what tools read beside the prompt.
  const tools = { toolUsePromptTokenCount: 40, cachedContentTokenCount: 8 };
  const beside = usageOf({
    promptTokenCount: 10,
    candidatesTokenCount: 5,
    thoughtsTokenCount: 20,
    totalTokenCount: 75,
    ...tools,
  });
  assert.deepEqual(
    [beside.inputTokens, beside.outputTokens, beside.reasoningTokens, beside.cachedReadTokens],
    [50, 25, 20, 8],
  );
  // Where the total says that thoughts are within the candidates, they are not added.
  const within = usageOf({
    promptTokenCount: 10,
    candidatesTokenCount: 25,
    thoughtsTokenCount: 20,
    totalTokenCount: 35,
  });
  assert.equal(within.outputTokens, 25);
  // Zeros are left out on the wire; the total tells them from what was not said.
  assert.equal(usageOf({ promptTokenCount: 10, totalTokenCount: 10 }).outputTokens, 0);
  assert.equal(usageOf({ promptTokenCount: 10, thoughtsTokenCount: 7, totalTokenCount: 17 }).outputTokens, 7);
  assert.equal(usageOf({ promptTokenCount: 10 }).outputTokens, null);
  const modal = usageOf({
    promptTokenCount: 10,
    promptTokensDetails: [
      { modality: 'TEXT', tokenCount: 4 },
      { modality: 'IMAGE', tokenCount: 6 },
    ],
    candidatesTokensDetails: [{ modality: 'AUDIO', tokenCount: 3 }],
    trafficType: 'ON_DEMAND_FLEX',
  });
  assert.deepEqual(
    [modal.inputImageTokens, modal.inputAudioTokens, modal.outputAudioTokens, modal.serviceTier],
    [6, null, 3, 'flex'],
  );
  const searched = usageOf({ promptTokenCount: 1 }, { groundingMetadata: { webSearchQueries: ['a', 'b'] } });
  assert.deepEqual(searched.toolUses, { google_search: 2 });
  // Up to Gemini 2.5 the grounded prompt is paid, and not each search.
  const old = {
    candidates: [{ groundingMetadata: { webSearchQueries: ['a', 'b'] } }],
    usageMetadata: { promptTokenCount: 1 },
  };
  const usage = googleGenerate.readAnswer({ ...old, modelVersion: 'gemini-2.5-flash' }).usage!;
  assert.deepEqual(usage.toolUses, { google_search: 1 });
});

test('a wait stands in the error body, and a wrong key is told as one', () => {
  const info = { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '34.5s' };
  assert.equal(googleGenerate.retryDelayMs!({ error: { code: 429, details: [info] } }), 34_500);
  assert.equal(googleGenerate.retryDelayMs!([{ error: { details: [info] } }]), 34_500);
  assert.equal(googleGenerate.retryDelayMs!({ error: { details: [{ retryDelay: 'soon' }] } }), null);
  const wrong = { error: { code: 400, status: 'INVALID_ARGUMENT', details: [{ reason: 'API_KEY_INVALID' }] } };
  assert.equal(googleGenerate.readFault(400, wrong).type, 'authentication');
  const { status, body } = googleGenerate.encodeFault(googleGenerate.readFault(429, 'slow down'), 'c', 7_000);
  assert.equal(status, 429);
  assert.equal(googleGenerate.retryDelayMs!(body), 7_000);
});

test('log probabilities in both forms', () => {
  const logprobsResult = {
    chosenCandidates: [{ token: 'a', logProbability: -0.5 }],
    topCandidates: [
      {
        candidates: [
          { token: 'a', logProbability: -0.5 },
          { token: 'b', logProbability: -2 },
        ],
      },
    ],
  };
  const answer = {
    candidates: [{ content: { parts: [{ text: 'a' }] }, finishReason: 'STOP', index: 0, logprobsResult }],
  };
  const decoded = googleGenerate.decodeAnswer(answer);
  const again = googleGenerate.encodeAnswer(decoded, context) as { candidates: { logprobsResult: unknown }[] };
  assert.deepEqual(again.candidates[0]!.logprobsResult, logprobsResult);
});
