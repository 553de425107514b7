import { NO_LAYERS } from '#ports/entry.ts';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { epochMs, type CallId, type FeatureName, type KeyId, type TenantId } from '#kernel/brand.ts';
import { nanoUsd, parseUsd } from '#kernel/money.ts';
import type { Attempt, LedgerEntry } from '#ports/entry.ts';
import { NO_USAGE } from '#wire/usage.ts';
import { paintWith } from '../terminal.ts';
import { displayWidth } from '../text.ts';
import { drawCall } from './draw-call.ts';
import { callReport } from './report.ts';
import { axis, bar, tickMs } from './waterfall.ts';

const SEED = Number(process.env['SEED'] ?? 20261124);
const usd = (text: string) => parseUsd(text)!;
const NONE = nanoUsd(0n);

const failed: Attempt = {
  n: 1,
  deployment: 'anthropic-us/claude-sonnet-4-5',
  provider: 'anthropic-us',
  dialect: 'anthropic-messages',
  startedMs: 0.4,
  timing: { connectedMs: 15, headersMs: 480, firstTokenMs: null, lastTokenMs: null, doneMs: 481 },
  status: 'provider_error',
  httpStatus: 529,
  errorCode: 'overloaded_error',
  usage: null,
  usageSource: 'none',
  cost: null,
  upstreamRequestId: 'req_1',
};
const usage = { ...NO_USAGE, inputTokens: 4112, cachedReadTokens: 3840, outputTokens: 612 };
const cost = {
  input: usd('0.000816'),
  cachedRead: usd('0.001152'),
  cacheWrite: NONE,
  output: usd('0.00918'),
  other: NONE,
  total: usd('0.011148'),
};
const answered: Attempt = {
  ...failed,
  n: 2,
  deployment: 'anthropic-eu/claude-sonnet-4-5',
  provider: 'anthropic-eu',
  startedMs: 640,
  timing: { connectedMs: 12, headersMs: 310, firstTokenMs: 344, lastTokenMs: 1654, doneMs: 1655 },
  status: 'ok',
  httpStatus: 200,
  errorCode: null,
  usage,
  usageSource: 'provider',
  cost,
};

const entry: LedgerEntry = {
  id: 'call_01JD9Z3K4M5N6P7Q8R9S0T18QF' as CallId,
  at: epochMs(Date.UTC(2026, 10, 23, 13)),
  environment: 'default',
  tenant: 'acme' as TenantId,
  team: null,
  feature: 'search' as FeatureName,
  key: 'key_01JD9Z3K4M5N6P7Q8R9S0T18QF' as KeyId,
  endUser: null,
  session: '84e5c0ffee00ab9e',
  agent: null,
  parentAgent: null,
  labels: {},
  traceId: null,
  client: 'OpenAI/JS',
  clientVersion: '6.1.0',
  clientRetry: 0,
  retryOf: null,
  redriveOf: null,
  kind: 'generate',
  purpose: null,
  dialect: 'openai-chat',
  stream: true,
  modelAsked: 'claude-sonnet-4-5',
  modelReturned: 'claude-sonnet-4-5',
  deployment: answered.deployment,
  provider: answered.provider,
  fingerprint: null,
  usage,
  usageSource: 'provider',
  cost,
  priceVersion: 'b1946ac92492d234',
  savedCostNanoUsd: null,
  reservedNanoUsd: usd('0.031'),
  timing: { queuedMs: 0.4, connectedMs: 652, headersMs: 950, firstTokenMs: 984, lastTokenMs: 2294, totalMs: 2296 },
  interToken: null,
  status: 'ok',
  httpStatus: 200,
  errorCode: null,
  finish: 'stop',
  truncated: false,
  cancelledBy: null,
  degraded: false,
  shed: false,
  dropped: ['cache_control (hint)'],
  attempts: [failed, answered],
  templateHash: null,
  prefixHash: null,
  configHash: null,
  protocol: 'sse',
  resumes: 0,
  bytesIn: 16_000,
  alias: null,
  layers: NO_LAYERS,
  bytesOut: 9_000,
  corrects: null,
  movedFrom: null,
  moveCostNanoUsd: null,
  cacheHit: null,
  asOther: null,
};

const draw = (call: LedgerEntry, width = 110): string =>
  drawCall(callReport(call, 'web-prod'), { terminal: { width, paint: paintWith(false) }, zone: 'UTC' });

test('a call with a failed and an answered attempt reads as a waterfall', () => {
  const text = draw(entry);
  const lines = text.split('\n');
  assert.equal(lines[1], 'POST /v1/chat/completions · acme / search / key “web-prod” · session 84e5…ab9e');
  assert.match(lines[2]!, /→ anthropic-eu\/claude-sonnet-4-5 · 200 ok · finish stop · \$0\.01115 · 2\.30 s$/);
  const [first, second] = lines.filter((line) => / attempt /.test(line)) as [string, string];
  assert.match(first, /^ ├ attempt 1 +░?█+╳ +anthropic-us\S* +529 overloaded_error +–$/);
  assert.match(second, /^ └ attempt 2 +█+▓+ +anthropic-eu\S* +200 +\$0\.01115$/);
  assert.ok(second.indexOf('█') > first.indexOf('╳'), 'the second attempt begins after the first has ended');
  assert.match(text, /connect 12 ms · headers 310 ms · first token 344 ms · 612 tokens in 1\.31 s \(466\/s\)/);
  assert.match(text, /^tokens {3}input 4,112 \(3,840 cached\) {3}output 612$/m);
  assert.match(
    text,
    /^cost {5}input \$0\.00082 · cached \$0\.00115 · output \$0\.00918 · reserved − settled = \$0\.01985$/m,
  );
  assert.match(text, /^dropped {2}cache_control \(hint\)$/m);
});

test('what is not known is said, never shown as zero', () => {
  const unknown: LedgerEntry = { ...entry, cost: null, attempts: [{ ...answered, cost: null }] };
  assert.match(draw(unknown), /cost unknown/);
  assert.match(draw(unknown), /^cost {5}unknown: the model has no price$/m);
  const nothing: LedgerEntry = { ...entry, attempts: [], usageSource: 'none', deployment: null, status: 'refused' };
  assert.match(draw(nothing), /No attempt was sent to a provider\./);
  assert.match(draw(nothing), /^tokens {3}none/m);
  assert.match(draw({ ...entry, usageSource: 'estimated' }), /input ≈4,112/);
});

test('names from outside bring no escape sequence to the terminal', () => {
  const evil = { ...entry, modelReturned: '\u001b[2Jgpt\u202e', session: 'a\u001b]0;x\u0007b', dropped: ['\u009b31m'] };
  assert.doesNotMatch(draw(evil), /[\u001b\u009b\u0007\u202e]/);
});

test('no line is wider than the terminal where its words fit', () => {
  for (const width of [90, 110, 200])
    for (const line of draw(entry, width).split('\n').slice(5, 12)) assert.ok(displayWidth(line) <= width, line);
});

test('ticks have room and the axis begins at 0 with its unit', () => {
  assert.equal(tickMs({ lengthMs: 2296, columns: 40 }), 500);
  assert.equal(axis({ lengthMs: 2000, columns: 40 }), '0.0 s     0.5       1.0       1.5       2.0');
  assert.equal(axis({ lengthMs: 8, columns: 40 }).slice(0, 4), '0 ms');
});

test('bars keep order and never leave the drawing', () => {
  const ms = fc.double({ min: 0, max: 1e5, noNaN: true });
  fc.assert(
    fc.property(
      fc.array(ms, { minLength: 5, maxLength: 5 }),
      fc.boolean(),
      fc.integer({ min: 10, max: 80 }),
      (times, bad, columns) => {
        const [startMs, connectedMs, firstTokenMs, lastTokenMs, endMs] = [...times].sort((a, b) => a - b) as [
          number,
          number,
          number,
          number,
          number,
        ];
        const line = bar(
          { n: 1, startMs, connectedMs, firstTokenMs, lastTokenMs, endMs, failed: bad },
          { lengthMs: endMs, columns },
        );
        assert.match(line, bad ? /^ *░*█*▓*╳$/ : /^ *░*█*▓*$/);
        assert.ok(displayWidth(line) <= columns && line.trim() !== '');
      },
    ),
    { seed: SEED },
  );
});

test('a call that the cache answered says whose answer it has, and what was saved', () => {
  const hit = { call: entry.id, ageMs: 61_000, usage, cost, priceVersion: 'b1946ac92492d234', collapsed: false };
  const free = {
    ...cost,
    input: usd('0'),
    cachedRead: usd('0'),
    cacheWrite: usd('0'),
    output: usd('0'),
    total: usd('0'),
  };
  const text = draw({ ...entry, cost: free, attempts: [], cacheHit: hit, savedCostNanoUsd: cost.total }, 200);
  const line = text.split('\n').find((one) => one.startsWith('cache'));
  assert.match(
    line ?? text,
    new RegExp(`^cache +the answer of ${entry.id}, 1 min 1 s old · saved input .* tokens · input \\$`),
  );
  assert.match(text, /saved \$0\.01115/);
  const collapsed = { ...hit, ageMs: 0, collapsed: true };
  const waited = draw({ ...entry, cost: free, attempts: [], cacheHit: collapsed, savedCostNanoUsd: cost.total }, 200);
  assert.match(waited, new RegExp(`^cache +the answer of ${entry.id}, which was under way · saved input`, 'm'));
  assert.doesNotMatch(draw(entry), /^cache /m);
});
