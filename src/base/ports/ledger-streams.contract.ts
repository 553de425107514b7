import assert from 'node:assert/strict';
import { test } from 'node:test';
import { epochMs, type TenantId } from '#kernel/brand.ts';
import { callId } from '#kernel/ids.ts';
import { concerns } from '#kernel/whose.ts';
import { intBetween, seededRng, type Rng } from '#kernel/rng.ts';
import type { CancelledBy, LedgerEntry, OutcomeStatus } from './entry.ts';
import { EVER, laterSumTests, samples, shipInParts, START } from './later-sums.contract.ts';
import type { LedgerStore } from './ledger-store.ts';
import { sampleEntry } from './ledger-store.samples.ts';
import type { StreamEnding, StreamsQuestion, StreamsRow } from './stream-sums.ts';

const [MINUTE, HOUR, DAY] = [60_000, 3_600_000, 86_400_000];
const SEED = 20_261_126;

/** Each way in which a stream ends, as the gate writes it, and what the report calls it. Stated here a second time. */
const ENDS: readonly (readonly [StreamEnding, OutcomeStatus, CancelledBy | null, string | null])[] = [
  ['ok', 'ok', null, null],
  ['truncated', 'truncated', null, 'stream_truncated'],
  ['interrupted', 'interrupted', null, null],
  ['failed', 'provider_error', null, 'overloaded_error'],
  ['failed', 'timeout', null, 'idle'],
  ['client_gone', 'cancelled', 'client', 'client_closed'],
  ['abandoned', 'cancelled', 'client', 'abandoned'],
  ['cancelled', 'cancelled', 'client', 'client_cancelled'],
  ['operator', 'cancelled', 'operator', 'operator_cancelled'],
  ['budget', 'cancelled', 'budget', 'budget_exceeded'],
];
const endOf = (entry: LedgerEntry): StreamEnding =>
  entry.redriveOf !== null && entry.status === 'ok' ? 'redriven' : plainEndOf(entry);
const plainEndOf = (entry: LedgerEntry): StreamEnding =>
  ENDS.find(
    ([, status, by, code]) =>
      status === entry.status && by === entry.cancelledBy && (status !== 'cancelled' || code === entry.errorCode),
  )![0];

function sample(rng: Rng, at: number, fields: Partial<LedgerEntry> = {}): LedgerEntry {
  const [, status, cancelledBy, errorCode] = ENDS[intBetween(rng, 0, ENDS.length - 1)]!;
  const client = [null, 'openai-python', 'curl', 'claude-cli'][intBetween(rng, 0, 3)]!;
  const protocol = (['sse', 'ws', 'grpc'] as const)[intBetween(rng, 0, 2)]!;
  const own = { status, cancelledBy, errorCode, client, protocol, resumes: Math.max(0, intBetween(rng, -3, 3)) };
  return sampleEntry(rng, at, { ...own, ...fields });
}

const QUESTIONS: readonly (Partial<StreamsQuestion> & Pick<StreamsQuestion, 'by'>)[] = [
  { by: [] },
  { by: ['protocol'] },
  { by: ['tenant', 'client'] },
  { by: ['model', 'feature', 'deployment', 'environment'] },
  { by: ['client'], whose: 'ten_"' as TenantId, protocol: 'ws' },
  { by: ['protocol'], client: 'curl', feature: 'search' },
  { by: [], model: 'small', environment: 'staging', deployment: 'openai/gpt-4o' },
];
type Open = () => Promise<LedgerStore>;

export function streamTests(open: Open): void {
  laterSumTests({ what: 'streams', open, seed: SEED, sample, correction, questions: QUESTIONS, compare });

  test('two windows that meet within an hour of which there are no entries share nothing and lose nothing', async () => {
    const [store, rng] = [await open(), seededRng(SEED + 2)];
    await shipInParts(store, samples(rng, 300, sample));
    const limit = epochMs(START + 2 * DAY + 3 * HOUR);
    await store.retain({ entriesBefore: limit, minutesBefore: limit });
    const cut = epochMs(START + DAY + 30 * MINUTE + 1);
    const parts = [
      ...(await store.streams({ ...EVER, to: cut, by: ['tenant'] })).rows,
      ...(await store.streams({ ...EVER, from: cut, by: ['tenant'] })).rows,
    ];
    const whole = (await store.streams({ ...EVER, by: ['tenant'] })).rows;
    const count = (rows: readonly StreamsRow[]): number => rows.reduce((all, { streams }) => all + streams, 0);
    assert.equal(count(parts), count(whole));
  });

  test('the money of streams and of other calls is the money of all', async () => {
    const [store, rng] = [await open(), seededRng(SEED + 3)];
    const entries = samples(rng, 300, sample);
    await shipInParts(store, entries);
    const tenant = 'ten_a' as TenantId;
    const [all] = await store.spend({ ...EVER, by: [], whose: tenant });
    const { rows } = await store.streams({ ...EVER, by: ['client'], whose: tenant });
    const others = entries.filter((entry) => entry.tenant === tenant && !entry.stream);
    const money = (values: readonly (bigint | undefined)[]): bigint =>
      values.reduce<bigint>((a, b) => a + (b ?? 0n), 0n);
    const ofOthers = money(others.map(({ cost }) => cost?.total));
    assert.equal(money(rows.map(({ costNanoUsd }) => costNanoUsd)) + ofOthers, all!.costNanoUsd);
    assert.equal(rows.reduce((sum, { streams }) => sum + streams, 0) + others.length, all!.calls);
  });
}

const correction = (rng: Rng, entry: LedgerEntry, madeAt: number): LedgerEntry =>
  sample(rng, entry.at, { id: callId(epochMs(madeAt), rng), corrects: entry.id });

async function compare(store: LedgerStore, entries: readonly LedgerEntry[], question: StreamsQuestion): Promise<void> {
  const { rows } = await store.streams(question);
  assert.deepEqual(byName(rows), byName(expected(entries, question)), JSON.stringify(question));
  const costs = rows.map(({ costNanoUsd }) => costNanoUsd);
  assert.deepEqual(
    costs,
    costs.toSorted((a, b) => (a > b ? -1 : 1)),
  );
}

const nameOf = ({ by, ending, resumed }: StreamsRow): string => JSON.stringify([by, ending, resumed]);
const byName = (rows: readonly StreamsRow[]): StreamsRow[] => rows.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));

function expected(entries: readonly LedgerEntry[], question: StreamsQuestion): StreamsRow[] {
  const value = (entry: LedgerEntry, name: StreamsQuestion['by'][number]): string | null =>
    name === 'model' ? entry.modelAsked : entry[name];
  const { from, to, by, whose, ...filter } = question;
  const wanted = Object.entries(filter) as [StreamsQuestion['by'][number], string][];
  const found = entries.filter(
    (entry) =>
      entry.stream &&
      entry.at >= from &&
      entry.at < to &&
      concerns(whose, entry.tenant) &&
      wanted.every(([name, one]) => value(entry, name) === one),
  );
  const groups = Map.groupBy(found, (entry) =>
    JSON.stringify([by.map((name) => value(entry, name)), endOf(entry), entry.resumes > 0]),
  );
  return [...groups].map(([name, group]) => {
    const [values, ending, resumed] = JSON.parse(name) as [(string | null)[], StreamEnding, boolean];
    const guessed = group.filter(({ usageSource }) => usageSource === 'estimated');
    const tokens = (of: readonly LedgerEntry[]) => of.reduce((sum, { usage }) => sum + (usage.outputTokens ?? 0), 0);
    const money = (of: readonly LedgerEntry[]) => of.reduce((sum, { cost }) => sum + (cost?.total ?? 0n), 0n);
    return {
      ...{ by: values, ending, resumed, streams: group.length },
      resumes: group.reduce((sum, { resumes }) => sum + resumes, 0),
      ...{ outputTokens: tokens(group), estimatedOutputTokens: tokens(guessed) },
      ...{ costNanoUsd: money(group), estimatedNanoUsd: money(guessed) },
      unknownCostStreams: group.filter(({ cost }) => cost === null).length,
      totalMs: group.reduce((sum, { timing }) => sum + Math.round(timing.totalMs ?? 0), 0),
    } as unknown as StreamsRow;
  });
}
