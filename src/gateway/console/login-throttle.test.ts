import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LoginThrottle } from './login-throttle.ts';

const fail = (throttle: LoginThrottle, address: string, times: number, now = 0): void => {
  for (let i = 0; i < times; i++) throttle.failed(address, now);
};

test('a few mistakes cost nothing, then the wait doubles up to a quarter of an hour', () => {
  const throttle = new LoginThrottle();
  fail(throttle, 'a', 4);
  assert.equal(throttle.waitMs('a', 0), 0);
  const waits = Array.from({ length: 14 }, () => {
    throttle.failed('a', 0);
    return throttle.waitMs('a', 0);
  });
  assert.deepEqual(waits.slice(0, 4), [1_000, 2_000, 4_000, 8_000]);
  assert.equal(waits.at(-1), 15 * 60_000);
  assert.equal(throttle.waitMs('a', 15 * 60_000), 0);
});

test('another address is not held up, but many addresses together are', () => {
  const throttle = new LoginThrottle();
  fail(throttle, 'a', 10);
  assert.equal(throttle.waitMs('b', 0), 0);
  for (let i = 0; i < 50; i++) throttle.failed(`10.0.0.${i}`, 0);
  assert.ok(throttle.waitMs('b', 0) > 0);
  for (let i = 0; i < 5_000; i++) throttle.failed(`10.1.${i % 256}.${i >> 8}`, 0);
  assert.equal(throttle.waitMs('b', 0), 10_000, 'the operator gets in between');
});

test('a login and an hour of peace forget', () => {
  const throttle = new LoginThrottle();
  fail(throttle, 'a', 8);
  assert.equal(throttle.waitMs('a', 3_600_001), 0);
  throttle.succeeded('a');
  assert.equal(throttle.waitMs('a', 0), 0);
});

test('a million addresses take no more memory than a thousand', () => {
  const throttle = new LoginThrottle();
  fail(throttle, 'first', 9);
  for (let i = 0; i < 5_000; i++) throttle.failed(String(i), 0);
  // The first was forgotten; the common count still holds everybody.
  assert.ok(throttle.waitMs('first', 0) > 0);
});
