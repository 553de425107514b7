import assert from 'node:assert/strict';
import { test } from 'node:test';
import { epochMs } from '#kernel/brand.ts';
import { everyTenant } from '#kernel/whose.ts';
import { intBetween, seededRng, type Rng } from '#kernel/rng.ts';
import { shipped } from './entry-text.ts';
import type { LedgerEntry } from './entry.ts';
import type { LedgerStore } from './ledger-store.ts';

const [MINUTE, HOUR, DAY] = [60_000, 3_600_000, 86_400_000];
/** First instant of the samples. */
export const START = Date.UTC(2026, 7, 3);
/** Holds all samples and their corrections. */
export const EVERY = everyTenant('a test');
export const EVER = { whose: EVERY, from: epochMs(START - 40 * DAY), to: epochMs(START + 40 * DAY) };

/** Windows from {@link START}: whole, within days, within hours, with bits of an hour at each end, empty. */
type Window = readonly [from: number, to: number];
const WINDOWS: readonly Window[] = [
  [-DAY, 10 * DAY],
  [DAY, 3 * DAY],
  [3 * DAY + 1, 3 * DAY + 2 * HOUR + 17_321],
  [HOUR + 5 * MINUTE, 2 * DAY + 7 * HOUR + 30 * MINUTE],
  [DAY, DAY],
];

type Sample = (rng: Rng, at: number) => LedgerEntry;

/** Entries of four days, half of them in the same three hours. */
export const samples = (rng: Rng, count: number, sample: Sample): LedgerEntry[] =>
  Array.from({ length: count }, (_, i) =>
    sample(rng, START + (i % 2 === 0 ? intBetween(rng, 0, 4 * DAY) : 3 * DAY + intBetween(rng, 0, 3 * HOUR))),
  );

export async function shipInParts(store: LedgerStore, entries: readonly LedgerEntry[]): Promise<void> {
  for (let i = 0; i < entries.length; i += 20) await store.ship(shipped(entries.slice(i, i + 20)));
}

/** Sums of entries that a store keeps, and how to count them anew. */
export interface LaterSums<Question extends object> {
  /** `charges`: in the names of the tests. */
  readonly what: string;
  readonly open: () => Promise<LedgerStore>;
  readonly seed: number;
  readonly sample: Sample;
  /** An entry that takes the place of another. */
  readonly correction: (rng: Rng, entry: LedgerEntry, madeAt: number) => LedgerEntry;
  readonly questions: readonly Question[];
  /** Compares what the store answers with a recount. */
  readonly compare: (
    store: LedgerStore,
    entries: readonly LedgerEntry[],
    question: Question & typeof EVER,
  ) => Promise<void>;
}

/** Compares the answers to every question in every window. */
async function compareAll<Question extends object>(
  { questions, compare }: LaterSums<Question>,
  store: LedgerStore,
  entries: readonly LedgerEntry[],
  windows = WINDOWS,
): Promise<void> {
  for (const asked of questions)
    for (const [from, to] of windows)
      await compare(store, entries, { ...EVER, ...asked, from: epochMs(START + from), to: epochMs(START + to) });
}

/** What holds for every kind of sums that a store keeps of its entries. */
export function laterSumTests<Question extends object>(sums: LaterSums<Question>): void {
  const { what, open, seed, sample, correction } = sums;

  test(`${what} equal a recount for every question and window`, async () => {
    const [store, rng] = [await open(), seededRng(seed)];
    const entries = samples(rng, 500, sample);
    const first = entries.slice(0, 250).toSorted((a, b) => a.at - b.at);
    await shipInParts(store, first);
    await shipInParts(store, entries.slice(250));
    await compareAll(sums, store, entries);
    assert.deepEqual(await store.verifyRollups(EVER), []);
  });

  test(`${what} and their corrections count once, in whatever order they come`, async () => {
    const rng = seededRng(seed + 1);
    const originals = samples(rng, 200, sample);
    const corrections = originals.slice(0, 60).map((entry) => correction(rng, entry, entry.at + DAY));
    const counted = [...originals.slice(60), ...corrections];
    for (const order of [
      [...originals, ...corrections],
      [...corrections, ...originals.toReversed()],
    ]) {
      const store = await open();
      await shipInParts(store, order);
      await compareAll(sums, store, counted);
      assert.deepEqual(await store.verifyRollups(EVER), []);
    }
  });

  test(`${what} outlive their entries, by the hour`, async () => {
    const [store, rng] = [await open(), seededRng(seed + 2)];
    const entries = samples(rng, 300, sample);
    await shipInParts(store, entries);
    const limit = epochMs(START + 2 * DAY + 3 * HOUR);
    await store.retain({ entriesBefore: limit, minutesBefore: limit });
    await compareAll(sums, store, entries, [
      [-DAY, 10 * DAY],
      [DAY, 2 * DAY + 5 * HOUR],
      [3 * HOUR, 3 * DAY + HOUR + 10_000],
    ]);
  });
}
