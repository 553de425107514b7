/** A source of randomness. Tests and simulations seed it; the rim gives the operating system's. */
export interface Rng {
  /** Uniform in [0, 1). */
  next(): number;
}

/** sfc32 (Chris Doty-Humphrey, PractRand): 128 bits of state, passes BigCrush, four adds a draw. */
export function seededRng(seed: number): Rng {
  let [a, b, c, d] = [0x9e3779b9, 0x243f6a88, 0xb7e15162, seed >>> 0];
  const next = (): number => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t;
    return (t >>> 0) / 4294967296;
  };
  // The first draws of a small seed are correlated; twelve rounds mix all 128 bits.
  for (let i = 0; i < 12; i++) next();
  return { next };
}

/** Uniform integer in [low, high], both included. */
export const intBetween = (rng: Rng, low: number, high: number): number =>
  low + Math.floor(rng.next() * (high - low + 1));

/** In a random order, each as likely (Fisher and Yates). */
export function shuffled<T>(rng: Rng, values: readonly T[]): T[] {
  const out = [...values];
  for (let at = out.length - 1; at > 0; at--) {
    const other = intBetween(rng, 0, at);
    [out[at], out[other]] = [out[other]!, out[at]!];
  }
  return out;
}
