import assert from 'node:assert/strict';
import { test } from 'node:test';
import { verdictText } from './judge.ts';
import { runConservation } from './run.ts';

/** Other sizes by hand: `HEADGATE_CONSERVATION=calls:seed:kills`, or the program run.ts. */
const [CALLS = 10_000, SEED = 20261124, KILLS = 8] = (process.env['HEADGATE_CONSERVATION'] ?? '')
  .split(':')
  .filter(Boolean)
  .map(Number);

test(`${CALLS} calls, random faults, ${KILLS} deaths: each call one entry, each request one attempt (seed ${SEED})`, async (t) => {
  const run = await runConservation({ calls: CALLS, seed: SEED, kills: KILLS, say: (line) => t.diagnostic(line) });
  t.diagnostic(`seed ${SEED}, ${run.kills} deaths, ${Math.round(run.durationMs)} ms`);
  verdictText(run.verdict)
    .split('\n')
    .forEach((line) => t.diagnostic(line));
  assert.deepEqual([...run.verdict.broken], []);
  assert.deepEqual(run.rollupFaults, []);
  assert.deepEqual(run.spendFaults, []);
  assert.ok(run.kills >= KILLS);
  assert.ok((run.verdict.counts['calls complete'] ?? 0) > CALLS / 4, 'most of the run was spent alive');
});
