import type { CallId, EpochMs, FeatureName, KeyId } from '#kernel/brand.ts';
import type { NanoUsd } from '#kernel/money.ts';
import type { EveryTenant, Whose } from '#kernel/whose.ts';
import type { ChargesAnswer, ChargesQuestion, ClosedMonth } from './charges.ts';
import type { CallKind, LedgerEntry, OutcomeStatus } from './entry.ts';
import type { ShippedEntry } from './entry-text.ts';
import type { RollupDimension } from './rollups.ts';
import type { StreamsAnswer, StreamsQuestion } from './stream-sums.ts';

/** Columns by which spend may be grouped and filtered. `label:<name>` groups by the value of one label. */
export type Dimension =
  | 'tenant'
  | 'team'
  | 'feature'
  | 'key'
  | 'kind'
  | 'purpose'
  | 'model'
  | 'deployment'
  | 'provider'
  | 'outcome'
  | 'environment'
  | `label:${string}`;

export interface LedgerFilter {
  /** Half-open `[from, to)` of admission time. */
  readonly from: EpochMs;
  readonly to: EpochMs;
  /** One tenant's entries, or all for a stated reason: what was forgotten does not compile. */
  readonly whose: Whose;
  readonly team?: string;
  readonly feature?: FeatureName | string;
  readonly key?: KeyId | string;
  readonly session?: string;
  readonly endUser?: string;
  readonly label?: { readonly name: string; readonly value: string };
  readonly model?: string;
  readonly provider?: string;
  readonly deployment?: string;
  readonly kind?: CallKind;
  readonly purpose?: string;
  readonly outcome?: OutcomeStatus;
  readonly environment?: string;
}

/** One group of a spend question. Sums are exact. */
export interface SpendRow {
  /** Value of each asked dimension in order; null where the entry has none. */
  readonly by: readonly (string | null)[];
  readonly calls: number;
  readonly errors: number;
  readonly costNanoUsd: NanoUsd;
  /** Calls whose cost is unknown: their money is NOT in `costNanoUsd`. */
  readonly unknownCostCalls: number;
  /** Part of `costNanoUsd` that rests on estimated tokens. */
  readonly estimatedNanoUsd: NanoUsd;
  readonly savedNanoUsd: NanoUsd;
  readonly inputTokens: number;
  readonly cachedReadTokens: number;
  readonly cacheWriteTokens: number;
  readonly outputTokens: number;
  readonly reasoningTokens: number;
  /** Merged DDSketches in their compact text form; null where nothing was measured. */
  readonly totalMsSketch: string | null;
  readonly firstTokenMsSketch: string | null;
}

export interface SpendQuestion extends LedgerFilter {
  readonly by: readonly Dimension[];
  /** Cuts the window into buckets aligned in UTC; adds the bucket's start as first element of `by` (epoch ms text). */
  readonly bucket?: 'minute' | 'hour' | 'day';
  /** False: sketches are not wanted and may be null; merging them is most of the work of a long window. */
  readonly sketches?: boolean;
  /** Only calls with one of these values: of a few groups out of ten thousand the sketches are cheap. */
  readonly among?: { readonly dimension: RollupDimension; readonly values: readonly string[] };
}

export interface CallsQuestion extends LedgerFilter {
  readonly limit: number;
  /** Return entries before this one, newest first. */
  readonly before?: CallId;
  /** Return entries after this one, oldest first: what `tail` asks. */
  readonly after?: CallId;
  /** Only entries that count: without those that a correction has replaced. */
  readonly counted?: true;
}

/** One line of a feed: an entry came to count, or a correction took its place and it counts no more. */
export interface FeedEvent {
  /** Rises from event to event; no number is ever used again. */
  readonly seq: number;
  /** −1: what was told of the entry is taken back. All events add up to the ledger. */
  readonly sign: 1 | -1;
  readonly entry: LedgerEntry;
}

/** How far the reader of a feed has come. */
export interface FeedState {
  readonly name: string;
  /** The last event that it has acknowledged. */
  readonly seq: number;
  /** Events after it. */
  readonly behind: number;
  /** Admission of the first of them; null: there is none. */
  readonly oldestAt: EpochMs | null;
  /** Events whose entry the retention took before they were read. */
  readonly lost: number;
}

/** Entries and their rollups. Every implementation passes the same contract suite. */
export interface LedgerStore {
  /**
   * Stores entries and adds them to the rollups in one transaction. Idempotent by entry id: an entry that is
   * there already changes nothing, in rows and in rollups. Resolved means durable.
   */
  ship(batch: Iterable<ShippedEntry>): Promise<{ readonly inserted: number }>;
  /** Another's reads like none. */
  call(id: CallId, whose: Whose): Promise<LedgerEntry | null>;
  calls(question: CallsQuestion): Promise<readonly LedgerEntry[]>;
  spend(question: SpendQuestion): Promise<readonly SpendRow[]>;
  /** Streams by how they ended; only those whose caller asked for a stream. */
  streams(question: StreamsQuestion): Promise<StreamsAnswer>;
  /** Charges of attempts, by whose they were and what for; from hours and days where they fit the window. */
  charges(question: ChargesQuestion): Promise<ChargesAnswer>;
  /**
   * Closes the books of all that was admitted before a time: what changes there from now on is `late`. Never moves
   * back.
   */
  closeBooks(whose: EveryTenant, until: EpochMs): Promise<void>;
  /** Keeps the figures of a month; the first writer wins. Returns what is kept now. */
  keepMonth(whose: EveryTenant, month: ClosedMonth): Promise<ClosedMonth>;
  /** Months whose figures are kept, the newest first. */
  closedMonths(whose: EveryTenant): Promise<readonly ClosedMonth[]>;
  /**
   * Names the feeds that are read. A new one begins with what is stored from now on, one that is not named is
   * forgotten, and while none is named nothing is kept for them.
   */
  follow(names: readonly string[]): Promise<void>;
  /** Events of a feed after the acknowledged one, in the order in which they were stored. */
  feed(question: {
    readonly whose: EveryTenant;
    readonly name: string;
    readonly limit: number;
  }): Promise<readonly FeedEvent[]>;
  /** Nothing up to `seq` is asked for again, and what every feed has read is forgotten. Resolved means durable. */
  acknowledge(name: string, seq: number): Promise<void>;
  feeds(): Promise<readonly FeedState[]>;
  /** Rollups recounted from the entries of a window equal what is stored: the differences found. */
  verifyRollups(window: { readonly from: EpochMs; readonly to: EpochMs }): Promise<readonly string[]>;
  /** Deletes entries and minute rollups older than the given times; hour and day rollups stay. */
  retain(limits: {
    readonly entriesBefore: EpochMs;
    readonly minutesBefore: EpochMs;
  }): Promise<{ readonly deleted: number }>;
  close(): Promise<void>;
}
