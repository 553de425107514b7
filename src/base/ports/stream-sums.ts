import type { EpochMs } from '#kernel/brand.ts';
import { nanoUsd, type NanoUsd } from '#kernel/money.ts';
import { tenantOf, type Whose } from '#kernel/whose.ts';
import type { LedgerEntry } from './entry.ts';

/**
 * How a stream ended, as its report groups it. Stored as text: a name is never used again for another meaning.
 * `client_gone`, `abandoned` and `cancelled` are the caller's doing: it closed the connection, nobody came back to a
 * stream that can be read again, or somebody asked for the end. `redriven`: the rest of an answer whose gate had died,
 * made whole by another one; what died stands beside it as `interrupted`.
 */
export const STREAM_ENDINGS = [
  'ok',
  'truncated',
  'interrupted',
  'failed',
  'client_gone',
  'abandoned',
  'cancelled',
  'operator',
  'deadline',
  'budget',
  'drain',
  'redriven',
] as const;
export type StreamEnding = (typeof STREAM_ENDINGS)[number];

/** What the ending follows from. */
export type EndFacts = Pick<LedgerEntry, 'status' | 'cancelledBy' | 'errorCode' | 'redriveOf'>;

export function endingOf({ status, cancelledBy, errorCode, redriveOf }: EndFacts): StreamEnding {
  if (status === 'ok' && redriveOf !== null) return 'redriven';
  if (status === 'ok' || status === 'truncated' || status === 'interrupted') return status;
  if (status !== 'cancelled') return 'failed';
  if (cancelledBy !== null && cancelledBy !== 'client') return cancelledBy;
  if (errorCode === 'abandoned') return 'abandoned';
  return errorCode === 'client_cancelled' ? 'cancelled' : 'client_gone';
}

/** By what streams are grouped and filtered. */
export const STREAM_DIMENSIONS = [
  'environment',
  'tenant',
  'feature',
  'model',
  'deployment',
  'protocol',
  'client',
] as const;
export type StreamDimension = (typeof STREAM_DIMENSIONS)[number];

/** Stands for further names where a store keeps no more: `client` comes from outside. */
export const OTHER_CLIENTS = '(others)';

export interface StreamsQuestion extends Readonly<Partial<Record<Exclude<StreamDimension, 'tenant'>, string>>> {
  readonly whose: Whose;
  /** Half-open `[from, to)` of admission time. */
  readonly from: EpochMs;
  readonly to: EpochMs;
  readonly by: readonly StreamDimension[];
}

export interface StreamSums {
  streams: number;
  /** How often readers came back. */
  resumes: number;
  outputTokens: number;
  /** Part of `outputTokens` that is estimated. */
  estimatedOutputTokens: number;
  costNanoUsd: bigint;
  /** Part of `costNanoUsd` that rests on estimated tokens. */
  estimatedNanoUsd: bigint;
  /** Streams whose cost is unknown: their money is NOT in `costNanoUsd`. */
  unknownCostStreams: number;
  /** From admission to the end, in whole milliseconds a stream. */
  totalMs: number;
}

/** Streams of one group that ended in one way, with a reader that came back or without. Sums are exact. */
export interface StreamsRow extends Readonly<Omit<StreamSums, 'costNanoUsd' | 'estimatedNanoUsd'>> {
  /** Value of each asked dimension in order; null where the entry has none. */
  readonly by: readonly (string | null)[];
  readonly ending: StreamEnding;
  readonly resumed: boolean;
  readonly costNanoUsd: NanoUsd;
  readonly estimatedNanoUsd: NanoUsd;
}

export interface StreamsAnswer {
  /** From when on streams are known: later than asked where the store holds no more. */
  readonly from: EpochMs;
  readonly rows: readonly StreamsRow[];
}

export const emptyStreamSums = (): StreamSums => ({
  streams: 0,
  resumes: 0,
  outputTokens: 0,
  estimatedOutputTokens: 0,
  costNanoUsd: 0n,
  estimatedNanoUsd: 0n,
  unknownCostStreams: 0,
  totalMs: 0,
});

/** Adds sums, or with `sign` −1 takes away what was added before. */
export function addStreamSums(into: StreamSums, from: Readonly<StreamSums>, sign: 1 | -1 = 1): void {
  const money = BigInt(sign);
  into.streams += sign * from.streams;
  into.resumes += sign * from.resumes;
  into.outputTokens += sign * from.outputTokens;
  into.estimatedOutputTokens += sign * from.estimatedOutputTokens;
  into.costNanoUsd += money * from.costNanoUsd;
  into.estimatedNanoUsd += money * from.estimatedNanoUsd;
  into.unknownCostStreams += sign * from.unknownCostStreams;
  into.totalMs += sign * from.totalMs;
}

export function sumsOfStream({ usage, usageSource, cost, timing, resumes }: LedgerEntry): StreamSums {
  const estimated = usageSource === 'estimated';
  const [tokens, money] = [usage.outputTokens ?? 0, cost?.total ?? 0n];
  return {
    streams: 1,
    resumes,
    outputTokens: tokens,
    estimatedOutputTokens: estimated ? tokens : 0,
    costNanoUsd: money,
    estimatedNanoUsd: estimated ? money : 0n,
    unknownCostStreams: cost === null ? 1 : 0,
    totalMs: Math.round(timing.totalMs ?? 0),
  };
}

/** The entry's value in a dimension. `model` is the name that the caller asked for. */
export const streamValue = (entry: LedgerEntry, dimension: StreamDimension): string | null =>
  dimension === 'model' ? entry.modelAsked : entry[dimension];

/** What a question asks of a dimension; undefined: anything. */
export const wantedStream = (question: StreamsQuestion, name: StreamDimension): string | undefined =>
  name === 'tenant' ? (tenantOf(question.whose) ?? undefined) : question[name];

/** Does a stream pass all of a filter but its window? */
export const streamMatches = (entry: LedgerEntry, question: StreamsQuestion): boolean =>
  STREAM_DIMENSIONS.every((name) => [undefined, streamValue(entry, name)].includes(wantedStream(question, name)));

interface Group {
  readonly by: readonly (string | null)[];
  readonly ending: StreamEnding;
  readonly resumed: boolean;
}

/** Groups under construction, by the JSON of what they have in common. */
export class StreamGroups {
  readonly #groups = new Map<string, Group & { readonly sums: StreamSums }>();

  of(group: Group): StreamSums {
    const name = JSON.stringify([group.by, group.ending, group.resumed]);
    let found = this.#groups.get(name);
    if (!found) this.#groups.set(name, (found = { ...group, sums: emptyStreamSums() }));
    return found.sums;
  }

  /** Groups with at least one stream, the dearest first. */
  rows(): readonly StreamsRow[] {
    return [...this.#groups.values()]
      .filter(({ sums }) => sums.streams !== 0)
      .map(({ sums, ...group }): StreamsRow => ({
        ...group,
        ...sums,
        costNanoUsd: nanoUsd(sums.costNanoUsd),
        estimatedNanoUsd: nanoUsd(sums.estimatedNanoUsd),
      }))
      .sort(dearestFirst);
  }
}

const nameOf = ({ by, ending, resumed }: StreamsRow): string => JSON.stringify([by, ending, resumed]);

function dearestFirst(a: StreamsRow, b: StreamsRow): number {
  if (a.costNanoUsd !== b.costNanoUsd) return a.costNanoUsd > b.costNanoUsd ? -1 : 1;
  return nameOf(a) < nameOf(b) ? -1 : 1;
}
