import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createParser } from 'eventsource-parser';
import { redisSkip, startRedis } from '../harness/redis-server.ts';
import { faultRun } from './faults/fault-run.ts';
import { overSse } from './faults/stubborn-reader.ts';

const SEED = 20261127;

test(
  `the same on logs in Valkey: the exact text or interrupted, and no answer is lost with a gate (seed ${SEED})`,
  { skip: redisSkip },
  async (t) => {
    const redis = await startRedis();
    const logs = { kind: 'valkey', url: redis.url, lease: '2s' };
    const protocols = { sse: overSse(createParser) };
    const result = await faultRun({ seed: SEED, streams: 90, kills: 2, logs, protocols }).finally(() => redis.kill());
    t.diagnostic(JSON.stringify(result));
    assert.deepEqual(result.wrong, []);
    assert.equal(result.gaveUp, 0);
    assert.equal(result.gone, 0, 'what was whole is still there');
    assert.equal(result.spentTwice, 0);
    assert.equal(result.whole + result.interrupted, result.streams);
    assert.ok(result.whole > result.streams / 3, 'most connections break, and most answers are whole all the same');
  },
);
