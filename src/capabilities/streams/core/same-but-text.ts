import type { CanonicalEvent } from '#wire/canonical.ts';

type Delta = Extract<CanonicalEvent, { readonly type: 'delta' }>;

/** A text that ends its string without an escape, a quote or a control character stands in JSON as it is. */
const NOT_PLAIN = /["\\\u0000-\u001f]/;

/**
 * An event that differs from the one before in its text alone says the same with another text: it need not be parsed.
 * What stands around the text is compared whole. The first such event is parsed all the same, and believed from then
 * on where both readings agree.
 */
export class SameButText {
  #head = '';
  #tail = '';
  #delta: Delta | null = null;
  #proved = false;

  /** What the event says; null: it has to be decoded. */
  read(event: string): Delta | null {
    return this.#proved ? this.#reading(event) : null;
  }

  /** The event was decoded, and said these steps: what comes next may be like it. */
  learn(event: string, steps: readonly CanonicalEvent[]): void {
    const reading = this.#proved ? null : this.#reading(event);
    const [step] = steps;
    if (steps.length !== 1 || step?.type !== 'delta' || step.logprobs !== undefined) return this.#forget();
    if (reading?.text === step.text && reading.block === step.block && reading.choice === step.choice)
      return void (this.#proved = true);
    this.#forget();
    const quoted = `"${step.text}"`;
    const at = event.indexOf(quoted);
    if (step.text === '' || NOT_PLAIN.test(step.text) || at < 0 || event.indexOf(quoted, at + 1) >= 0) return;
    this.#head = event.slice(0, at + 1);
    this.#tail = event.slice(at + quoted.length - 1);
    this.#delta = step;
  }

  #reading(event: string): Delta | null {
    if (this.#delta === null) return null;
    const [from, to] = [this.#head.length, event.length - this.#tail.length];
    if (to <= from || event.slice(0, from) !== this.#head || event.slice(to) !== this.#tail) return null;
    const text = event.slice(from, to);
    return NOT_PLAIN.test(text) ? null : { ...this.#delta, text };
  }

  #forget(): void {
    this.#delta = null;
    this.#proved = false;
  }
}
