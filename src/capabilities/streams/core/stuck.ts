/**
 * Tells a reader that no longer takes what waits for it from one that takes it slowly. It looks at totals alone, at
 * even intervals while something waits.
 */
export class Stuck {
  readonly #looks: number;
  /** What was written at each of the last looks, oldest first. */
  readonly #written: number[] = [];

  /** So many intervals are the age at which a byte has waited too long. */
  constructor(looks: number) {
    this.#looks = looks;
  }

  /** Does a byte still wait that was there so many looks ago? */
  look(written: number, unsent: number): boolean {
    const before = this.#written.length === this.#looks ? this.#written.shift()! : null;
    this.#written.push(written);
    return before !== null && written - unsent < before;
  }
}
