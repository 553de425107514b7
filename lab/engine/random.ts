/** Seeded randomness of the model generator: the same seed gives the same model file, byte for byte. */

/** Uniform in [0, 1). */
export type Rng = () => number;

/** Marsaglia's xorshift32: enough for weights, and independent of the JavaScript engine. */
export function xorshift32(seed: number): Rng {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 4294967296;
  };
}

/** Standard normal values by the Box-Muller transform, two a draw. */
export function gaussian(rng: Rng): Rng {
  let spare: number | undefined;
  return () => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - rng()));
    const angle = 2 * Math.PI * rng();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
}

/** One letter of `letters`. */
export function pick(rng: Rng, letters: string): string {
  return letters.charAt(Math.floor(rng() * letters.length));
}
