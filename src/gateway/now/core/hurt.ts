import { DdSketch } from '#math/ddsketch.ts';
import { chanceOf, LEAST_NOW, LEAST_USUAL, moreThanUsual, PLAINLY_BAD } from './judge.ts';

/** By what calls are grouped, each in a question of its own. */
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

/** A group's calls in the window. */
export interface Group {
  readonly by: GroupKind;
  readonly name: string;
  readonly calls: number;
  readonly failed: number;
  /** Null: too few calls to judge. */
  readonly totalMs: DdSketch | null;
}

/** A group's calls in the week before. */
export interface Usual {
  readonly calls: number;
  readonly failed: number;
}

/** Which groups may be slower than usual, by a sample of what is usual: only theirs is read in full. At most `most`. */
export function slowSuspects(now: readonly Group[], sample: ReadonlyMap<string, DdSketch>, most: number): Name[] {
  return now
    .filter(({ calls }) => calls >= LEAST_NOW)
    .map((group) => ({ by: group.by, name: group.name, calls: group.calls, by99: slower(group, sample) }))
    .filter(({ by99 }) => by99 >= SUSPECT)
    .sort((a, b) => b.calls - a.calls)
    .slice(0, most)
    .map(({ by, name }) => ({ by, name }));
}

function slower({ by, name, totalMs }: Group, sample: ReadonlyMap<string, DdSketch>): number {
  const own = totalMs?.quantile(0.99) ?? null;
  const other = sample.get(keyOf(by, name))?.quantile(0.99) ?? null;
  return own === null || other === null ? 0 : own / other;
}

export interface Name {
  readonly by: GroupKind;
  readonly name: string;
}

/**
 * Compares each tenant, feature and model with its own week before, by {@link keyOf}. `weeks`: sketches of the week of
 * the groups that may be slow.
 */
export function judge(
  now: readonly Group[],
  usual: ReadonlyMap<string, Usual>,
  weeks: ReadonlyMap<string, DdSketch>,
): Judged {
  const judgeable = now.filter(({ calls }) => calls >= LEAST_NOW);
  const alpha = ALPHA / Math.max(1, judgeable.length);
  const hurt = judgeable
    .flatMap((group) => {
      const key = keyOf(group.by, group.name);
      return hurtOf(group, { ofGroup: usual.get(key), week: weeks.get(key) ?? null }, alpha) ?? [];
    })
    .sort((a, b) => b.failed / b.calls - a.failed / a.calls || b.calls - a.calls);
  return { hurt, groups: now.length, tooFew: now.length - judgeable.length };
}

export const keyOf = (by: string, name: string): string => `${by}\n${name}`;

interface Before {
  readonly ofGroup: Usual | undefined;
  /** Null: nothing looked slow. */
  readonly week: DdSketch | null;
}

function hurtOf(group: Group, { ofGroup: usual, week }: Before, alpha: number): Hurt | null {
  const failures = failureChance(group, usual);
  const latency = latencyChance(group, week);
  const [fails, slow] = [failures < alpha, latency < alpha];
  if (!fails && !slow) return null;
  const known = usual !== undefined && usual.calls >= LEAST_USUAL;
  return {
    ...{ by: group.by, name: group.name, calls: group.calls, failed: group.failed },
    usualFailed: known ? usual.failed / usual.calls : null,
    usualCalls: usual?.calls ?? 0,
    p99Ms: group.totalMs?.quantile(0.99) ?? null,
    usualP99Ms: week?.quantile(0.99) ?? null,
    why: fails && slow ? 'both' : fails ? 'failures' : 'latency',
    chance: Math.min(failures, latency),
  };
}

const failureChance = ({ calls, failed }: Group, usual: Usual | undefined): number =>
  moreThanUsual({ all: calls, bad: failed }, usual && { all: usual.calls, bad: usual.failed }, PLAINLY_BAD);

/** Calls above the usual p99 are one in a hundred; twice as many are let pass, since hours of a day differ. */
function latencyChance({ totalMs }: Group, week: DdSketch | null): number {
  const p99 = week !== null && week.count >= LEAST_USUAL ? week.quantile(0.99) : null;
  const own = totalMs?.quantile(0.99) ?? null;
  if (totalMs === null || p99 === null || own === null || own < p99 * SLOWER.times) return 1;
  const above = Math.round(totalMs.count * (1 - totalMs.shareAtMost(p99)!));
  return above < SLOWER.calls ? 1 : chanceOf(above, totalMs.count, SLOWER.share);
}
