import type { DatabaseSync } from 'node:sqlite';
import type { CallId } from '#kernel/brand.ts';
import { REST_AT } from '#ports/entry-text.ts';
import type { CancelledBy, LedgerEntry, OutcomeStatus } from '#ports/entry.ts';
import {
  endingOf,
  STREAM_DIMENSIONS,
  streamValue,
  type StreamDimension,
  type StreamEnding,
  type StreamSums,
} from '#ports/stream-sums.ts';
import type { SqlValue } from '../entry-row.ts';
import { exactly } from '../exactly.ts';
import type { Where } from '../where.ts';

/** What rows of streams are keyed by, beside their time. */
export interface StreamFacts {
  /** In the order of `STREAM_DIMENSIONS`. */
  readonly values: readonly (string | null)[];
  readonly ending: StreamEnding;
  readonly resumed: boolean;
}

export interface StreamGroup {
  /** 0 where none was asked for. */
  readonly bucket: number;
  readonly facts: StreamFacts;
  readonly sums: StreamSums;
}

export const factsOf = (entry: LedgerEntry): StreamFacts => ({
  values: STREAM_DIMENSIONS.map((name) => streamValue(entry, name)),
  ending: endingOf(entry),
  resumed: entry.resumes > 0,
});

/** What is in dims, and what is in the text of the rest alone. */
const IN_DIMS = ['environment', 'tenant', 'feature', 'model', 'deployment', 'outcome'] as const;
const IN_REST = ['client', 'protocol', 'errorCode', 'cancelledBy', 'resumes', 'redriveOf'] as const;
const rest = IN_REST.map((name) => `'$[${REST_AT[name]}]'`).join(', ');
const SUMS = [
  'count(*)',
  'coalesce(sum(e.output_tokens), 0)',
  'coalesce(sum(e.output_tokens) FILTER (WHERE e.estimated = 1), 0)',
  'coalesce(sum(e.cost), 0)',
  'coalesce(sum(e.cost) FILTER (WHERE e.estimated = 1), 0)',
  'sum(e.cost IS NULL)',
  'coalesce(sum(CAST(round(e.total_ms) AS INTEGER)), 0)',
];

interface Counting {
  readonly where: Where;
  /** Milliseconds of a bucket. */
  readonly bucketMs?: number;
}

/** Streams among entries `e` with their dims `d`, counted by what rows of streams are keyed by. */
export function* countedStreams(db: DatabaseSync, { where, bucketMs }: Counting): Generator<StreamGroup> {
  where.and(`json_extract(e.rest, '$[${REST_AT.stream}]') = 1`);
  const bucket = bucketMs === undefined ? '0' : `e.at - e.at % ${bucketMs}`;
  const columns = [bucket, ...IN_DIMS.map((name) => `d.${name}`), `json_extract(e.rest, ${rest}) AS way`, ...SUMS];
  const sql = `SELECT ${columns.join(', ')} FROM entries e JOIN dims d ON d.id = e.dims ${where.sql}
    GROUP BY 1, e.dims, way`;
  const statement = exactly(db.prepare(sql));
  statement.setReturnArrays(true);
  for (const row of statement.iterate(...where.values)) yield groupOf(row as unknown as SqlValue[]);
}

type Way = readonly [
  client: string | null,
  protocol: string,
  errorCode: string | null,
  cancelledBy: CancelledBy | null,
  resumes: number,
  redriveOf: CallId | null,
];

function groupOf([bucket, ...row]: SqlValue[]): StreamGroup {
  const named = row.slice(0, IN_DIMS.length) as (string | null)[];
  const [client, protocol, errorCode, cancelledBy, resumes, redriveOf] = JSON.parse(
    row[IN_DIMS.length] as string,
  ) as Way;
  const [streams, tokens, estimatedTokens, cost, estimatedCost, unknown, totalMs] = row.slice(IN_DIMS.length + 1);
  const value = (name: StreamDimension): string | null => {
    if (name === 'client') return client;
    return name === 'protocol' ? protocol : (named[IN_DIMS.indexOf(name)] ?? null);
  };
  return {
    bucket: Number(bucket),
    facts: {
      values: STREAM_DIMENSIONS.map(value),
      ending: endingOf({
        status: named[IN_DIMS.indexOf('outcome')] as OutcomeStatus,
        cancelledBy,
        errorCode,
        redriveOf,
      }),
      resumed: resumes > 0,
    },
    sums: {
      streams: Number(streams),
      resumes: Number(streams) * resumes,
      outputTokens: Number(tokens),
      estimatedOutputTokens: Number(estimatedTokens),
      costNanoUsd: cost as bigint,
      estimatedNanoUsd: estimatedCost as bigint,
      unknownCostStreams: Number(unknown),
      totalMs: Number(totalMs),
    },
  };
}
