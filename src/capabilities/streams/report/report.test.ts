import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { epochMs } from '#kernel/brand.ts';
import { nanoUsd, parseUsd, type NanoUsd } from '#kernel/money.ts';
import { everyTenant } from '#kernel/whose.ts';
import { STREAM_ENDINGS, type StreamDimension, type StreamEnding, type StreamsRow } from '#ports/stream-sums.ts';
import { spanText } from './advice.ts';
import { streamsReport, WASTE, type StreamFigures, type StreamLine } from './report.ts';

const SEED = Number(process.env['SEED'] ?? 20_261_126);
const DAY_MS = 86_400_000;
const to = epochMs(Date.UTC(2026, 10, 26, 11));

const row = (by: readonly (string | null)[], ending: StreamEnding, more: Partial<StreamsRow> = {}): StreamsRow => ({
  ...{ by, ending, resumed: false, streams: 1, resumes: 0, outputTokens: 100, estimatedOutputTokens: 0 },
  ...{ costNanoUsd: nanoUsd(1_000n), estimatedNanoUsd: nanoUsd(0n), unknownCostStreams: 0, totalMs: 2_000 },
  ...more,
});
const report = (rows: readonly StreamsRow[], by: readonly StreamDimension[] = ['client'], most = 100) =>
  streamsReport({
    question: { whose: everyTenant('a test'), from: epochMs(to - DAY_MS), to, by },
    answer: { from: epochMs(to - DAY_MS), rows },
    most,
  });

test('what was paid in vain: for certain, and at most', () => {
  const { total } = report([
    row(['a'], 'ok', { streams: 90 }),
    row(['a'], 'truncated', { streams: 2, costNanoUsd: nanoUsd(5n), outputTokens: 7, estimatedOutputTokens: 7 }),
    row(['a'], 'interrupted', { costNanoUsd: nanoUsd(11n), estimatedNanoUsd: nanoUsd(11n) }),
    row(['a'], 'client_gone', { costNanoUsd: nanoUsd(100n) }),
    row(['a'], 'abandoned', { costNanoUsd: nanoUsd(1_000n), resumed: true, resumes: 2 }),
  ]);
  assert.deepEqual(total.wasted, {
    ...{ streams: 3, outputTokens: 107, estimatedOutputTokens: 7 },
    ...{ costUsd: '0.000000016', estimatedUsd: '0.000000011', unknownCostStreams: 0 },
  });
  assert.equal(total.wastedAtMost.costUsd, '0.000001116');
  assert.equal(total.wastedAtMost.streams, 5);
  assert.deepEqual([total.resumed.streams, total.resumed.resumes, total.resumed.whole], [1, 2, 0]);
  assert.deepEqual(Object.keys(total.endings), ['ok', 'truncated', 'interrupted', 'client_gone', 'abandoned']);
});

test('a client whose streams are cut is named, with the doctor', () => {
  const rows = [
    row(['curl'], 'ok', { streams: 100 }),
    row(['phone'], 'ok', { streams: 30 }),
    row(['phone'], 'client_gone', { streams: 10 }),
  ];
  const [first, ...others] = report(rows).advice;
  assert.match(first!.text, /^10 of 40 streams \(25\.0 %\) of client phone lost their client/);
  assert.match(first!.next[0]!, /^headgate streams doctor /);
  assert.deepEqual(others, []);
});

test('a provider that cuts is looked for by deployment, and then in its calls', () => {
  const rows = [row(['p/x'], 'ok', { streams: 50 }), row(['p/x'], 'truncated', { streams: 5 })];
  assert.deepEqual(report(rows, ['client']).advice[0]!.next.slice(0, 1), [
    'headgate streams report --by deployment --since 1d',
  ]);
  assert.deepEqual(report(rows, ['deployment']).advice[0]!.next, [
    'headgate calls list --outcome truncated --deployment p/x --since 1d',
  ]);
});

test('few say nothing', () => {
  const rows = [row(['a'], 'ok', { streams: 10 }), row(['a'], 'truncated', { streams: 2 }), row(['a'], 'client_gone')];
  assert.deepEqual(report(rows).advice, []);
});

test('spans are those that commands take', () => {
  assert.deepEqual([60_000, 3_600_000, 5.5 * 3_600_000, DAY_MS, 30 * DAY_MS].map(spanText), [
    '1m',
    '60m',
    '6h',
    '1d',
    '30d',
  ]);
});

test('what the store no longer knows is said', () => {
  const question = { whose: everyTenant('a test'), from: epochMs(to - DAY_MS), to, by: [] };
  const known = streamsReport({ question, answer: { from: epochMs(to - 1_000), rows: [] }, most: 5 });
  assert.equal(known.knownFrom, '2026-11-26T10:59:59.000Z');
});

test('lines, what they leave out and all endings sum to the total', () => {
  const rows = fc.array(
    fc.record({
      name: fc.constantFrom('a', 'b', 'c', null),
      ending: fc.constantFrom(...STREAM_ENDINGS),
      resumed: fc.boolean(),
      streams: fc.integer({ min: 1, max: 1e6 }),
      cost: fc.bigInt({ min: 0n, max: 10n ** 16n }),
      tokens: fc.nat({ max: 1e9 }),
    }),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(rows, fc.integer({ min: 1, max: 4 }), (drawn, most) => {
      const given = drawn.map(({ name, ending, resumed, streams, cost, tokens }) =>
        row([name], ending, { resumed, streams, costNanoUsd: nanoUsd(cost), outputTokens: tokens }),
      );
      const { lines, rest, total } = report(given, ['client'], most);
      const shown = [...lines, ...(rest ? [rest.line] : [])];
      assertSum(
        shown.map(({ all }) => all),
        total.all,
      );
      assertSum(
        shown.map(({ wasted }) => wasted),
        total.wasted,
      );
      assertSum(
        shown.map(({ wastedAtMost }) => wastedAtMost),
        total.wastedAtMost,
      );
      for (const line of [...shown, total]) assertEndings(line);
    }),
    { seed: SEED },
  );
});

const usd = (figures: StreamFigures): NanoUsd => parseUsd(figures.costUsd)!;

function assertSum(parts: readonly StreamFigures[], whole: StreamFigures): void {
  assert.equal(
    parts.reduce((sum, one) => sum + usd(one), 0n),
    usd(whole),
  );
  assert.equal(
    parts.reduce((sum, { streams }) => sum + streams, 0),
    whole.streams,
  );
  assert.equal(
    parts.reduce((sum, { outputTokens }) => sum + outputTokens, 0),
    whole.outputTokens,
  );
}

function assertEndings({ endings, all, wasted, wastedAtMost }: StreamLine): void {
  const entries = Object.entries(endings) as [StreamEnding, StreamFigures][];
  const of = (kinds: readonly string[]) =>
    entries.filter(([name]) => kinds.includes(WASTE[name])).map(([, one]) => one);
  assertSum(of(['none', 'all', 'at_most']), all);
  assertSum(of(['all']), wasted);
  assertSum(of(['all', 'at_most']), wastedAtMost);
}
