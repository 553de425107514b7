import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { GRPC_CODES, RETRYABLE_GRPC_CODES, grpcCodeOf, grpcStatus, grpcTrailers, statusBytes } from './error-grpc.ts';
import { ERRORS, HeadgateError, type ErrorCode } from './errors.ts';

const codes = Object.keys(ERRORS) as ErrorCode[];

/**
 * What protoc 3.21.12 makes of the same status in text format, with google/rpc/status.proto and error_details.proto:
 * `protoc --deterministic_output --encode=google.rpc.Status`, in base64.
 */
const PROTOC =
  'CAgSSFNwZW50OiAyMCDigqwgb2Yg4oCeYWNtZeKAnCAxMDAlLiBSZXRyeSBhZnRlciB0aGUgdGltZSBpbiBgcmV0cnktYWZ0ZXJgLhqGAQoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLkVycm9ySW5mbxJaCg1CVURHRVRfV0lORE9XEgxoZWFkZ2F0ZS5kZXYaDwoFYWN0b3ISBmNhbGxlchoOCghsaW1pdFVzZBICMjAaDwoFc2NvcGUSBnRlbmFudBoJCgR1c2VkEgEzGjYKKHR5cGUuZ29vZ2xlYXBpcy5jb20vZ29vZ2xlLnJwYy5SZXRyeUluZm8SCgoICD0QwM7y7gEaWQopdHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLkJhZFJlcXVlc3QSLAoqCgVtb2RlbBIhU3BlbnQ6IDIwIOKCrCBvZiDigJ5hY21l4oCcIDEwMCUu';
/** SHA-256 of the same for code 14 and a message of 20,000 times x: lengths of three bytes. */
const PROTOC_LONG = '13a2d34395a615d5b9d70d7a145e44d553666a3facdb68c0d4da2758315f674b';

const spent = new HeadgateError('budget_window', {
  message: 'Spent: 20 € of „acme“ 100%.',
  retryAfterMs: 61_500.2,
  field: 'model',
  facts: { scope: 'tenant', limitUsd: '20', used: 3, reset: null },
});

test('the bytes of a status are those that protoc writes', () => {
  assert.equal(grpcTrailers(spent)['grpc-status-details-bin'], PROTOC);
  const long = statusBytes({ code: 14, message: 'x'.repeat(20_000), details: [] });
  assert.equal(createHash('sha256').update(long).digest('hex'), PROTOC_LONG);
});

test('every row maps to a code, and exactly the retryable ones to a code that clients retry', () => {
  for (const code of codes) {
    const error = new HeadgateError(code);
    const name = grpcCodeOf(error);
    assert.ok(GRPC_CODES[name] > 0, code);
    // The client's own deadline is over for its retries as well: the push-back of -1 says so beside gRPC's word for it.
    if (code !== 'deadline_exceeded')
      assert.equal(RETRYABLE_GRPC_CODES.has(name), ERRORS[code].retryable, `${code} is ${name}`);
    assert.equal(grpcTrailers(error)['grpc-retry-pushback-ms'], ERRORS[code].retryable ? undefined : '-1', code);
  }
});

test('the table’s code is the reason, in the form that google.rpc asks for', () => {
  for (const code of codes) {
    const [info] = grpcStatus(new HeadgateError(code)).details;
    assert.ok(info && 'reason' in info);
    assert.equal(info.reason.toLowerCase(), code);
    assert.match(info.reason, /^[A-Z][A-Z0-9_]{0,61}[A-Z0-9]$/);
    assert.equal(info.metadata['actor'], ERRORS[code].actor);
  }
});

test('a wait is told only where a retry may help', () => {
  for (const code of codes) {
    const error = new HeadgateError(code, { retryAfterMs: 1_500 });
    const told = grpcStatus(error).details.some((detail) => 'retryDelay' in detail && detail.retryDelay === '1.5s');
    assert.equal(told, ERRORS[code].retryable, code);
    assert.equal(grpcTrailers(error)['grpc-retry-pushback-ms'], ERRORS[code].retryable ? '1500' : '-1', code);
  }
});

test('a cause never reaches the trailers', () => {
  for (const code of codes) {
    const trailers = grpcTrailers(new HeadgateError(code, {}, new Error('secret-cause')));
    const bytes = Buffer.from(trailers['grpc-status-details-bin']!, 'base64').toString('latin1');
    assert.ok(!JSON.stringify(trailers).includes('secret-cause') && !bytes.includes('secret-cause'), code);
  }
});

test('any message comes back from its trailer, which is visible ASCII', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (message) => {
      const text = grpcTrailers(new HeadgateError('internal', { message }))['grpc-message']!;
      assert.match(text, /^[\x20-\x7e]*$/);
      assert.equal(decodeURIComponent(text), `${message} ${ERRORS.internal.hint}`);
    }),
  );
});
