/** An import as data: what it would make, what is there, and what stays behind. */
import type { Finding, WantedBudget, WantedConfig, WantedKey, WantedState } from './plan.ts';
import type { StateDiff } from './state-diff.ts';

/** A key without its hash: whoever has one can test guesses. */
type ShownKey = Omit<WantedKey, 'material'>;

export interface ImportReport {
  readonly report: 'import';
  /** `litellm` */
  readonly from: string;
  /** Files and databases that were read. */
  readonly sources: readonly string[];
  readonly config: {
    /** Where it goes; null: nothing of it was found. */
    readonly file: string | null;
    readonly providers: WantedConfig['providers'];
    readonly models: WantedConfig['models'];
    readonly prices: WantedConfig['prices'];
    readonly attempts: number | null;
  };
  readonly state: {
    /** Where it goes: the address of a gate, or a data folder. */
    readonly target: string | null;
    readonly tenants: WantedState['tenants'];
    readonly teams: WantedState['teams'];
    readonly keys: readonly ShownKey[];
    readonly budgets: readonly WantedBudget[];
    readonly there: StateDiff['there'];
  };
  readonly findings: readonly Finding[];
  /** Null: a plan, and nothing was changed. */
  readonly applied: {
    readonly wrote: string | null;
    readonly made: number;
    readonly conflicts: readonly string[];
  } | null;
}

export interface ReportParts {
  readonly from: string;
  readonly sources: readonly string[];
  readonly config: WantedConfig;
  readonly file: string | null;
  readonly target: string | null;
  readonly diff: StateDiff;
  readonly findings: readonly Finding[];
}

export function importReport({ from, sources, config, file, target, diff, findings }: ReportParts): ImportReport {
  const { providers, models, prices, attempts } = config;
  const { tenants, teams, keys, budgets } = diff.create;
  return {
    ...{ report: 'import', from, sources },
    config: { file, providers, models, prices, attempts },
    state: {
      ...{ target, tenants, teams, budgets, there: diff.there },
      keys: keys.map(({ material: _, ...key }) => key),
    },
    ...{ findings, applied: null },
  };
}

/** Did everything fit? */
export const isWhole = ({ findings }: Pick<ImportReport, 'findings'>): boolean =>
  !findings.some(({ kind }) => kind === 'left');
