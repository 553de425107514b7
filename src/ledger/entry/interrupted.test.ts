import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nanoUsd, sumUsd } from '#kernel/money.ts';
import { seededRng } from '#kernel/rng.ts';
import type { Cost } from '#ports/entry.ts';
import type { AttemptStart, OpenCall } from './admission.ts';
import { interruptedEntry } from './interrupted.ts';
import { sampleAdmission, sampleAttempt, sampleEntry, sampleStart } from './samples.ts';

const call = (stream: boolean, more: Partial<OpenCall> = {}): OpenCall => ({
  admission: {
    ...sampleAdmission(seededRng(7), 1, stream),
    estimatedInputTokens: 100,
    reservedNanoUsd: nanoUsd(700_000n),
  },
  attempts: [sampleStart()],
  marks: [],
  ...more,
});

const partsOf = (cost: Cost) => sumUsd([cost.input, cost.cachedRead, cost.cacheWrite, cost.output, cost.other]);

test('a unary call is charged its whole reservation', () => {
  const entry = interruptedEntry(call(false));
  assert.equal(entry.status, 'interrupted');
  assert.equal(entry.usageSource, 'estimated');
  assert.equal(entry.cost?.total, 700_000n);
  assert.equal(entry.cost?.input, 15_000n);
  assert.deepEqual(
    entry.attempts.map(({ n, status }) => [n, status]),
    [[1, 'interrupted']],
  );
});

test('a stream is charged its input, its last mark and a second at its pace', () => {
  const marks = [
    { outputTokens: 50, textBytes: 200, atMs: 1000.25 },
    { outputTokens: 130, textBytes: 520, atMs: 2000.25 },
  ];
  const entry = interruptedEntry(call(true, { marks }));
  // 80 tokens in the last second are more than 130 in two.
  assert.equal(entry.usage.outputTokens, 210);
  assert.equal(entry.cost?.total, 15_000n + 210n * 600n);
  assert.equal(entry.bytesOut, 520);
});

test('a mark without tokens counts four bytes as one', () => {
  const marks = [
    { outputTokens: null, textBytes: 200, atMs: 500.25 },
    { outputTokens: null, textBytes: 401, atMs: 1000.25 },
  ];
  // 51 tokens in the last half second are 102 in one.
  assert.equal(interruptedEntry(call(true, { marks })).usage.outputTokens, 203);
});

test('a stream that died before its second mark is charged what was reserved, or more where more has come', () => {
  const one = [{ outputTokens: 50, textBytes: 200, atMs: 1000.25 }];
  for (const marks of [[], one]) assert.equal(interruptedEntry(call(true, { marks })).cost?.total, 700_000n);
  const much = [{ outputTokens: 2000, textBytes: 8000, atMs: 1000.25 }];
  assert.equal(interruptedEntry(call(true, { marks: much })).cost?.total, 15_000n + 4000n * 600n);
});

test('a stream whose worst case is reserved is charged it, however far it was', () => {
  const marks = [1, 2].map((n) => ({ outputTokens: 50 * n, textBytes: 200 * n, atMs: 1000 * n + 0.25 }));
  const strict = call(true, { marks });
  const worst = strict.admission.worstCostNanoUsd!;
  const entry = interruptedEntry({ ...strict, admission: { ...strict.admission, reservedNanoUsd: worst } });
  assert.equal(entry.cost?.total, worst);
});

test('an estimate never passes the limit that went upstream', () => {
  const marks = [{ outputTokens: 4000, textBytes: 16000, atMs: 1000 }];
  assert.equal(interruptedEntry(call(true, { marks })).usage.outputTokens, 4096);
});

test('a call that sent nothing costs nothing', () => {
  const entry = interruptedEntry(call(false, { attempts: [] }));
  assert.equal(entry.cost?.total, 0n);
  assert.equal(entry.usageSource, 'none');
  assert.equal(entry.usage.inputTokens, null);
});

test('an unknown price stays unknown', () => {
  const { admission } = call(false);
  const entry = interruptedEntry(call(false, { admission: { ...admission, price: null } }));
  assert.equal(entry.cost, null);
  assert.equal(entry.priceVersion, null);
  assert.equal(entry.reservedNanoUsd, 700_000n);
});

test('attempts that ended are told as they ended, and a top-up counts', () => {
  const cost = sampleEntry(call(false).admission, seededRng(3)).cost!;
  const finished = [{ ...sampleAttempt(sampleStart(1), 10, cost), status: 'timeout' as const }];
  const second: AttemptStart = { ...sampleStart(2), reservedNanoUsd: nanoUsd(2_000_000n), finished };
  const entry = interruptedEntry(call(false, { attempts: [sampleStart(1), second] }));
  assert.deepEqual(
    entry.attempts.map(({ status }) => status),
    ['timeout', 'interrupted'],
  );
  assert.equal(entry.reservedNanoUsd, 2_000_000n);
  assert.equal(entry.cost?.total, 2_000_000n, 'all that was reserved, the first attempt included');
});

test('parts sum to the whole, attempts to the call, and twice gives the same', () => {
  const mark = fc.record({ outputTokens: fc.option(fc.nat(9000)), textBytes: fc.nat(99999), atMs: fc.nat(600_000) });
  fc.assert(
    fc.property(fc.boolean(), fc.nat(4), fc.array(mark, { maxLength: 2 }), (stream, attempts, marks) => {
      const open = call(stream, { marks, attempts: Array.from({ length: attempts }, (_, n) => sampleStart(n + 1)) });
      const entry = interruptedEntry(open);
      assert.deepEqual(interruptedEntry(structuredClone(open)), entry);
      assert.equal(entry.cost!.total, partsOf(entry.cost!));
      assert.equal(entry.cost!.total, sumUsd(entry.attempts.map((attempt) => attempt.cost!.total)));
      assert.ok(entry.attempts.every((attempt) => Number.isSafeInteger(attempt.usage?.outputTokens ?? 0)));
    }),
  );
});
