import { epochMs } from '#kernel/brand.ts';
import { callId } from '#kernel/ids.ts';
import { tenantOf, type Whose } from '#kernel/whose.ts';
import { REST_AT } from '#ports/entry-text.ts';
import type { LedgerFilter } from '#ports/ledger-store.ts';
import { ROLLUP_DIMENSIONS, wantedIn } from '#ports/rollups.ts';
import type { SqlValue } from './entry-row.ts';

/** Conditions of a statement with their values in order. */
export class Where {
  readonly #terms: string[] = [];
  readonly values: SqlValue[] = [];

  and(term: string, ...values: readonly SqlValue[]): this {
    this.#terms.push(term);
    this.values.push(...values);
    return this;
  }

  get sql(): string {
    return this.#terms.length === 0 ? '' : `WHERE ${this.#terms.join(' AND ')}`;
  }
}

/** The term that leaves out other tenants' rows, where one tenant's are meant. */
export function andOwner(where: Where, whose: Whose): Where {
  const tenant = tenantOf(whose);
  return tenant === null ? where : where.and('tenant = ?', tenant);
}

/** Terms of a filter that dims `d` answer. */
export function andDims(where: Where, filter: LedgerFilter): Where {
  for (const name of ROLLUP_DIMENSIONS) {
    const wanted = wantedIn(filter, name);
    if (wanted !== undefined) where.and(`d.${name} = ?`, wanted);
  }
  return where;
}

const name = '(SELECT id FROM names WHERE json = ?)';

const LABEL = '(SELECT value FROM json_each(e.labels) WHERE key = ?) = ?';
/** What the call said where it counts as another value. */
const SAID = `(SELECT value FROM json_each(json_extract(e.rest, '$[${REST_AT.asOther}]')) WHERE key = ?) = ?`;

/** Terms of a filter on calls: a label's value may be the one that counts, or what the call said. */
export function andCall(where: Where, { label, ...filter }: LedgerFilter): Where {
  if (label) where.and(`(${LABEL} OR ${SAID})`, label.name, label.value, `label:${label.name}`, label.value);
  return andEntry(where, filter);
}

/** Terms of a filter on entries `e` and their dims `d`, with those that an index serves. */
export function andEntry(where: Where, filter: LedgerFilter): Where {
  const tenant = tenantOf(filter.whose);
  if (tenant !== null) where.and(`e.tenant = ${name}`, tenant);
  if (filter.key !== undefined) where.and(`e.key = ${name}`, filter.key);
  if (filter.session !== undefined) where.and('e.session = ?', filter.session);
  if (filter.endUser !== undefined) where.and('e.end_user = ?', filter.endUser);
  const { label } = filter;
  if (label) where.and(LABEL, label.name, label.value);
  return andDims(where, filter);
}

/** No id of this time or later is less. */
export const lowestIdOf = (ms: number): string => callId(epochMs(Math.max(0, ms)), { next: () => 0 });

/**
 * Terms of a window on entries. Ids are ordered by time, so that no index on time is needed: all but the few entries
 * whose id has another time than theirs (corrections) are a range of ids.
 */
export function andWindow(where: Where, window: { from: number; to: number }, idTime: boolean): Where {
  where.and('e.at >= ? AND e.at < ?', Math.ceil(window.from), Math.ceil(window.to));
  if (!idTime) return where.and('e.id_time = 0');
  // `+` keeps the planner from the partial index: the range of ids is the better way.
  return where.and('+e.id_time = 1').and('e.id >= ? AND e.id < ?', lowestIdOf(window.from), lowestIdOf(window.to));
}
