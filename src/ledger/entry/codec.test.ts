import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nanoUsd } from '#kernel/money.ts';
import type { NanoUsd } from '#kernel/money.ts';
import { seededRng } from '#kernel/rng.ts';
import { NO_USAGE } from '#wire/usage.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import type { Admission, AttemptStart } from './admission.ts';
import { decodeEntry, encodeEntry } from '#ports/entry-text.ts';
import {
  decodeAdmission,
  decodeAttempt,
  decodeProgress,
  encodeAdmission,
  encodeAttempt,
  encodeProgress,
} from './open-call-codec.ts';
import { sampleAdmission, sampleAttempt, sampleEntry, sampleId, sampleStart } from './samples.ts';

const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }));
const nullable = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(arbitrary, { nil: null });
const count = fc.nat();
const duration = fc.double({ min: 0, max: 1e9, noNaN: true }).map((ms) => ms + 0);
const money = fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }).map(nanoUsd) as fc.Arbitrary<NanoUsd>;
const cost = fc.record(
  {
    input: money,
    cachedRead: money,
    cacheWrite: money,
    output: money,
    other: money,
    total: money,
  },
  { noNullPrototype: true },
);
const usage = fc.record(
  {
    inputTokens: nullable(count),
    cachedReadTokens: nullable(count),
    cacheWriteTokens: nullable(count),
    cacheWrite1hTokens: nullable(count),
    inputAudioTokens: nullable(count),
    inputImageTokens: nullable(count),
    outputTokens: nullable(count),
    reasoningTokens: nullable(count),
    outputAudioTokens: nullable(count),
    outputImageTokens: nullable(count),
    units: fc.dictionary(text, count, { noNullPrototype: true }),
    toolUses: fc.dictionary(text, count, { noNullPrototype: true }),
    serviceTier: nullable(text),
    speed: nullable(text),
    inferenceGeo: nullable(text),
    statedCostUsd: nullable(text),
  },
  { noNullPrototype: true },
);

const base = sampleAdmission(seededRng(1), 1);
const entryBase = sampleEntry(base, seededRng(1));

/** Each field of the sample replaced, or not, by any value of its kind. */
const entries: fc.Arbitrary<LedgerEntry> = fc
  .record({
    strings: fc.array(nullable(text), { minLength: 28, maxLength: 28 }),
    labels: fc.dictionary(text, text, { noNullPrototype: true }),
    usage,
    cost: nullable(cost),
    attemptCost: nullable(cost),
    attemptUsage: nullable(usage),
    money: fc.tuple(nullable(money), money),
    times: fc.array(nullable(duration), { minLength: 12, maxLength: 12 }),
    flags: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
    dropped: fc.array(text),
    attempts: fc.nat(3),
  })
  .map(({ strings: s, times: t, flags: f, ...values }) => {
    const attempt = {
      ...sampleAttempt(sampleStart(), 7, entryBase.cost!),
      cost: values.attemptCost,
      usage: values.attemptUsage,
      errorCode: s[0]!,
      upstreamRequestId: s[1]!,
      timing: { connectedMs: t[0]!, headersMs: t[1]!, firstTokenMs: t[2]!, lastTokenMs: t[3]!, doneMs: t[4]! },
    };
    return {
      ...entryBase,
      ...{ team: s[2], feature: s[3], endUser: s[4], session: s[5], agent: s[6], parentAgent: s[7], traceId: s[8] },
      ...{
        client: s[9],
        clientVersion: s[10],
        retryOf: s[11],
        redriveOf: s[11] as LedgerEntry['redriveOf'],
        purpose: s[12],
        modelReturned: s[13],
      },
      ...{ deployment: s[14], provider: s[15], fingerprint: s[16], priceVersion: s[17], interToken: s[18] },
      ...{
        errorCode: s[19],
        finish: s[20],
        templateHash: s[21],
        prefixHash: s[22],
        configHash: s[23],
        corrects: s[24],
      },
      movedFrom: s[25],
      moveCostNanoUsd: s[25] === null ? null : values.money[0],
      labels: values.labels,
      usage: values.usage,
      cost: values.cost,
      savedCostNanoUsd: values.money[0],
      cacheHit:
        s[26] === null
          ? null
          : {
              ...{ call: s[26], ageMs: t[11], usage: values.usage, cost: values.cost, priceVersion: s[27] },
              collapsed: f[0],
            },
      reservedNanoUsd: values.money[1],
      timing: {
        ...{
          queuedMs: t[5],
          connectedMs: t[6],
          headersMs: t[7],
          firstTokenMs: t[8],
          lastTokenMs: t[9],
          totalMs: t[10],
        },
      },
      ...{ truncated: f[0], degraded: f[1], shed: f[2], stream: f[3] },
      dropped: values.dropped,
      attempts: Array.from({ length: values.attempts }, (_, index) => ({ ...attempt, n: index + 1 })),
    } as unknown as LedgerEntry;
  });

test('an entry comes back from its text as it was', () => {
  fc.assert(fc.property(entries, (entry) => assert.deepEqual(decodeEntry(encodeEntry(entry)), entry)));
});

test('every field of an entry is in its text', () => {
  // A sample in which no field is null, so that a forgotten one shows.
  const full = {
    ...entryBase,
    corrects: sampleId(seededRng(2), 2),
    savedCostNanoUsd: nanoUsd(5n),
    cancelledBy: 'client',
  };
  const back = decodeEntry(encodeEntry(full as LedgerEntry));
  assert.deepEqual(Object.keys(back).sort(), Object.keys(entryBase).sort());
  assert.deepEqual(back, full);
});

test('an admission and its attempts come back as they were', () => {
  const start: AttemptStart = {
    ...sampleStart(2),
    price: base.price,
    reservedNanoUsd: nanoUsd(2n ** 70n),
    finished: [sampleAttempt(sampleStart(1), 3, entryBase.cost!)],
  };
  fc.assert(
    fc.property(fc.boolean(), nullable(count), text, nullable(money), (stream, tokens, session, worst) => {
      const admission: Admission = {
        ...base,
        ...{ stream, session, worstCostNanoUsd: worst, price: tokens === null ? null : base.price },
        ...{ estimatedInputTokens: tokens, reservedOutputTokens: tokens, maxOutputTokens: tokens },
      };
      assert.deepEqual(decodeAdmission(encodeAdmission(admission, start)), { admission, first: start });
      assert.deepEqual(decodeAdmission(encodeAdmission(admission, null)), { admission, first: null });
    }),
  );
  assert.deepEqual(decodeAttempt(encodeAttempt(base.id, start)), start);
  for (const mark of [
    { outputTokens: null, textBytes: 12, atMs: 1000.5 },
    { outputTokens: 0, textBytes: 0, atMs: 0 },
  ]) {
    assert.deepEqual(decodeProgress(encodeProgress(base.id, mark)), mark);
  }
});

test('a row with fewer fields than today is read, with null for the missing ones', () => {
  const entry = { ...entryBase, usage: NO_USAGE, labels: {} };
  const [head, dims, rest] = encodeEntry(entry)
    .split('\n')
    .map((line) => JSON.parse(line) as unknown[]);
  const textOf = (lines: readonly (readonly unknown[])[]): string =>
    lines.map((line) => JSON.stringify(line)).join('\n');
  assert.deepEqual(decodeEntry(textOf([head!.slice(0, -1), dims!, rest!])), entry);
  assert.deepEqual(decodeEntry(textOf([head!, dims!, rest!.slice(0, -1)])), entry, 'from before there were layers');
  const later = 'a field of a later version';
  assert.deepEqual(decodeEntry(textOf([[...head!, later], dims!, [...rest!, later]])), entry);
});
