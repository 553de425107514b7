import type { BudgetId, EpochMs, FeatureName, KeyId, LimitId, TeamId, TenantId } from '#kernel/brand.ts';
import type { NanoUsd } from '#kernel/money.ts';
import type { EveryTenant, Whose } from '#kernel/whose.ts';
import type { Layer } from './layer.ts';

/**
 * Where headgate.yaml declares a row. Only what a file has declared carries one; everything else is changed by API
 * alone.
 */
export interface Declaration {
  /** Key path in the file: `keys.web-prod`. */
  readonly path: string;
  /** Null: the file declares the row now, and the API refuses to change it. Else when it vanished from the file. */
  readonly removedAt: EpochMs | null;
}

export interface Tenant {
  readonly id: TenantId;
  readonly name: string;
  readonly createdAt: EpochMs;
  /** Set: its keys are refused. A tenant is never deleted: its entries keep naming it. */
  readonly disabledAt: EpochMs | null;
  /** 32 random bytes in hex: the HMAC key of its end users' ids. Never leaves the store by API. */
  readonly secret: string;
  /** Shows `usage.cost` in answers to this tenant; null: as the operator's file says. */
  readonly costExpose: 'none' | 'cost' | null;
  /** Name of the plan that it is on: whose layer it gets. Absent or null: none. */
  readonly plan?: string | null;
  readonly declared?: Declaration;
}

export interface Team {
  readonly id: TeamId;
  readonly tenant: TenantId;
  readonly name: string;
  readonly createdAt: EpochMs;
  readonly disabledAt: EpochMs | null;
  readonly declared?: Declaration;
}

/** What a caller may say of itself by header; anything else is a 400 that names the header (clients.md 24). */
export interface KeyRights {
  /** Features that it may name; `'*'`: every feature of the file. Empty: none. */
  readonly features: readonly string[] | '*';
  readonly endUser: boolean;
  readonly session: boolean;
  readonly agent: boolean;
  readonly purpose: boolean;
  /** Names of labels that it may set. */
  readonly labels: readonly string[];
}

export interface ApiKey {
  readonly id: KeyId;
  readonly tenant: TenantId;
  readonly team: TeamId | null;
  readonly name: string;
  /** Whom to ask. */
  readonly owner: string | null;
  /** SHA-256 of the raw key in hex. The raw key is shown once and never stored. */
  readonly hash: string;
  /** First characters of the raw key, so that people recognise it (`hg_3fA9…`); empty for an imported hash. */
  readonly hint: string;
  /** Hashes of earlier raw keys that still work until their time (rotation with overlap). */
  readonly previous: readonly { readonly hash: string; readonly until: EpochMs }[];
  readonly createdAt: EpochMs;
  readonly expiresAt: EpochMs | null;
  readonly revokedAt: EpochMs | null;
  /** Models that it may call, exact or with a trailing `*`; null: all that its tenant may. */
  readonly models: readonly string[] | null;
  readonly rights: KeyRights;
  /** Feature and labels of a call that names none. */
  readonly defaultFeature: FeatureName | null;
  readonly defaultLabels: Readonly<Record<string, string>>;
  /** An operator's own key sees `x-headgate-upstream-*` (clients.md 16). */
  readonly operator: boolean;
  readonly declared?: Declaration;
}

export type BudgetLevel = 'operator' | 'tenant' | 'team' | 'feature' | 'key' | 'end_user';

/** Whose money: `tenant` is null at the operator's level alone; `id` names team, feature, key or end user. */
export interface BudgetScope {
  readonly level: BudgetLevel;
  readonly tenant: TenantId | null;
  readonly id: string | null;
}

export type BudgetWindow =
  /** Calendar day, week (Monday) or month in the budget's own time zone (IANA name). */
  | { readonly kind: 'calendar'; readonly unit: 'day' | 'week' | 'month'; readonly timeZone: string }
  /** The last `ms` milliseconds, counted by minutes. */
  | { readonly kind: 'rolling'; readonly ms: number }
  /** Never resets. */
  | { readonly kind: 'total' };

/** Money that another gateway counted before this one took over. It is no call: the ledger does not know of it. */
export interface OpeningBalance {
  readonly spentNanoUsd: NanoUsd;
  /** The instant at which it counts as spent: it leaves the budget when spending of that instant does. */
  readonly at: EpochMs;
  /** Who counted it, for people: `litellm`. */
  readonly source: string;
}

export interface Budget {
  readonly id: BudgetId;
  readonly scope: BudgetScope;
  readonly limitNanoUsd: NanoUsd;
  readonly window: BudgetWindow;
  /** `strict`: reserves the worst case, overshoot 0. `bounded`: reserves the learnt p95, overshoot stated. */
  readonly mode: 'strict' | 'bounded';
  /** `bounded` alone: a stream ends with an in-band error when the money is gone. */
  readonly endWhenSpent: boolean;
  /** Shares of the limit at which the gate warns, ascending (0.8). */
  readonly warnAt: readonly number[];
  /** Reservation for a call whose model has no price; null: such a call is refused as `price_unknown`. */
  readonly unknownPriceNanoUsd: NanoUsd | null;
  /** Money added until a time; expires by itself. */
  readonly raise: {
    readonly byNanoUsd: NanoUsd;
    readonly until: EpochMs;
    readonly actor: string;
    readonly reason: string;
  } | null;
  /** Absent or null: counting began here. Never on a budget that is a pot for each of many. */
  readonly opening?: OpeningBalance | null | undefined;
  /** Whom a refusal names. */
  readonly contact: string | null;
  readonly createdAt: EpochMs;
  readonly declared?: Declaration;
}

/** What a limit counts. Tokens are reserved at admission and corrected to what the call used. */
export type LimitUnit = 'requests' | 'input_tokens' | 'output_tokens' | 'total_tokens' | 'concurrency';

/** How much of something may be used at once, or within any minute or any 24 hours. */
export interface Limit {
  readonly id: LimitId;
  /** Whose use: as of budgets, an absent id is a counter for each of many. */
  readonly scope: BudgetScope;
  readonly unit: LimitUnit;
  /** Sliding; null for concurrency alone, which has none. */
  readonly window: 'minute' | 'day' | null;
  /** Whole and not negative; 0 refuses every call. */
  readonly limit: number;
  /** Added until a time; negative: taken away. Expires by itself. */
  readonly raise: {
    readonly by: number;
    readonly until: EpochMs;
    readonly actor: string;
    readonly reason: string;
  } | null;
  /** Whom a refusal names. */
  readonly contact: string | null;
  readonly createdAt: EpochMs;
  readonly declared?: Declaration;
}

/**
 * A price that the operator set, or a row of a list that was imported: the first wins over the second, and both over
 * the built-in list. A row's prices never change: a new price is a new row. Money for one million units of each bucket.
 */
export interface PriceOverride {
  readonly id: string;
  /** Provider name, or `*`; of an imported row the provider's id in public price lists. */
  readonly provider: string;
  readonly model: string;
  readonly validFrom: EpochMs;
  /** `{input: "2.50", "input>200000": "5", output: "10"}`: bucket name to decimal dollars for a million. */
  readonly prices: Readonly<Record<string, string>>;
  readonly source: string;
  /** Absent: a price of the operator's own. */
  readonly imported?: ImportedFrom;
}

/** Price lists that can be imported, in the order in which they are believed. */
export const PRICE_LISTS = ['litellm', 'models.dev'] as const;
export type PriceList = (typeof PRICE_LISTS)[number];

/** Where an imported row comes from. */
export interface ImportedFrom {
  readonly list: PriceList;
  /** SHA-256 of the list as it was read, its first 16 hex digits. */
  readonly hash: string;
  /** The last import that had the row with this price. */
  readonly seenAt: EpochMs;
}

/** What an operator does for a time. It ends by itself at `until`: whoever reads it compares, no job resets it. */
interface TimedLever {
  readonly id: string;
  /** Why, in the operator's own words. */
  readonly reason: string;
  readonly actor: string;
  readonly startedAt: EpochMs;
  readonly until: EpochMs;
}

/** A provider, a deployment (`provider/model`) or a model that gets no new calls. */
export interface Drain extends TimedLever {
  readonly kind: 'drain';
  readonly target: { readonly level: 'provider' | 'deployment' | 'model'; readonly name: string };
}

/** Calls whose text is kept for a time; null: any. */
export interface CaptureRule extends TimedLever {
  readonly kind: 'capture';
  readonly scope: {
    readonly tenant: string | null;
    readonly feature: string | null;
    readonly key: string | null;
    readonly model: string | null;
  };
  /** Share of the calls in scope, above 0 and at most 1. */
  readonly ratio: number;
}

export type Lever = Drain | CaptureRule;

/** Levers in force: at `until` itself one is over. */
export const inForce = <T extends Lever>(levers: readonly T[], now: EpochMs): readonly T[] =>
  levers.filter(({ until }) => until > now);

/** An id that a provider keeps, bound to who made it (clients.md 14). */
export interface KeptId {
  readonly kind: string;
  readonly id: string;
  readonly tenant: TenantId;
  readonly key: KeyId;
  readonly deployment: string;
  readonly at: EpochMs;
}

export interface AuditEntry {
  readonly id: string;
  readonly at: EpochMs;
  /** Name of the admin token or `system`. */
  readonly actor: string;
  /** `key.create`, `budget.raise`, … */
  readonly action: string;
  readonly subject: string;
  readonly tenant: TenantId | null;
  /** JSON of what changed, without secrets. */
  readonly detail: string;
}

/** Whose questions an admin token opens: everything, everything that reads, or one tenant's own. */
export type TokenScope = 'operator' | 'reader' | 'tenant';

/** A named token of the admin API. Its text is kept nowhere. */
export interface AdminToken {
  readonly id: string;
  readonly name: string;
  /** SHA-256 of its text in hex. */
  readonly hash: string;
  readonly scope: TokenScope;
  /** Of the scope `tenant` alone. */
  readonly tenant: TenantId | null;
  readonly createdAt: EpochMs;
  readonly expiresAt: EpochMs | null;
  readonly revokedAt: EpochMs | null;
}

export interface StateSnapshot {
  readonly tenants: readonly Tenant[];
  readonly teams: readonly Team[];
  readonly keys: readonly ApiKey[];
  readonly budgets: readonly Budget[];
  readonly limits: readonly Limit[];
  readonly layers: readonly Layer[];
  readonly prices: readonly PriceOverride[];
  readonly levers: readonly Lever[];
  readonly tokens: readonly AdminToken[];
}

export type StateChange =
  | { readonly put: 'tenant'; readonly value: Tenant }
  | { readonly put: 'team'; readonly value: Team }
  | { readonly put: 'key'; readonly value: ApiKey }
  | { readonly put: 'budget'; readonly value: Budget }
  | { readonly put: 'limit'; readonly value: Limit }
  | { readonly put: 'layer'; readonly value: Layer }
  | { readonly put: 'price'; readonly value: PriceOverride }
  | { readonly put: 'lever'; readonly value: Lever }
  | { readonly put: 'token'; readonly value: AdminToken }
  | { readonly remove: 'budget'; readonly id: BudgetId }
  | { readonly remove: 'limit'; readonly id: LimitId }
  | { readonly remove: 'layer'; readonly id: string }
  | { readonly remove: 'price'; readonly id: string }
  | { readonly remove: 'lever'; readonly id: string };

/** Newest first, at most `limit`; `before`: an id, older ones alone. */
export interface AuditQuestion {
  readonly whose: Whose;
  readonly action?: string;
  readonly limit: number;
  readonly before?: string;
}

/** What changes by the hour. Each change carries its audit entry and both commit together. */
export interface StateStore {
  /** Everything: read at start, kept in memory by the gate, so that no call waits for the store. */
  load(whose: EveryTenant): Promise<StateSnapshot>;
  /** All or nothing, with every audit entry. Sent again under the first entry's id it happens once. */
  apply(changes: readonly StateChange[], audit: AuditEntry, ...more: readonly AuditEntry[]): Promise<void>;
  audit(question: AuditQuestion): Promise<readonly AuditEntry[]>;
  /** First writer wins; returns who owns the id now. */
  keepId(id: KeptId): Promise<KeptId>;
  /** The tenant's own alone: of another's nothing is read that could be told by time. */
  keptId(tenant: TenantId, kind: string, id: string): Promise<KeptId | null>;
  close(): Promise<void>;
}
