import type { CanonicalEvent, DialectName } from '#wire/canonical.ts';
import { addUsage, mergeUsage, type Usage } from '#wire/usage.ts';
import type { Prefix } from './prefix.ts';

/**
 * Anthropic refuses a last text that ends in white space, and templates of open servers cut it off: it is left out of
 * what is sent, and whatever of it comes once more is left out of what readers get.
 */
export const sentText = (text: string): string => text.trimEnd();

/** What of the text a request of this API ends in: a prompt is taken as it is. */
export const sentIn = (dialect: DialectName, text: string): string =>
  dialect === 'openai-completions' ? text : sentText(text);

/**
 * Makes the steps of a continuation the rest of the answer that it continues: no second start, blocks go on with their
 * numbers, and usage is that of both. Stateful: one a continuation.
 */
export class Seam {
  readonly #prefix: Prefix;
  readonly #before: Usage;
  /** White space that readers have, and that the continuation may begin with once more. */
  #twice: string;
  /** Number of the continuation's blocks here, by their own. */
  readonly #blocks = new Map<number, number>();
  #open: number | null;
  #next: number;
  #usage: Usage | null = null;

  /** `before`: usage of what was sent before. `sent`: the text that the provider was given to go on with. */
  constructor(prefix: Prefix, before: Usage, sent = sentText(prefix.text)) {
    this.#prefix = prefix;
    this.#before = before;
    this.#twice = prefix.text.slice(sent.length);
    this.#open = prefix.openBlock;
    this.#next = prefix.nextBlock;
  }

  steps(events: readonly CanonicalEvent[]): readonly CanonicalEvent[] {
    return events.flatMap((event) => this.#step(event));
  }

  #step(event: CanonicalEvent): readonly CanonicalEvent[] {
    if (event.type === 'start') return this.#prefix.started ? [] : [event];
    if (event.type === 'usage') {
      this.#usage = mergeUsage(this.#usage, event.usage);
      return [{ ...event, usage: addUsage(this.#before, this.#usage) }];
    }
    if (event.type === 'block_start') return this.#begin(event);
    if (event.type === 'delta') return this.#delta(event);
    if (event.type === 'finish') return [...this.#closed(), event];
    return 'block' in event ? [{ ...event, block: this.#numberOf(event.block) }] : [event];
  }

  /** The first text goes on in the block that is open; any other block closes it. */
  #begin(event: Extract<CanonicalEvent, { type: 'block_start' }>): readonly CanonicalEvent[] {
    if (event.kind === 'text' && this.#open !== null) {
      this.#blocks.set(event.block, this.#open);
      this.#open = null;
      return [];
    }
    const closed = this.#closed();
    if (event.kind !== 'text') this.#twice = '';
    return [...closed, { ...event, block: this.#numberOf(event.block) }];
  }

  /** A continuation that has no more to say: what it continues is over. */
  #closed(): readonly CanonicalEvent[] {
    if (this.#open === null) return [];
    const stop = { type: 'block_stop', choice: 0, block: this.#open } as const;
    this.#open = null;
    return [stop];
  }

  #delta(event: Extract<CanonicalEvent, { type: 'delta' }>): readonly CanonicalEvent[] {
    const text = this.#once(event.text);
    return text === '' && event.text !== '' ? [] : [{ ...event, text, block: this.#numberOf(event.block) }];
  }

  #once(text: string): string {
    let same = 0;
    while (same < text.length && same < this.#twice.length && text[same] === this.#twice[same]) same++;
    this.#twice = same === text.length ? this.#twice.slice(same) : '';
    return text.slice(same);
  }

  #numberOf(block: number): number {
    const known = this.#blocks.get(block);
    if (known !== undefined) return known;
    this.#blocks.set(block, this.#next);
    return this.#next++;
  }
}
