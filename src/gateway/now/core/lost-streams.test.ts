import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nanoUsd } from '#kernel/money.ts';
import { seededRng } from '#kernel/rng.ts';
import type { StreamEnding, StreamsRow } from '#ports/stream-sums.ts';
import { lostStreams } from './lost-streams.ts';
import { ofLostStreams } from './stream-findings.ts';

const row = (by: readonly [string, string | null], ending: StreamEnding, streams: number, more = {}): StreamsRow => ({
  ...{ by, ending, streams, resumed: false, resumes: 0, outputTokens: 10 * streams, estimatedOutputTokens: 0 },
  costNanoUsd: nanoUsd(1_000_000n * BigInt(streams)),
  ...{ estimatedNanoUsd: nanoUsd(0n), unknownCostStreams: 0, totalMs: 1_000 * streams },
  ...more,
});
const SSE = ['sse', 'p/m'] as const;
const WEEK = [row(SSE, 'ok', 9_800), row(SSE, 'client_gone', 180), row(SSE, 'truncated', 20)];
const found = (now: readonly StreamsRow[], usual: readonly StreamsRow[] = WEEK) =>
  lostStreams(now, usual).map(({ how, name, lost, streams }) => [how, name, lost, streams]);

test('more than its own usual: cuts of a deployment, readers of a protocol, deaths of all, the dearest first', () => {
  const now = [
    row(SSE, 'ok', 200),
    row(SSE, 'truncated', 12, { costNanoUsd: nanoUsd(310_000_000n), estimatedNanoUsd: nanoUsd(1n) }),
    row(['ws', 'q/m'], 'ok', 60),
    row(['ws', 'q/m'], 'client_gone', 30),
    row(['ws', 'q/m'], 'abandoned', 10),
    row(['ws', 'q/m'], 'interrupted', 9),
  ];
  const usual = [...WEEK, row(['ws', 'q/m'], 'ok', 900), row(['ws', 'q/m'], 'client_gone', 20)];
  assert.deepEqual(found(now, usual), [
    ['cut', 'p/m', 12, 212],
    ['left', 'ws', 40, 109],
    ['died', null, 9, 321],
  ]);
  const texts = lostStreams(now, usual).map((lost) => ofLostStreams(lost, '1h'));
  assert.deepEqual(
    texts.map(({ grade, text }) => [grade, text]),
    [
      [
        'warn',
        'Deployment p/m: 12 of 212 streams (5.7 %) were cut by their provider before the end, usually 0.2 % of 10,000; ≈$0.31 paid in vain.',
      ],
      [
        'bad',
        'Streams over ws: 40 of 109 streams (36.7 %) lost their reader before the end, usually 2.2 % of 920; at most $0.04 paid in vain.',
      ],
      ['warn', '9 of 321 streams (2.8 %) died with a gate, usually none of 10,920; $0.009 paid in vain.'],
    ],
  );
});

test('too little says nothing: few streams, few losses, and readers that leave without a usual', () => {
  assert.deepEqual(found([row(SSE, 'ok', 5), row(SSE, 'truncated', 14)]), [], 'nineteen streams');
  assert.deepEqual(found([row(SSE, 'ok', 20), row(SSE, 'truncated', 2)], [row(SSE, 'ok', 1e6)]), [], 'two losses');
  const now = [row(SSE, 'ok', 50), row(SSE, 'client_gone', 50)];
  assert.deepEqual(found(now, [row(SSE, 'ok', 99)]), [], 'no usual for readers');
  assert.deepEqual(found(now).length, 1);
  const cut = [row(SSE, 'ok', 80), row(SSE, 'truncated', 20)];
  assert.deepEqual(found(cut, []), [['cut', 'p/m', 20, 100]], 'plainly bad without a usual');
  assert.match(ofLostStreams(lostStreams(cut, [])[0]!, '1h').text, /with no usual to compare/);
});

test('no price is no zero', () => {
  const now = [row(SSE, 'ok', 80), row(SSE, 'truncated', 20, { costNanoUsd: nanoUsd(0n), unknownCostStreams: 20 })];
  assert.match(ofLostStreams(lostStreams(now, WEEK)[0]!, '1h').text, /; an unknown sum paid in vain\.$/);
});

test('what is usual raises no alarm: a thousand looks at even traffic', () => {
  const rng = seededRng(5);
  let alarms = 0;
  for (let i = 0; i < 1_000; i++) {
    const draws = Array.from({ length: 300 }, () => rng.next());
    const [left, cut] = [draws.filter((one) => one < 0.03).length, draws.filter((one) => one > 0.99).length];
    const now = [row(SSE, 'ok', 300 - left - cut), row(SSE, 'client_gone', left), row(SSE, 'truncated', cut)];
    const usual = [row(SSE, 'ok', 9_600), row(SSE, 'client_gone', 300), row(SSE, 'truncated', 100)];
    if (lostStreams(now, usual).length > 0) alarms++;
  }
  assert.ok(alarms <= 3, `${alarms} of 1000`);
});
