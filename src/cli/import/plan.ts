/** What an import has found and means to do: data, before anything is written. */

/** `left`: not carried over. `changed`: carried over, and behaves differently. `note`: for the reader alone. */
export type FindingKind = 'left' | 'changed' | 'note';

/** One thing that the earlier gateway had and that is not here as it was. */
export interface Finding {
  readonly kind: FindingKind;
  /** `config.yaml:12`, or a row of a table: `LiteLLM_TeamTable team_id=t1`. */
  readonly place: string;
  /** In the earlier gateway's own words: `router_settings.cooldown_time`. Never a value that may be a secret. */
  readonly what: string;
  readonly why: string;
  /** What the operator can do; null: nothing is needed. */
  readonly remedy: string | null;
}

/** Collects findings while a source is read. */
export class Findings {
  readonly all: Finding[] = [];

  add(kind: FindingKind, place: string, what: string, [why, remedy = null]: Reason): void {
    this.all.push({ kind, place, what, why, remedy });
  }
}

/** Why, and what to do about it. */
export type Reason = readonly [why: string, remedy?: string | null];

export interface WantedProvider {
  readonly kind: string;
  readonly baseUrl?: string;
  /** A reference: `${env:NAME}`. */
  readonly apiKey?: string;
  readonly timers?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  /** Of cloud platforms. */
  readonly region?: string;
  readonly project?: string;
  readonly location?: string;
  readonly profile?: string;
  /** References. */
  readonly accessKeyId?: string;
  readonly secretAccessKey?: string;
}
export interface WantedDeployment {
  readonly provider: string;
  readonly model?: string;
  readonly weight?: number;
  readonly order?: number;
  readonly onUnsupported?: 'drop';
}
export interface WantedPrice {
  readonly provider: string;
  readonly model: string;
  readonly perMillion: Readonly<Record<string, string>>;
}

/** Sections of headgate.yaml. */
export interface WantedConfig {
  readonly providers: Readonly<Record<string, WantedProvider>>;
  readonly models: Readonly<Record<string, readonly WantedDeployment[]>>;
  readonly prices: readonly WantedPrice[];
  /** Attempts of one call in all; null: as Headgate has it. */
  readonly attempts: number | null;
}

export interface WantedTenant {
  readonly id: string;
  readonly name: string;
}
export interface WantedTeam {
  /** `tenant.slug` */
  readonly id: string;
  readonly tenant: string;
  readonly slug: string;
  readonly name: string;
}
export interface WantedKey {
  readonly tenant: string;
  readonly team: string | null;
  readonly name: string;
  readonly owner: string | null;
  readonly expiresAt: string | null;
  readonly models: readonly string[] | null;
  readonly material: { readonly sha256: string } | { readonly raw: string };
}
export interface WantedBudget {
  readonly level: 'tenant' | 'team' | 'key';
  readonly tenant: string;
  /** Id of the team, name of the key; null: the tenant's own. */
  readonly subject: string | null;
  readonly limitUsd: string;
  readonly window: string;
  readonly timeZone: string;
  readonly unknownPriceUsd: string | null;
  readonly warnAt: readonly number[] | null;
  readonly opening: { readonly spentUsd: string; readonly at: string; readonly source: string } | null;
}

/** What goes in by the admin API. */
export interface WantedState {
  readonly tenants: readonly WantedTenant[];
  readonly teams: readonly WantedTeam[];
  readonly keys: readonly WantedKey[];
  readonly budgets: readonly WantedBudget[];
}
export const NO_STATE: WantedState = { tenants: [], teams: [], keys: [], budgets: [] };

/** Bound of a model's name in headgate.yaml, the caller's and the provider's alike. */
export const MOST_NAME_CHARS = 128;
