import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearest } from './did-you-mean.ts';
import { anthropicErrorBody, cliError, errorHeaders, openaiErrorBody } from './error-render.ts';
import { ERRORS, HeadgateError, type ErrorCode } from './errors.ts';

const codes = Object.keys(ERRORS) as ErrorCode[];

test('every row says what happened and how to mend it', () => {
  for (const code of codes) {
    const { status, message, hint } = ERRORS[code];
    assert.ok(status >= 400 && status < 600, code);
    assert.match(message, /^[A-Z].*\.$/, code);
    assert.match(hint, /\.$/, code);
  }
});

test('a cause never reaches the wire', () => {
  for (const code of codes) {
    const error = new HeadgateError(code, {}, new Error('secret-cause'));
    const wire = JSON.stringify([
      openaiErrorBody(error),
      anthropicErrorBody(error, 'call_1'),
      errorHeaders(error),
      cliError(error),
    ]);
    assert.ok(!wire.includes('secret-cause'), code);
  }
});

test('what cannot succeed by retrying says so in the header that SDKs obey', () => {
  for (const code of codes) {
    const headers = errorHeaders(new HeadgateError(code, { retryAfterMs: 1_500 }));
    assert.equal(headers['x-should-retry'], ERRORS[code].retryable ? undefined : 'false', code);
    assert.equal(headers['retry-after-ms'], '1500');
    assert.equal(headers['retry-after'], '2');
  }
});

test('near names: a slip, a swap, a missing tail; nothing where nothing is near', () => {
  const known = ['gpt-5', 'gpt-5-mini', 'claude-sonnet-4-5', 'text-embedding-3-small'];
  assert.deepEqual(nearest('gtp-5', known)[0], 'gpt-5');
  assert.ok(nearest('claude-sonnet', known).includes('claude-sonnet-4-5'));
  assert.deepEqual(nearest('zzzzzzzz', known), []);
  assert.deepEqual(nearest('x'.repeat(10_000), known), []);
});
