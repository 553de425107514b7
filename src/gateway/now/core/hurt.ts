import { DdSketch } from '#math/ddsketch.ts';
import type { SpendRow } from '#ports/ledger-store.ts';
import { chanceOf, LEAST_NOW, LEAST_USUAL, moreThanUsual, PLAINLY_BAD } from './judge.ts';

/** By what calls are grouped, in the order of the ledger's answer. */
export const GROUPED_BY = ['tenant', 'feature', 'model'] as const;
export type GroupKind = (typeof GROUPED_BY)[number];

/** A tenant, feature or model whose calls fail more often or take longer than its own usual. */
export interface Hurt {
  readonly by: GroupKind;
  readonly name: string;
  readonly calls: number;
  readonly failed: number;
  /** Share of its calls that failed in the week before; null: too few to say. */
  readonly usualFailed: number | null;
  readonly usualCalls: number;
  /** Null: nothing was measured. */
  readonly p99Ms: number | null;
  readonly usualP99Ms: number | null;
  readonly why: 'failures' | 'latency' | 'both';
  /** The chance that the usual would look like this. */
  readonly chance: number;
}

export interface Judged {
  readonly hurt: readonly Hurt[];
  /** Groups with calls in the window, and those with too few to be judged. */
  readonly groups: number;
  readonly tooFew: number;
}

/** By a sample: what is only a little slower there may be so in truth. */
const SUSPECT = 1.3;
const SLOWER = { times: 1.5, calls: 5, share: 0.02 } as const;
/** Shared among all groups: one look in a thousand cries wolf. */
const ALPHA = 0.001;

interface Group {
  readonly by: GroupKind;
  readonly name: string;
  calls: number;
  failed: number;
  readonly totalMs: DdSketch;
}

/** Which groups may be slower than usual, by a sample of what is usual: only theirs is read in full. At most `most`. */
export function slowSuspects(now: readonly SpendRow[], sample: readonly SpendRow[], most: number): Name[] {
  const usual = grouped(sample);
  return [...grouped(now).values()]
    .filter(({ calls }) => calls >= LEAST_NOW)
    .map((group) => ({ by: group.by, name: group.name, calls: group.calls, by99: slower(group, usual) }))
    .filter(({ by99 }) => by99 >= SUSPECT)
    .sort((a, b) => b.calls - a.calls)
    .slice(0, most)
    .map(({ by, name }) => ({ by, name }));
}

const slower = (group: Group, usual: ReadonlyMap<string, Group>): number => {
  const [own, other] = [group, usual.get(keyOf(group.by, group.name))].map(
    (one) => one?.totalMs.quantile(0.99) ?? null,
  );
  return own === null || other === null || other === undefined || own === undefined ? 0 : own / other;
};

export interface Name {
  readonly by: GroupKind;
  readonly name: string;
}

/**
 * Compares each tenant, feature and model with its own week before. Rows are by {@link GROUPED_BY}, those of now with
 * sketches; `weeks`: sketches of the week of the groups that may be slow, by {@link keyOf}.
 */
export function judge(
  now: readonly SpendRow[],
  before: readonly SpendRow[],
  weeks: ReadonlyMap<string, DdSketch>,
): Judged {
  const usual = grouped(before);
  const groups = [...grouped(now).values()];
  const judgeable = groups.filter(({ calls }) => calls >= LEAST_NOW);
  const alpha = ALPHA / Math.max(1, judgeable.length);
  const hurt = judgeable
    .flatMap((group) => {
      const key = keyOf(group.by, group.name);
      return hurtOf(group, { ofGroup: usual.get(key), week: weeks.get(key) ?? null }, alpha) ?? [];
    })
    .sort((a, b) => b.failed / b.calls - a.failed / a.calls || b.calls - a.calls);
  return { hurt, groups: groups.length, tooFew: groups.length - judgeable.length };
}

export const keyOf = (by: string, name: string): string => `${by}\n${name}`;

function grouped(rows: readonly SpendRow[]): Map<string, Group> {
  const groups = new Map<string, Group>();
  for (const row of rows) {
    const sketch = DdSketch.fromText(row.totalMsSketch);
    GROUPED_BY.forEach((by, i) => {
      const name = row.by[i] ?? null;
      if (name === null) return;
      const key = keyOf(by, name);
      let group = groups.get(key);
      if (!group) groups.set(key, (group = { by, name, calls: 0, failed: 0, totalMs: new DdSketch() }));
      group.calls += row.calls;
      group.failed += row.errors;
      group.totalMs.merge(sketch);
    });
  }
  return groups;
}

interface Usual {
  readonly ofGroup: Group | undefined;
  /** Null: nothing looked slow. */
  readonly week: DdSketch | null;
}

function hurtOf(group: Group, { ofGroup: usual, week }: Usual, alpha: number): Hurt | null {
  const failures = failureChance(group, usual);
  const latency = latencyChance(group, week);
  const [fails, slow] = [failures < alpha, latency < alpha];
  if (!fails && !slow) return null;
  const known = usual !== undefined && usual.calls >= LEAST_USUAL;
  return {
    ...{ by: group.by, name: group.name, calls: group.calls, failed: group.failed },
    usualFailed: known ? usual.failed / usual.calls : null,
    usualCalls: usual?.calls ?? 0,
    p99Ms: group.totalMs.quantile(0.99),
    usualP99Ms: week?.quantile(0.99) ?? null,
    why: fails && slow ? 'both' : fails ? 'failures' : 'latency',
    chance: Math.min(failures, latency),
  };
}

const failureChance = ({ calls, failed }: Group, usual: Group | undefined): number =>
  moreThanUsual({ all: calls, bad: failed }, usual && { all: usual.calls, bad: usual.failed }, PLAINLY_BAD);

/** Calls above the usual p99 are one in a hundred; twice as many are let pass, since hours of a day differ. */
function latencyChance({ totalMs }: Group, week: DdSketch | null): number {
  const p99 = week !== null && week.count >= LEAST_USUAL ? week.quantile(0.99) : null;
  const own = totalMs.quantile(0.99);
  if (p99 === null || own === null || own < p99 * SLOWER.times) return 1;
  const above = Math.round(totalMs.count * (1 - totalMs.shareAtMost(p99)!));
  return above < SLOWER.calls ? 1 : chanceOf(above, totalMs.count, SLOWER.share);
}
