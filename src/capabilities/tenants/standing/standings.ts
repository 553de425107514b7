/** How all tenants stand, gathered from what each figure comes from and kept for a while. */
import type { EpochMs } from '#kernel/brand.ts';
import { everyTenant } from '#kernel/whose.ts';
import { KeptAnswers, type Kept } from '#kernel/kept-answers.ts';
import { ZERO_USD } from '#kernel/money.ts';
import { DdSketch } from '#math/ddsketch.ts';
import type { LedgerStore } from '#ports/ledger-store.ts';
import type { Books } from '../attribution/books.ts';
import type { MarginReport } from '../attribution/report.ts';
import { usedShare, type BudgetFigures } from '../budget-figures.ts';
import { limitShares, type LimitShare } from '../limit-shares.ts';
import type { QualityLine } from '../quality/core/quality.ts';
import type { Tenants } from '../tenants.ts';
import type { Standing, WindowSums } from './core/standing.ts';

interface Sources {
  readonly ledger: Pick<LedgerStore, 'spend'>;
  readonly tenants: Tenants;
  readonly books: Books;
  readonly features: () => ReadonlySet<string>;
  /** The worst first. */
  readonly quality: () => Promise<readonly QualityLine[]>;
  readonly now: () => EpochMs;
}

export interface StandingsAsked {
  /** Length of a window that ends now, or its two ends. */
  readonly window: { readonly lastMs: number } | { readonly from: EpochMs; readonly to: EpochMs };
  readonly environment?: string | undefined;
}

/** What of them is not there yet. */
export type Reading = 'month' | 'latency';

export interface Standings {
  readonly rows: readonly Standing[];
  readonly at: number;
  readonly from: EpochMs;
  readonly to: EpochMs;
  readonly month: Kept<MarginReport> | null;
  readonly reading: readonly Reading[];
}

interface WindowRows {
  readonly from: EpochMs;
  readonly to: EpochMs;
  readonly sums: ReadonlyMap<string, WindowSums>;
}

/** What the gate holds in memory. */
interface Held {
  readonly limits: ReadonlyMap<string, readonly LimitShare[]>;
  readonly budgets: ReadonlyMap<string, readonly BudgetFigures[]>;
  readonly quality: ReadonlyMap<string, QualityLine>;
}

const ALL = everyTenant('how all tenants stand is the operator’s question');
const AGES = { most: 8, freshMs: 2_000, staleMs: 300_000 } as const;
/** So long a page waits for what takes longest; then it shows the rest. */
const PATIENCE_MS = 100;
/** Budgets that are looked at: a microsecond or two each. */
const MOST_BUDGETS = 50_000;

export class TenantStandings {
  readonly #sources: Sources;
  readonly #windows: KeptAnswers<WindowRows>;
  readonly #latency: KeptAnswers<ReadonlyMap<string, number>>;
  readonly #held: KeptAnswers<Held>;
  #last: (Parts & { readonly rows: readonly Standing[] }) | null = null;

  constructor(sources: Sources) {
    this.#sources = sources;
    const options = { ...AGES, now: sources.now };
    this.#windows = new KeptAnswers(options);
    this.#latency = new KeptAnswers(options);
    this.#held = new KeptAnswers(options);
  }

  async of(asked: StandingsAsked): Promise<Standings> {
    const { books } = this.#sources;
    const question = JSON.stringify(asked);
    // The store answers in the order of asking: what is waited for goes first.
    const window = this.#windows.get(question, () => this.#sums(asked));
    const latency = soon(this.#latency.get(question, () => this.#p99(asked)));
    const month = soon(books.margins(undefined));
    const [sums, held] = await Promise.all([window, this.#held.get('', () => this.#look())]);
    const [margins, p99] = [await month, await latency];
    return {
      rows: this.#known({ sums: sums.value.sums, held: held.value, p99: p99?.value, margins: margins?.value }),
      ...{ at: sums.at, from: sums.value.from, to: sums.value.to, month: margins },
      reading: [...(margins ? [] : ['month' as const]), ...(p99 ? [] : ['latency' as const])],
    };
  }

  #window({ window }: StandingsAsked): { readonly from: EpochMs; readonly to: EpochMs } {
    if ('from' in window) return window;
    const to = (this.#sources.now() + 1) as EpochMs;
    return { from: (to - window.lastMs) as EpochMs, to };
  }

  async #sums(asked: StandingsAsked): Promise<WindowRows> {
    const window = this.#window(asked);
    const rows = await this.#sources.ledger.spend({
      ...window,
      ...environmentOf(asked),
      whose: ALL,
      by: ['tenant'],
      sketches: false,
    });
    return { ...window, sums: new Map(rows.map((row) => [row.by[0]!, row])) };
  }

  /** Merging the sketches of all is thrice the work of their sums. */
  async #p99(asked: StandingsAsked): Promise<ReadonlyMap<string, number>> {
    const rows = await this.#sources.ledger.spend({
      ...{ ...this.#window(asked), ...environmentOf(asked), whose: ALL },
      by: ['tenant'],
    });
    return new Map(
      rows.flatMap(({ by, totalMsSketch }) => {
        const p99 = totalMsSketch === null ? null : DdSketch.fromText(totalMsSketch).quantile(0.99);
        return p99 === null ? [] : [[by[0]!, p99] as const];
      }),
    );
  }

  async #look(): Promise<Held> {
    const { tenants, features, quality, now } = this.#sources;
    const { shares } = await limitShares(tenants, { now: now(), whose: ALL, features: features() });
    const budgets = await tenants.fullestBudgets(MOST_BUDGETS);
    const worst = new Map<string, QualityLine>();
    for (const line of await quality()) if (!worst.has(line.tenant)) worst.set(line.tenant, line);
    return {
      limits: Map.groupBy(shares, ({ limit }) => limit.scope.tenant ?? ''),
      budgets: Map.groupBy(budgets, ({ budget }) => budget.scope.tenant ?? ''),
      quality: worst,
    };
  }

  /** Made once of the same parts: pages and searches of one look ask for them again and again. */
  #known(parts: Parts): readonly Standing[] {
    const { sums, held, p99, margins } = parts;
    const last = this.#last;
    if (last?.sums !== sums || last.held !== held || last.p99 !== p99 || last.margins !== margins)
      this.#last = { ...parts, rows: this.#rows(parts) };
    return this.#last!.rows;
  }

  #rows({ sums, held, p99, margins }: Parts): readonly Standing[] {
    const { directory } = this.#sources.tenants;
    const months = new Map(margins?.lines.map((line) => [line.tenant ?? '', line]));
    const each = countsByTenant(directory.budgets(ALL));
    const limits = countsByTenant(directory.limits(ALL));
    const ids = new Set([...[...directory.tenants()].map(({ id }): string => id), ...sums.keys()]);
    return [...ids].map((id): Standing => {
      const tenant = directory.tenant(id);
      const budget = held.budgets.get(id)?.[0];
      return {
        ...(sums.get(id) ?? NO_CALLS),
        ...{ tenant: id, name: tenant?.name ?? null, plan: tenant?.plan ?? null },
        disabled: tenant !== undefined && tenant.disabledAt !== null,
        p99Ms: p99?.get(id) ?? null,
        month: months.get(id) ?? null,
        ...{ limit: held.limits.get(id)?.[0] ?? null, limits: limits.get(id) ?? 0 },
        ...{ budget: budget ? { ...budget, share: usedShare(budget) } : null, budgets: each.get(id) ?? 0 },
        quality: held.quality.get(id) ?? null,
      };
    });
  }
}

interface Parts {
  readonly sums: ReadonlyMap<string, WindowSums>;
  readonly held: Held;
  readonly p99: ReadonlyMap<string, number> | undefined;
  readonly margins: MarginReport | undefined;
}

const NO_CALLS: WindowSums = {
  ...{ calls: 0, errors: 0, costNanoUsd: ZERO_USD, unknownCostCalls: 0, estimatedNanoUsd: ZERO_USD },
};

const environmentOf = ({ environment }: StandingsAsked): object => (environment === undefined ? {} : { environment });

function countsByTenant(rows: Iterable<{ readonly scope: { readonly tenant: string | null } }>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { scope } of rows)
    if (scope.tenant !== null) counts.set(scope.tenant, (counts.get(scope.tenant) ?? 0) + 1);
  return counts;
}

/** Null where it takes longer, or could not be made: who asks again finds it. */
function soon<T>(promise: Promise<T>): Promise<T | null> {
  let timer: NodeJS.Timeout;
  const patience = new Promise<null>((resolve) => (timer = setTimeout(resolve, PATIENCE_MS, null)));
  return Promise.race([promise, patience])
    .catch(() => null)
    .finally(() => clearTimeout(timer));
}
