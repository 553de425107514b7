import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createParser } from 'eventsource-parser';
import { faultRun } from './faults/fault-run.ts';
import { overSse } from './faults/stubborn-reader.ts';

const SEED = 20261126;

test(`a network that breaks and a gate that is killed: the exact text or interrupted, nothing paid twice (seed ${SEED})`, async (t) => {
  const result = await faultRun({ seed: SEED, streams: 120, kills: 2, protocols: { sse: overSse(createParser) } });
  t.diagnostic(JSON.stringify(result));
  assert.deepEqual(result.wrong, []);
  assert.equal(result.gaveUp, 0);
  assert.equal(result.spentTwice, 0);
  assert.equal(result.whole + result.interrupted + result.gone, result.streams);
  assert.ok(result.whole > result.streams / 3, 'most connections break, and most answers are whole all the same');
});
