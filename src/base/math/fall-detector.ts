/**
 * Has a rate of bad outcomes risen above what it was, looked at as often as anybody likes? Outcomes lie in [0, 1]; 1 is
 * bad. The measure of evidence is an e-process: while nothing has changed, the chance that it ever reaches 1/α is at
 * most α (Ville), whenever one looks and however many outcomes there are.
 *
 * Nobody knows the rate of before, so it is taken against every rate that it could have been (universal inference,
 * Wasserman, Ramdas, Balakrishnan, PNAS 2020): outcomes are predicted one by one, those of the past by what has come
 * so far, those of now by some rates above it; this is divided by the likelihood of the best single rate for both. For
 * outcomes between 0 and 1 the quotient is an e-process too, since p^x (1-p)^(1-x) is convex in x.
 *
 * When it changed is not known either: with every tenth more of outcomes another test begins that takes all
 * before for the past, and the evidence is their sum by weights that add up to one (mixture over the moment of change).
 */
export interface FallState {
  /** Outcomes and their sum. */
  readonly n: number;
  readonly bad: number;
  /** Natural logarithm of the evidence that the rate is higher now. */
  readonly logE: number;
  /** The test that has most of the evidence: the past, and since then. Null: the past is too short for any. */
  readonly best: {
    readonly past: { readonly n: number; readonly bad: number };
    readonly now: { readonly n: number; readonly bad: number };
  } | null;
}

interface Test {
  readonly weight: number;
  readonly n: number;
  readonly bad: number;
  /** Logarithm of the probability with which the past was predicted. */
  readonly logPast: number;
  /** Rates of now that are thought of, each with its logarithms. */
  readonly rates: readonly { readonly ln: number; readonly lnRest: number }[];
  nowN: number;
  nowBad: number;
}

/** Outcomes before the first test: fewer say too little of a past. */
export const LEAST_PAST = 100;
/** Outcomes between one test and the next, at the least; else a tenth of what was before. */
const BLOCK = 50;
const GROWTH = 0.1;
/** Tests at once: the oldest but the first go. What is left out is evidence that is not counted, and no false alarm. */
const MOST_TESTS = 64;
/** How much higher the rate of now may be: a mixture of these, in equal parts. */
const RISES = [0.05, 0.1, 0.2, 0.4] as const;

/** The same with a known moment of change: outcomes of before, then those since. */
export class Comparison {
  readonly #test: Test;

  private constructor(test: Test) {
    this.#test = test;
  }

  /** From now on against everything that a detector has seen; null: that is too little. */
  static after(detector: FallDetector): Comparison | null {
    const test = detector.pastAsTest();
    return test && new Comparison(test);
  }

  push(outcome: number): void {
    this.#test.nowN++;
    this.#test.nowBad += outcome;
  }

  get state(): FallState {
    const { n, bad, nowN, nowBad } = this.#test;
    const best = { past: { n, bad }, now: { n: nowN, bad: nowBad } };
    return { n: n + nowN, bad: bad + nowBad, logE: evidence(this.#test), best };
  }
}

export class FallDetector {
  #n = 0;
  #bad = 0;
  #logPast = 0;
  #begun = 0;
  #nextTest = LEAST_PAST;
  #tests: Test[] = [];
  #logE = 0;
  /** The test that had most of the evidence at the last outcome. */
  #best: Test | null = null;

  /** `outcome`: 0 good, 1 bad, or between. */
  push(outcome: number): void {
    if (this.#n === this.#nextTest) this.#begin();
    for (const test of this.#tests) {
      test.nowN++;
      test.nowBad += outcome;
    }
    // Krichevsky and Trofimov's prediction: half an outcome of either kind beforehand.
    const expected = (this.#bad + 0.5) / (this.#n + 1);
    this.#logPast += logLikelihood(outcome, 1, expected);
    this.#n++;
    this.#bad += outcome;
    this.#weigh();
  }

  get state(): FallState {
    const best = this.#best;
    return {
      n: this.#n,
      bad: this.#bad,
      logE: this.#logE,
      best: best && { past: { n: best.n, bad: best.bad }, now: { n: best.nowN, bad: best.nowBad } },
    };
  }

  /** Natural logarithm of the evidence. */
  get logE(): number {
    return this.#logE;
  }

  /** All that was seen as the past of a test; null: it is too short for one. */
  pastAsTest(): Test | null {
    return this.#n < LEAST_PAST ? null : this.#testOf(1);
  }

  #begin(): void {
    const k = ++this.#begun;
    this.#nextTest = this.#n + Math.max(BLOCK, Math.floor(this.#n * GROWTH));
    // 1/(k(k+1)) over all k is one.
    this.#tests.push(this.#testOf(1 / (k * (k + 1))));
    if (this.#tests.length > MOST_TESTS) this.#tests.splice(1, 1);
  }

  #testOf(weight: number): Test {
    const past = this.#bad / this.#n;
    const rates = RISES.map((rise) => {
      const rate = Math.min(0.999, past + rise);
      return { ln: Math.log(rate), lnRest: Math.log(1 - rate) };
    });
    return { weight, n: this.#n, bad: this.#bad, logPast: this.#logPast, rates, nowN: 0, nowBad: 0 };
  }

  /** Of tests that have begun; those to come, and those left out, stand for what they began with. */
  #weigh(): void {
    let [open, sum, most] = [1, 0, -Infinity];
    for (const test of this.#tests) {
      const logE = evidence(test);
      open -= test.weight;
      sum += test.weight * Math.exp(logE);
      if (logE <= most) continue;
      most = logE;
      this.#best = test;
    }
    // Tests that were left out count nothing.
    const toCome = 1 / (this.#begun + 1);
    this.#logE = Math.log(Math.min(open, toCome) + sum);
  }
}

const logLikelihood = (bad: number, n: number, rate: number): number =>
  (bad > 0 ? bad * Math.log(rate) : 0) + (n - bad > 0 ? (n - bad) * Math.log(1 - rate) : 0);

/** Logarithm of one test's evidence against every pair of rates of which that of now is no higher. */
function evidence({ n, bad, logPast, rates, nowN, nowBad }: Test): number {
  if (nowN === 0) return 0;
  const good = nowN - nowBad;
  let most = -Infinity;
  for (const { ln, lnRest } of rates) most = Math.max(most, nowBad * ln + good * lnRest);
  let sum = 0;
  for (const { ln, lnRest } of rates) sum += Math.exp(nowBad * ln + good * lnRest - most);
  const mixed = most + Math.log(sum / rates.length);
  const [before, now] = [bad / n, nowBad / nowN];
  const null_ =
    now > before
      ? logLikelihood(bad + nowBad, n + nowN, (bad + nowBad) / (n + nowN))
      : logLikelihood(bad, n, before) + logLikelihood(nowBad, nowN, now);
  return logPast + mixed - null_;
}

/**
 * Which of many have changed, at a rate of false discoveries of at most `alpha` under any dependence (e-BH, Wang and
 * Ramdas 2022): the k largest with e of the k-th at least m/(αk). Returns their places.
 */
export function eBenjaminiHochberg(logEs: readonly number[], alpha: number): number[] {
  const order = logEs.map((_, place) => place).sort((a, b) => logEs[b]! - logEs[a]!);
  let found = 0;
  for (let k = 1; k <= order.length; k++) if (logEs[order[k - 1]!]! >= Math.log(logEs.length / (alpha * k))) found = k;
  return order.slice(0, found);
}

/** Outcomes of now that it takes to name one of `m` whose rate rises from `past` to `now`, about: ln(m/α) and what the unknown past and moment cost, over the divergence. */
export function neededOutcomes(past: number, now: number, m: number, alpha: number): number {
  const [p, q] = [Math.min(0.999, Math.max(0.001, past)), Math.min(0.999, Math.max(0.001, now))];
  const divergence = q * Math.log(q / p) + (1 - q) * Math.log((1 - q) / (1 - p));
  return Math.ceil((Math.log(m / alpha) + Math.log(RISES.length) + 4) / divergence);
}
