/** What judges were asked and what came of it. Pure: folded from events, whoever keeps them. */

/** What became of a judgement that was asked for. */
export const JUDGEMENT_ENDS = [
  /** A score. */
  'scored',
  /** What the judge said is no verdict. */
  'unparsable',
  /** The judge would not. */
  'refusal',
  'timeout',
  /** Its provider failed. */
  'failed',
  /** The gate refused it: a budget of the tenant, a drain. */
  'refused',
  /** Regions or own keys of the tenant leave no judge. */
  'forbidden',
  /** The process ended first. */
  'lost',
] as const;
export type JudgementEnd = (typeof JUDGEMENT_ENDS)[number];

/** Why a call that was drawn was not judged. */
export const JUDGE_SKIPS = [
  'hour_full',
  'day_full',
  'budget_spent',
  /** Nobody knows what it would cost. */
  'unpriced',
  /** Too much waited. */
  'dropped',
  'too_long',
  'no_text',
  /** Call or answer could not be read. */
  'unread',
] as const;
export type JudgeSkip = (typeof JUDGE_SKIPS)[number];

/** One judge of one feature, about one tenant. */
export interface JudgeOf {
  readonly feature: string;
  readonly judge: string;
  readonly tenant: string;
}

export type JudgeEvent = JudgeOf & { readonly at: number } & (
    | { readonly do: 'ask'; readonly call: string }
    | { readonly do: 'end'; readonly call: string; readonly end: JudgementEnd; readonly costNanoUsd: bigint | null }
    | { readonly do: 'skip'; readonly why: JudgeSkip }
  );

export type JudgeCounts = Readonly<Partial<Record<JudgementEnd | JudgeSkip | 'asked', number>>>;

export interface JudgeBounds {
  readonly maxPerHour: number;
  readonly maxPerDay: number;
  readonly budgetPerDay: bigint;
}

/** As it is written down. */
export interface JudgeState {
  readonly open: readonly (JudgeOf & { readonly call: string })[];
  readonly counts: readonly (JudgeOf & { readonly counts: JudgeCounts })[];
  readonly uses: readonly (Pick<JudgeOf, 'feature' | 'judge'> & {
    readonly hour: number;
    readonly asked: number;
    readonly day: number;
    readonly askedToday: number;
    readonly spentToday: string;
    readonly dearest: string;
  })[];
}

interface Use {
  hour: number;
  asked: number;
  day: number;
  askedToday: number;
  spentToday: bigint;
  /** Of one judgement: what one costs that nobody knows the cost of. */
  dearest: bigint;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** Judges times tenants that are counted by name; further tenants are one. */
const MOST_COUNTED = 20_000;
export const OTHER_TENANTS = '(others)';

const nameOf = (...parts: readonly string[]): string => JSON.stringify(parts);

export class JudgeTally {
  readonly #open = new Map<string, JudgeOf & { readonly call: string }>();
  readonly #counts = new Map<string, JudgeOf & { readonly counts: Record<string, number> }>();
  readonly #uses = new Map<string, Use>();

  constructor(state?: JudgeState) {
    for (const one of state?.open ?? []) this.#open.set(nameOf(one.feature, one.judge, one.call), one);
    for (const one of state?.counts ?? []) Object.assign(this.#countsOf(one), one.counts);
    for (const { feature, judge, spentToday, dearest, ...use } of state?.uses ?? [])
      this.#uses.set(nameOf(feature, judge), {
        ...use,
        spentToday: BigInt(spentToday),
        dearest: BigInt(dearest),
      });
  }

  /** May one more be asked? */
  room({ feature, judge }: Pick<JudgeOf, 'feature' | 'judge'>, bounds: JudgeBounds, now: number): JudgeSkip | null {
    const use = this.#useAt(feature, judge, now);
    if (use.spentToday >= bounds.budgetPerDay) return 'budget_spent';
    if (use.askedToday >= bounds.maxPerDay) return 'day_full';
    return use.asked >= bounds.maxPerHour ? 'hour_full' : null;
  }

  apply(event: JudgeEvent): void {
    const { feature, judge, tenant, at } = event;
    const counts = this.#countsOf(event);
    const bump = (name: string): void => void (counts[name] = (counts[name] ?? 0) + 1);
    if (event.do === 'skip') return bump(event.why);
    const use = this.#useAt(feature, judge, at);
    const name = nameOf(feature, judge, event.call);
    if (event.do === 'ask') {
      use.asked++;
      use.askedToday++;
      this.#open.set(name, { feature, judge, tenant, call: event.call });
      return bump('asked');
    }
    this.#open.delete(name);
    bump(event.end);
    const cost = event.costNanoUsd ?? use.dearest;
    use.spentToday += cost;
    if (cost > use.dearest) use.dearest = cost;
  }

  /** Asked, and not ended. */
  open(): readonly (JudgeOf & { readonly call: string })[] {
    return [...this.#open.values()];
  }

  /** By feature, judge and tenant. */
  counts(): readonly (JudgeOf & { readonly counts: JudgeCounts })[] {
    return [...this.#counts.values()];
  }

  spentToday({ feature, judge }: Pick<JudgeOf, 'feature' | 'judge'>, now: number): bigint {
    return this.#useAt(feature, judge, now).spentToday;
  }

  state(): JudgeState {
    const uses = [...this.#uses].map(([name, { spentToday, dearest, ...use }]) => {
      const [feature, judge] = JSON.parse(name) as [string, string];
      return { feature, judge, ...use, spentToday: String(spentToday), dearest: String(dearest) };
    });
    return { open: this.open(), counts: this.counts(), uses };
  }

  #countsOf({ feature, judge, tenant }: JudgeOf): Record<string, number> {
    const full = this.#counts.size >= MOST_COUNTED && !this.#counts.has(nameOf(feature, judge, tenant));
    const of = { feature, judge, tenant: full ? OTHER_TENANTS : tenant };
    const name = nameOf(feature, judge, of.tenant);
    let found = this.#counts.get(name);
    if (!found) this.#counts.set(name, (found = { ...of, counts: {} }));
    return found.counts;
  }

  /** A clock that was set back goes on in the hour that there is. */
  #useAt(feature: string, judge: string, now: number): Use {
    const name = nameOf(feature, judge);
    let use = this.#uses.get(name);
    const [hour, day] = [Math.floor(now / HOUR_MS), Math.floor(now / DAY_MS)];
    if (!use) {
      use = { hour, asked: 0, day, askedToday: 0, spentToday: 0n, dearest: 0n };
      this.#uses.set(name, use);
    }
    if (hour > use.hour) Object.assign(use, { hour, asked: 0 });
    if (day > use.day) Object.assign(use, { day, askedToday: 0, spentToday: 0n });
    return use;
  }
}
