import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Attempt, LedgerEntry } from '#ports/entry.ts';
import { healthOf } from './provider-health.ts';

const attempt = (provider: string, status: Attempt['status'], headersMs: number | null, startedMs = 0): Attempt =>
  ({
    n: 1,
    provider,
    deployment: `${provider}/m`,
    status,
    startedMs,
    timing: { headersMs },
    httpStatus: 529,
    errorCode: 'busy',
  }) as never;
const call = (id: string, at: number, ...attempts: Attempt[]): LedgerEntry => ({ id, at, attempts }) as never;

test('a call counts at each provider that it tried, and a caller who left is nobody’s failure', () => {
  const health = healthOf([
    call('call_3', 3_000, attempt('b', 'cancelled', 10)),
    call('call_2', 2_000, attempt('a', 'provider_error', null), attempt('b', 'ok', 20, 500)),
    call('call_1', 1_000, attempt('a', 'timeout', null)),
  ]);
  const [a, b] = [health.get('a')!, health.get('b')!];
  assert.deepEqual([a.attempts, a.failed, a.headersMs, a.lastOkAt], [2, 2, null, null]);
  assert.deepEqual(
    a.lastErrors.map(({ call: id, status }) => [id, status]),
    [
      ['call_2', 'provider_error'],
      ['call_1', 'timeout'],
    ],
  );
  assert.deepEqual([b.attempts, b.failed, b.headersMs], [2, 0, { p50: 10, p99: 20 }]);
  assert.equal(b.lastOkAt, new Date(2_500).toISOString());
});
