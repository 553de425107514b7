import type { EpochMs, TenantId } from '#kernel/brand.ts';
import { HeadgateError } from '#kernel/errors.ts';
import { keyPrefix, keyUnder, tenantKey, type KeyPrefix } from '#kernel/whose.ts';
import type { LimitClaim, LimitKey, LimitKind, LimitLine, LimitRefusal, SlidingWindow } from '#ports/shared-state.ts';
import type { BudgetLevel, BudgetScope, Limit, LimitUnit } from '#ports/state-store.ts';
import { isoTime, LONGEST_WAIT_MS, SCOPE_TEXT } from './budget.ts';
import { laneOf, refusedHeaders } from './limit-headers.ts';
import { isEach, ScopeIndex, whoseScope } from './scope-index.ts';

/** A minute by seconds, a day by quarters of an hour: a step counts until the whole of it has left the window. */
export const WINDOWS: Readonly<Record<'minute' | 'day', SlidingWindow>> = {
  minute: { spanMs: 60_000, stepMs: 1_000 },
  day: { spanMs: 86_400_000, stepMs: 900_000 },
};
/** A minute's limit makes room within a minute and a step: such a wait is told, and SDKs try again. */
const LONGEST_RETRY_MS = LONGEST_WAIT_MS + WINDOWS.minute.stepMs;
/** Nobody knows when a call in flight ends. */
const CONCURRENCY_WAIT_MS = 1_000;

/** What a call takes of each unit: what a line of the counters calls its measure. */
export const UNITS = ['requests', 'input_tokens', 'output_tokens', 'total_tokens', 'concurrency'] as const;

/** The limits of one scope: the counters of each of its subjects are taken together. */
export class LimitGroup {
  readonly scope: BudgetScope;
  readonly limits: readonly Limit[];
  #lines: readonly LimitLine[] | null = null;
  /** A raise expires by itself: the lines are made anew then. */
  #staleAt = 0;

  constructor(limits: readonly Limit[]) {
    this.scope = limits[0]!.scope;
    this.limits = limits;
  }

  /** The same array as long as no figure changes. */
  linesAt(now: EpochMs): readonly LimitLine[] {
    if (this.#lines !== null && now < this.#staleAt) return this.#lines;
    const ends = this.limits.map(({ raise }) => raise?.until ?? 0).filter((until) => until > now);
    this.#staleAt = Math.min(Infinity, ...ends);
    return (this.#lines = this.limits.map((limit) => lineOf(limit, now)));
  }
}

const lineOf = (limit: Limit, now: EpochMs): LimitLine => ({
  name: limit.id,
  window: limit.window === null ? null : WINDOWS[limit.window],
  limit: figureAt(limit, now),
  measure: UNITS.indexOf(limit.unit),
  lane: laneOf(limit),
});

/** A limit, or one subject of a limit for each of many. */
export interface LimitSubject {
  readonly limit: Limit;
  /** Team, feature, key or end user; null: the limit names its scope. */
  readonly subject: string | null;
}

/** Limits that apply to a call, with the name of their counters. */
export interface AppliedLimits {
  readonly group: LimitGroup;
  readonly set: LimitKey;
}

/** Names of the counters of a scope; of one for each of many, of a subject without a name. */
const setKey = (scope: BudgetScope): LimitKey =>
  isEach(scope) ? keyUnder(eachKeys(scope), '') : tenantKey<LimitKind>(whoseScope(scope), scope.level, scope.id ?? '');

const eachKeys = (scope: BudgetScope): KeyPrefix<LimitKind> =>
  keyPrefix<LimitKind>(whoseScope(scope), `each ${scope.level}`);

/** Every limit by its scope. */
export class LimitIndex extends ScopeIndex<LimitGroup, AppliedLimits, LimitKind> {
  readonly #byTenant: ReadonlyMap<TenantId | null, readonly Limit[]>;
  readonly #groups: ReadonlyMap<LimitKey, LimitGroup>;
  readonly #groupsOf: (tenant: TenantId | null) => unknown;

  constructor(limits: Iterable<Limit>) {
    const byTenant = Map.groupBy(limits, ({ scope }) => scope.tenant);
    const groups = new Map<LimitKey, LimitGroup>();
    const groupsOf = (tenant: TenantId | null): LimitGroup[] =>
      [...Map.groupBy(byTenant.get(tenant) ?? [], ({ scope }) => setKey(scope))].map(([key, own]) => {
        const group = groups.get(key) ?? new LimitGroup(own);
        groups.set(key, group);
        return group;
      });
    super({
      rowsOf: groupsOf,
      keyOf: ({ scope }) => setKey(scope),
      prefixOf: ({ scope }) => eachKeys(scope),
      applied: (group, set) => ({ group, set }),
    });
    this.#byTenant = byTenant;
    this.#groups = groups;
    this.#groupsOf = groupsOf;
  }

  /** Is any limit that of a day? */
  get hasDays(): boolean {
    return this.#byTenant.values().some((limits) => limits.some(({ window }) => window === 'day'));
  }

  /** Levels on which there is one. */
  get dayLevels(): readonly BudgetLevel[] {
    const days = [...this.#byTenant.values()].flat().filter(({ window }) => window === 'day');
    return [...new Set(days.map(({ scope }) => scope.level))];
  }

  /** The counters of a limit that is not for each of many. */
  ofLimit({ scope }: Limit): AppliedLimits {
    const set = setKey(scope);
    if (!this.#groups.has(set)) this.#groupsOf(scope.tenant);
    return { group: this.#groups.get(set)!, set };
  }

  /** The same, also of one subject of a limit for each of many. */
  ofSubject({ limit, subject }: LimitSubject): AppliedLimits {
    const { group, set } = this.ofLimit(limit);
    return { group, set: subject === null ? set : keyUnder(eachKeys(limit.scope), subject) };
  }
}

export const claimOf = ({ group, set }: AppliedLimits, now: EpochMs): LimitClaim => ({
  set,
  lines: group.linesAt(now),
});

/** The figure at an instant: a raise expires by itself, and what one takes away leaves at least nothing. */
export const figureAt = ({ limit, raise }: Limit, now: EpochMs): number =>
  raise !== null && now < raise.until ? Math.max(0, limit + raise.by) : limit;

/** What refused a call. */
interface Refused extends LimitRefusal {
  readonly limit: Limit;
  /** The figure that held. */
  readonly most: number;
  readonly amount: number;
}

/** Refusals are told with figures, but of the operator's own limit: they would tell what other tenants use. */
export function limitRefusal(refused: Refused, now: EpochMs): HeadgateError {
  const { limit, most, amount, used, reserved, fitsAt } = refused;
  const waitMs = waitOf(refused, now);
  const isOpen = limit.scope.level !== 'operator';
  const figure = (value: number): number | null => (isOpen ? value : null);
  const details = {
    facts: {
      ...{ scope: limit.scope.level, unit: limit.unit, window: limit.window },
      ...{ limit: figure(most), used: figure(used), reserved: figure(reserved), asked: figure(amount) },
      ...{ reset: fitsAt === null ? null : isoTime(fitsAt), contact: limit.contact },
    },
    message: refusalText(refused, isOpen),
    ...(isOpen && { headers: refusedHeaders(limit, most, refused, now) }),
    ...(waitMs !== null && { retryAfterMs: waitMs }),
  };
  const isSoon = waitMs !== null && waitMs <= LONGEST_RETRY_MS;
  return new HeadgateError(isSoon ? 'rate_limited' : 'limit_exceeded', details);
}

function waitOf({ limit, most, amount, fitsAt }: Refused, now: EpochMs): number | null {
  if (fitsAt !== null) return Math.max(1, fitsAt - now);
  return limit.window === null && amount <= most ? CONCURRENCY_WAIT_MS : null;
}

function refusalText(refused: Refused, isOpen: boolean): string {
  const { limit, most, amount, used, reserved } = refused;
  const what = UNIT_TEXT[limit.unit];
  const of = limit.window === null ? what : `${what} a ${limit.window}`;
  const figures = isOpen
    ? `: ${most} ${of}, used ${used}, reserved by calls in flight ${reserved}, this call takes ${amount}`
    : ` (${of})`;
  const contact = limit.contact === null ? '' : ` Ask ${limit.contact} for a raise.`;
  const whose = SCOPE_TEXT[limit.scope.level];
  return `The limit of ${whose} has no room for this call${figures}.${whenText(refused, isOpen)}${contact}`;
}

function whenText({ most, amount, fitsAt }: Refused, isOpen: boolean): string {
  if (fitsAt !== null) return ` There is room at ${isoTime(fitsAt)}.`;
  return amount > most && isOpen ? ' It never fits: it takes more than the whole limit.' : '';
}

const UNIT_TEXT = {
  requests: 'requests',
  input_tokens: 'input tokens',
  output_tokens: 'output tokens',
  total_tokens: 'tokens',
  concurrency: 'calls in flight',
} as const satisfies Record<LimitUnit, string>;
