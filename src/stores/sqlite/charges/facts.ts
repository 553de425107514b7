import type { DatabaseSync } from 'node:sqlite';
import { ATTEMPT_AT } from '#ports/attempt-text.ts';
import { chargesOf, useOfLast, type Charge } from '#ports/charges.ts';
import { REST_AT } from '#ports/entry-text.ts';
import type { LedgerEntry, OutcomeStatus } from '#ports/entry.ts';
import { STATED_COST_AT } from '#ports/usage-text.ts';
import { entryOf, SELECT_ENTRIES, type EntryRow, type SqlValue } from '../entry-row.ts';
import { exactly } from '../exactly.ts';
import { Where } from '../where.ts';

/** A charge, or the sum of some that are alike, with the start of its bucket. */
export interface BucketCharge extends Charge {
  /** 0 where no bucket was asked for. */
  readonly bucket: number;
}

const IN_DIMS = ['environment', 'tenant', 'feature', 'kind', 'provider', 'deployment'] as const;
const attempt = (name: keyof typeof ATTEMPT_AT): string => `'$[${REST_AT.attempts}][0][${ATTEMPT_AT[name]}]'`;
const SHARED = (['deployment', 'provider', 'usageSource', 'usage', 'cost'] as const).map(attempt);

/**
 * Nearly all entries have one attempt that shares everything with its call, and a provider that states no cost: SQL
 * sums those. All others are read as entries.
 */
const IS_PLAIN = `(json_array_length(e.rest, '$[${REST_AT.attempts}]') = 1
  AND json_extract(e.rest, ${SHARED.join(', ')}) = '[0,0,0,0,0]'
  AND json_extract(e.rest, '$[${REST_AT.otherUsage}][${STATED_COST_AT}]') IS NULL
  AND json_extract(e.rest, '$[${REST_AT.redriveOf}]') IS NULL)`;

/** Place of `none` among the sources of usage (`entry-row.ts`). */
const SOURCE_NONE = 2;

const PLAIN_SUMS = [
  'count(*)',
  'coalesce(sum(e.cost), 0)',
  'coalesce(sum(e.cost_cache_write), 0)',
  'coalesce(sum(e.cost) FILTER (WHERE e.estimated = 1), 0)',
  `coalesce(sum(e.cost IS NULL AND e.usage_source <> ${SOURCE_NONE}), 0)`,
  'coalesce(sum(e.input_tokens), 0)',
  'coalesce(sum(e.cached_read_tokens), 0)',
  'coalesce(sum(e.cache_write_tokens), 0)',
  'coalesce(sum(e.output_tokens), 0)',
];

export interface Counting {
  /** Makes the condition on entries `e` and their dims `d`: each of two statements adds its own. */
  readonly where: () => Where;
  /** Milliseconds of a bucket. */
  readonly bucketMs?: number;
  /** Charges of earlier calls have no version of prices. */
  readonly pricesFrom: number;
}

/** Charges of entries `e` with their dims `d`. */
export function* countedCharges(db: DatabaseSync, counting: Counting): Generator<BucketCharge> {
  yield* plainCharges(db, counting);
  yield* otherCharges(db, counting);
}

function* plainCharges(db: DatabaseSync, { where, bucketMs, pricesFrom }: Counting): Generator<BucketCharge> {
  const plain = where().and(IS_PLAIN);
  const bucket = bucketMs === undefined ? '0' : `e.at - e.at % ${bucketMs}`;
  const ofRest = [
    `CASE WHEN e.at >= ? THEN json_extract(e.rest, '$[${REST_AT.priceVersion}]') END AS price`,
    `json_extract(e.rest, ${attempt('status')}) AS way`,
  ];
  const columns = [bucket, ...IN_DIMS.map((name) => `d.${name}`), ...ofRest];
  const sql = `SELECT ${[...columns, ...PLAIN_SUMS].join(', ')} FROM entries e JOIN dims d ON d.id = e.dims
    ${plain.sql} GROUP BY 1, e.dims, way, price`;
  const statement = exactly(db.prepare(sql));
  statement.setReturnArrays(true);
  for (const row of statement.iterate(sqlInteger(pricesFrom), ...plain.values))
    yield plainOf(row as unknown as SqlValue[]);
}

/** Charges of an entry; without a version of prices where it is of before they were kept. */
export function chargesSince(pricesFrom: number, entry: LedgerEntry): readonly Charge[] {
  return chargesOf(entry.at >= pricesFrom ? entry : { ...entry, priceVersion: null });
}

/** No time is later than this. */
const sqlInteger = (time: number): number => Math.min(time, Number.MAX_SAFE_INTEGER);

function plainOf([bucket, ...row]: SqlValue[]): BucketCharge {
  const named = row.slice(0, IN_DIMS.length) as (string | null)[];
  const [price, status, attempts, cost, cacheWrite, estimated, unknown, ...tokens] = row.slice(IN_DIMS.length);
  return {
    bucket: Number(bucket),
    facts: [...named, useOfLast(status as OutcomeStatus), price as string | null],
    sums: {
      attempts: Number(attempts),
      costNanoUsd: cost as bigint,
      cacheWriteNanoUsd: cacheWrite as bigint,
      estimatedNanoUsd: estimated as bigint,
      unknownCostAttempts: Number(unknown),
      statedNanoUsd: 0n,
      ownOfStatedNanoUsd: 0n,
      inputTokens: Number(tokens[0]),
      cachedReadTokens: Number(tokens[1]),
      cacheWriteTokens: Number(tokens[2]),
      outputTokens: Number(tokens[3]),
    },
  };
}

function* otherCharges(db: DatabaseSync, { where, bucketMs, pricesFrom }: Counting): Generator<BucketCharge> {
  const others = where().and(`${IS_PLAIN} IS NOT TRUE`);
  const statement = exactly(db.prepare(`${SELECT_ENTRIES} ${others.sql}`));
  for (const row of statement.iterate(...others.values)) {
    const entry = entryOf(row as unknown as EntryRow);
    const bucket = bucketMs === undefined ? 0 : entry.at - (entry.at % bucketMs);
    for (const charge of chargesSince(pricesFrom, entry)) yield { ...charge, bucket };
  }
}
