import assert from 'node:assert/strict';
import { test } from 'node:test';
import { goDuration } from './limit-headers.ts';

test('durations are written as OpenAI writes them', () => {
  const written = [0, 0.2, 20, 999, 1_000, 1_500, 60_000, 61_250, 360_000, 3_600_000, 86_400_000, -5].map(goDuration);
  assert.deepEqual(written, [
    ...['0s', '1ms', '20ms', '999ms', '1s', '1.5s', '1m0s', '1m1.25s', '6m0s', '1h0m0s', '24h0m0s', '0s'],
  ]);
});
