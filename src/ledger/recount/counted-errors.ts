/** Names come from callers; beyond this many models the oldest is forgotten. */
const MOST_MODELS = 256;
/** Weight of one more count: about the last hundred count. */
const WEIGHT = 0.02;

/** How far estimates of cut streams were from their exact counts: a mean absolute relative error for each model. */
export class CountedErrors {
  readonly #errors = new Map<string, number>();

  note(model: string, estimated: number, counted: number): void {
    if (counted <= 0) return;
    const error = Math.abs(estimated - counted) / counted;
    const known = this.#errors.get(model);
    if (known === undefined && this.#errors.size >= MOST_MODELS) this.#errors.delete(this.#errors.keys().next().value!);
    this.#errors.set(model, known === undefined ? error : known + WEIGHT * (error - known));
  }

  each(): Iterable<readonly [model: string, error: number]> {
    return this.#errors;
  }
}
