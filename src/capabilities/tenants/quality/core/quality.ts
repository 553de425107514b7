/** Whose quality has fallen: each tenant against its own past, all of them together first. Pure. */
import type { TenantId } from '#kernel/brand.ts';
import { tenantKey, type TenantKey } from '#kernel/whose.ts';
import { Comparison, eBenjaminiHochberg, FallDetector, LEAST_PAST, neededOutcomes } from '#math/fall-detector.ts';
import type { Score } from '#ports/scores.ts';
import { measureOf } from './rules.ts';

/** Expected share of false names among those that are named. */
export const ALPHA = 0.05;
/** Evidence that is none by itself: without a fall a third of all tenants has ever as much, at most. */
const POINTS = 3;
/** Falls of this size are what "enough data" is about. */
const A_FALL = 0.1;

/**
 * `fell`: by e-BH among all tenants of the feature and score. `fell_for_all`: the tenants together fell, which says
 * provider or model rather than tenant. `no_change`: nothing is seen. `not_enough`: the past is too short to tell.
 */
export type QualityVerdict = 'fell' | 'fell_for_all' | 'no_change' | 'not_enough';

export interface Figures {
  readonly n: number;
  /** Mean score, 0 to 1. */
  readonly mean: number;
}

export interface QualityLine {
  readonly tenant: string;
  readonly feature: string | null;
  readonly score: string;
  readonly source: Score['source'];
  readonly verdict: QualityVerdict;
  /** Since the basis is what it is. */
  readonly scored: Figures;
  /** Where a fall is most likely: before it and since. Null: the past is too short. */
  readonly past: Figures | null;
  readonly now: Figures | null;
  /** Evidence of a fall (an e-value): 1 is none, and the chance of ever 1/α without one is at most α. */
  readonly evidence: number;
  /** Scores that are missing until a fall of ten points would be named, about; 0: there are enough. */
  readonly missing: number;
  /** What makes its answers. */
  readonly basis: string;
  /** Scores since the basis changed against those before; null: it did not, or too little came before. */
  readonly change: {
    readonly from: string;
    readonly before: Figures;
    readonly since: Figures;
    readonly evidence: number;
    /** `measure`: what measures changed as well or alone, and nothing is said of the answers. */
    readonly of: 'answers' | 'measure';
    readonly fell: boolean;
  } | null;
}

export interface QualityPool {
  readonly feature: string | null;
  readonly score: string;
  readonly source: Score['source'];
  readonly tenants: number;
  readonly scored: Figures;
  readonly evidence: number;
  /** All together, and most of them by themselves. */
  readonly fell: boolean;
}

/** Scores of one tenant on one basis. */
interface Stream {
  readonly tenant: string;
  readonly basis: string;
  readonly detector: FallDetector;
  readonly change: { readonly from: string; readonly comparison: Comparison } | null;
  lastAt: number;
}

interface Pool {
  readonly feature: string | null;
  readonly score: string;
  readonly source: Score['source'];
  readonly all: FallDetector;
  /** By tenant and basis: who asks two models by turns has two pasts. */
  readonly streams: Map<TenantKey<'basis'>, Stream>;
  /** Of each tenant the stream that had a score last. */
  readonly newest: Map<TenantId, Stream>;
}

/** Streams that are followed: 10 to 20 KB each where many scores came. */
const MOST_STREAMS = 20_000;

/** Follows scores in the order of their coming. */
export class Quality {
  readonly #pools = new Map<string, Pool>();
  #streams = 0;
  /** Scores of streams that there was no room for. */
  leftOut = 0;

  push(score: Pick<Score, 'tenant' | 'feature' | 'name' | 'value' | 'basis' | 'at' | 'source'>): void {
    const { tenant, feature, name, value, basis, at, source } = score;
    const pool = this.#pool(feature, name, source);
    const stream = this.#stream(pool, tenant, basis);
    if (stream === null) return void this.leftOut++;
    stream.lastAt = at;
    pool.newest.set(tenant, stream);
    const bad = 1 - value;
    stream.detector.push(bad);
    stream.change?.comparison.push(bad);
    pool.all.push(bad);
  }

  #pool(feature: string | null, score: string, source: Score['source']): Pool {
    const key = JSON.stringify([feature, score, source]);
    let pool = this.#pools.get(key);
    if (!pool)
      this.#pools.set(
        key,
        (pool = { feature, score, source, all: new FallDetector(), streams: new Map(), newest: new Map() }),
      );
    return pool;
  }

  #stream(pool: Pool, tenant: TenantId, basis: string): Stream | null {
    const key = tenantKey(tenant, 'basis', basis);
    const known = pool.streams.get(key);
    if (known) return known;
    if (this.#streams >= MOST_STREAMS) return null;
    this.#streams++;
    const before = pool.newest.get(tenant);
    const comparison = before ? Comparison.after(before.detector) : null;
    const change = comparison && { from: before!.basis, comparison };
    const stream: Stream = { tenant, basis, detector: new FallDetector(), change, lastAt: 0 };
    pool.streams.set(key, stream);
    return stream;
  }

  /** Of streams that had a score since; the worst first. */
  lines(since = 0): QualityLine[] {
    const lines = [...this.#pools.values()].flatMap((pool) => linesOf(pool, since));
    return lines.sort((a, b) => RANK[a.verdict] - RANK[b.verdict] || b.evidence - a.evidence);
  }

  pools(): QualityPool[] {
    return [...this.#pools.values()].map(({ feature, score, source, all, streams, newest }) => ({
      ...{ feature, score, source, tenants: newest.size },
      scored: figures(all.state.n, all.state.bad),
      evidence: Math.exp(all.logE),
      fell: haveAllFallen([...streams.values()], all),
    }));
  }
}

const RANK: Readonly<Record<QualityVerdict, number>> = { fell: 0, fell_for_all: 1, no_change: 2, not_enough: 3 };

/** The sum alone may fall because of one large tenant: most of those that can be told have to point the same way. */
function haveAllFallen(streams: readonly Stream[], all: FallDetector): boolean {
  if (!hasFallen(all)) return false;
  const told = streams.filter(({ detector }) => detector.state.best !== null);
  const point = told.filter(({ detector }) => detector.logE >= Math.log(POINTS));
  return told.length > 1 && point.length > told.length / 2;
}

const hasFallen = (detector: FallDetector): boolean => detector.logE >= Math.log(1 / ALPHA);

function linesOf({ feature, score, source, all, streams }: Pool, since: number): QualityLine[] {
  const present = [...streams.values()].filter(({ lastAt }) => lastAt >= since);
  const named = eBenjaminiHochberg(
    present.map(({ detector }) => detector.logE),
    ALPHA,
  );
  const together = haveAllFallen(present, all);
  return present.map(({ tenant, basis, detector, change }, place): QualityLine => {
    const { n, bad, logE, best } = detector.state;
    const fell = named.includes(place);
    return {
      ...{ tenant, feature, score, source, basis },
      verdict: fell
        ? together
          ? 'fell_for_all'
          : 'fell'
        : n < LEAST_PAST || missing(n, bad, present.length) > 0
          ? 'not_enough'
          : 'no_change',
      scored: figures(n, bad),
      past: best && figures(best.past.n, best.past.bad),
      now: best && figures(best.now.n, best.now.bad),
      evidence: Math.exp(logE),
      missing: missing(n, bad, present.length),
      change: change && changeOf(basis, change),
    };
  });
}

/** As long a past as what is needed since: then a fall of ten points would be named. */
function missing(n: number, bad: number, tenants: number): number {
  // A short past without a bad score is no rate of zero.
  const rate = (bad + 1) / (n + 20);
  return Math.max(0, LEAST_PAST + neededOutcomes(rate, rate + A_FALL, tenants, ALPHA) - n);
}

/** Of another judge or schema the scores are another measure: they are shown beside each other, and nobody fell. */
function changeOf(
  basis: string,
  { from, comparison }: NonNullable<Stream['change']>,
): NonNullable<QualityLine['change']> {
  const of = measureOf(basis) === measureOf(from) ? 'answers' : 'measure';
  const { logE, best } = comparison.state;
  return {
    from,
    before: figures(best!.past.n, best!.past.bad),
    since: figures(best!.now.n, best!.now.bad),
    evidence: Math.exp(logE),
    of,
    fell: of === 'answers' && logE >= Math.log(1 / ALPHA),
  };
}

const figures = (n: number, bad: number): Figures => ({ n, mean: n === 0 ? 0 : 1 - bad / n });
