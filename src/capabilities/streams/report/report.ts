/** Streams over a window by how they ended, and what was paid in vain: from rows of the ledger to typed data. Pure. */
import { iso } from '#kernel/clock.ts';
import { nanoUsd, usdDecimal } from '#kernel/money.ts';
import {
  addStreamSums,
  emptyStreamSums,
  STREAM_DIMENSIONS,
  wantedStream,
  STREAM_ENDINGS,
  type StreamDimension,
  type StreamEnding,
  type StreamsAnswer,
  type StreamsQuestion,
  type StreamsRow,
  type StreamSums,
} from '#ports/stream-sums.ts';
import { adviceOf, type Advice } from './advice.ts';

/**
 * What of a stream was paid in vain. `all`: its answer never became whole, and its caller did not want that. `at_most`:
 * its caller ended it, and may have used what had come; how much was made after it had gone is not known, so that the
 * whole call stands as the bound.
 */
export type Waste = 'none' | 'all' | 'at_most';
export const WASTE: Readonly<Record<StreamEnding, Waste>> = {
  ok: 'none',
  truncated: 'all',
  interrupted: 'all',
  failed: 'all',
  client_gone: 'at_most',
  abandoned: 'at_most',
  cancelled: 'at_most',
  operator: 'all',
  deadline: 'at_most',
  budget: 'all',
  drain: 'all',
  redriven: 'none',
};

/** Money is decimal dollars, exact. */
export interface StreamFigures {
  readonly streams: number;
  readonly outputTokens: number;
  /** Part of `outputTokens` that is estimated. */
  readonly estimatedOutputTokens: number;
  readonly costUsd: string;
  /** Part of `costUsd` that rests on estimated tokens. */
  readonly estimatedUsd: string;
  /** Streams whose cost is unknown: their money is not in `costUsd`. */
  readonly unknownCostStreams: number;
}

export interface ResumedFigures extends StreamFigures {
  /** How often readers came back. */
  readonly resumes: number;
  /** Of these streams, those that ended whole. */
  readonly whole: number;
}

export interface StreamLine {
  /** Value of each dimension in order; null: the streams have none. */
  readonly by: readonly (string | null)[];
  readonly all: StreamFigures;
  /** How they ended; together they are all. Endings that nothing had are absent. */
  readonly endings: Readonly<Partial<Record<StreamEnding, StreamFigures>>>;
  /** Streams to which a reader came back; they are among the endings. */
  readonly resumed: ResumedFigures;
  /** Answers that never became whole, against their callers' will. */
  readonly wasted: StreamFigures;
  /** The same, and whatever callers ended themselves. */
  readonly wastedAtMost: StreamFigures;
  /** Mean time from admission to the end, in milliseconds; null: no streams. */
  readonly meanMs: number | null;
}

export type StreamFilters = Readonly<Partial<Record<StreamDimension, string>>>;

export interface StreamsReport {
  readonly report: 'streams';
  /** ISO times, half-open. */
  readonly window: { readonly from: string; readonly to: string };
  /** Null: the whole window is known; else from when on. */
  readonly knownFrom: string | null;
  readonly by: readonly StreamDimension[];
  readonly filters: StreamFilters;
  /** The most wasteful first. */
  readonly lines: readonly StreamLine[];
  /** What the lines leave out, summed; null: nothing. */
  readonly rest: { readonly groups: number; readonly line: StreamLine } | null;
  readonly total: StreamLine;
  /** What stands out, and what to type next. */
  readonly advice: readonly Advice[];
}

export interface StreamsReportInput {
  readonly question: StreamsQuestion;
  readonly answer: StreamsAnswer;
  /** Lines at most; further groups are summed. */
  readonly most: number;
}

export function streamsReport({ question, answer, most }: StreamsReportInput): StreamsReport {
  const { from, to, by } = question;
  const groups = [...Map.groupBy(answer.rows, (row) => JSON.stringify(row.by)).values()]
    .map((rows) => lineOf(rows[0]!.by, rows))
    .sort(worstFirst);
  const lines = groups.slice(0, most);
  const others = new Set(groups.slice(most).map((line) => JSON.stringify(line.by)));
  const left = answer.rows.filter((row) => others.has(JSON.stringify(row.by)));
  const total = lineOf([], answer.rows);
  const filters = filtersOf(question);
  return {
    report: 'streams',
    window: { from: iso(from), to: iso(to) },
    knownFrom: answer.from > from && answer.from < to ? iso(answer.from) : null,
    ...{ by, filters, lines, total },
    rest: others.size === 0 ? null : { groups: others.size, line: lineOf([], left) },
    advice: adviceOf({ by, filters, lines, total, spanMs: to - from }),
  };
}

const filtersOf = (question: StreamsQuestion): StreamFilters =>
  Object.fromEntries(
    STREAM_DIMENSIONS.flatMap((name) => {
      const wanted = wantedStream(question, name);
      return wanted === undefined ? [] : [[name, wanted]];
    }),
  );

function worstFirst(a: StreamLine, b: StreamLine): number {
  const [money, other] = [a, b].map(({ wastedAtMost }) => Number(wastedAtMost.costUsd)) as [number, number];
  return other - money || b.wastedAtMost.streams - a.wastedAtMost.streams || b.all.streams - a.all.streams;
}

function lineOf(by: readonly (string | null)[], rows: readonly StreamsRow[]): StreamLine {
  const all = sumOf(rows);
  const resumed = rows.filter((row) => row.resumed);
  const lost = rows.filter(({ ending }) => WASTE[ending] === 'all');
  return {
    by,
    all: figures(all),
    endings: Object.fromEntries(
      STREAM_ENDINGS.flatMap((ending) => {
        const ended = rows.filter((row) => row.ending === ending);
        return ended.length === 0 ? [] : [[ending, figures(sumOf(ended))]];
      }),
    ),
    resumed: {
      ...figures(sumOf(resumed)),
      resumes: sumOf(resumed).resumes,
      whole: sumOf(resumed.filter(({ ending }) => ending === 'ok')).streams,
    },
    wasted: figures(sumOf(lost)),
    wastedAtMost: figures(sumOf(rows.filter(({ ending }) => WASTE[ending] !== 'none'))),
    meanMs: all.streams === 0 ? null : Math.round(all.totalMs / all.streams),
  };
}

function sumOf(rows: readonly StreamsRow[]): StreamSums {
  const sums = emptyStreamSums();
  for (const row of rows) addStreamSums(sums, row);
  return sums;
}

const figures = (sums: StreamSums): StreamFigures => ({
  streams: sums.streams,
  outputTokens: sums.outputTokens,
  estimatedOutputTokens: sums.estimatedOutputTokens,
  costUsd: usdDecimal(nanoUsd(sums.costNanoUsd)),
  estimatedUsd: usdDecimal(nanoUsd(sums.estimatedNanoUsd)),
  unknownCostStreams: sums.unknownCostStreams,
});
