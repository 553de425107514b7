import { fisherGreater } from '#math/fisher.ts';
import { ksOneSided } from '#math/kolmogorov-smirnov.ts';

/** One answer that was timed: after somebody had sent its beginning, or of a prompt that nobody had. */
export interface Probe {
  readonly sample: 'hit' | 'miss';
  /** Milliseconds to the first event of the answer. */
  readonly ttftMs: number;
  /** Share of the prompt's tokens that came of a cache, as the answer's usage says; null: it says nothing. */
  readonly cachedShare: number | null;
}

/** Who sent the beginning before: the prober's own tenant, or another. */
export type Level = 'same' | 'cross';

export type Verdict = 'shared' | 'suspect' | 'nothing_found' | 'cannot_tell';

export interface LevelFigures {
  readonly level: Level;
  readonly hits: number;
  readonly misses: number;
  readonly medianMs: { readonly hit: number; readonly miss: number };
  /** One-sided Kolmogorov-Smirnov test: are hits faster? */
  readonly timing: { readonly d: number; readonly p: number };
  /** Fisher's exact test on answers that say that a tenth of the prompt or more came of a cache; null: none says anything. */
  readonly cached: { readonly hits: number; readonly misses: number; readonly p: number } | null;
  readonly verdict: Verdict;
  /**
   * With 80 % likelihood this audit would have suspected a cache that serves at least this share of the probes: by
   * timing, where a hit is faster than every miss, and by what usage says. Null: no share would do.
   */
  readonly wouldSee: { readonly timing: number | null; readonly cached: number | null };
}

/** Fewer probes of a kind tell nothing. */
export const FEWEST = 20;
/** Two tests are made: each is held against half of it. One in a hundred audits of nothing is suspect. */
export const SUSPECT = 0.01;
/** No accident: one in a million. */
export const SHARED = 1e-6;
const TESTS = 2;
/** Of the normal distribution: 80 % lie below. */
const Z80 = 0.8416;

export function judge(level: Level, probes: readonly Probe[]): LevelFigures {
  const [hit, miss] = [
    probes.filter(({ sample }) => sample === 'hit'),
    probes.filter(({ sample }) => sample === 'miss'),
  ];
  const enough = Math.min(hit.length, miss.length) >= FEWEST;
  const timing = enough ? ksOneSided(hit.map(ttft), miss.map(ttft)) : { d: 0, p: 1 };
  const told = probes.some(({ cachedShare }) => cachedShare !== null);
  const [a, b] = [hit.filter(wasCached).length, miss.filter(wasCached).length];
  const cached = told ? { hits: a, misses: b, p: enough ? fisherGreater(a, hit.length, b, miss.length) : 1 } : null;
  const p = Math.min(1, TESTS * Math.min(timing.p, cached?.p ?? 1));
  return {
    ...{ level, hits: hit.length, misses: miss.length, timing, cached },
    medianMs: { hit: median(hit.map(ttft)), miss: median(miss.map(ttft)) },
    verdict: !enough ? 'cannot_tell' : p < SHARED ? 'shared' : p < SUSPECT ? 'suspect' : 'nothing_found',
    wouldSee: enough ? powerOf(hit.length, miss.length, told) : { timing: null, cached: null },
  };
}

/** Of both levels. Where not even a tenant's own prompts are served faster, there is no cache to see, and nothing is told. */
export function overall(levels: readonly LevelFigures[]): Verdict {
  const [same, cross] = (['same', 'cross'] as const).map((level) => levels.find((one) => one.level === level));
  if (cross === undefined || cross.verdict === 'cannot_tell') return 'cannot_tell';
  if (cross.verdict !== 'nothing_found') return cross.verdict;
  return same?.verdict === 'shared' ? 'nothing_found' : 'cannot_tell';
}

const ttft = ({ ttftMs }: Probe): number => ttftMs;
/** What stands around every prompt is in a cache all the same: a few tokens of the chat's own frame. */
const FRAME = 0.1;
const wasCached = ({ cachedShare }: Probe): boolean => (cachedShare ?? 0) > FRAME;

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

const STEPS = 200;

/**
 * The least share of served probes that would be suspected in four of five audits. By timing a share h raises the
 * distance to h, which scatters by sqrt(h(1-h)/n) (normal approximation); by usage it is the binomial's own tail.
 */
function powerOf(n: number, m: number, told: boolean): LevelFigures['wouldSee'] {
  const bound = SUSPECT / TESTS;
  const shares = Array.from({ length: STEPS }, (_, i) => (i + 1) / STEPS);
  const critical = Math.sqrt((-Math.log(bound) * (n + m)) / (2 * n * m));
  const byTime = shares.find((h) => h - Z80 * Math.sqrt((h * (1 - h)) / n) >= critical);
  const fewest = Array.from({ length: n }, (_, i) => i + 1).find((k) => fisherGreater(k, n, 0, m) < bound);
  const byUsage = told && fewest !== undefined ? shares.find((h) => tail(n, h, fewest) >= 0.8) : undefined;
  return { timing: byTime ?? null, cached: byUsage ?? null };
}

/** How likely are k or more of n, each with likelihood h? */
function tail(n: number, h: number, k: number): number {
  if (h >= 1) return 1;
  let [term, below] = [(1 - h) ** n, 0];
  for (let i = 0; i < k; i++) {
    below += term;
    term *= ((n - i) / (i + 1)) * (h / (1 - h));
  }
  return 1 - below;
}
