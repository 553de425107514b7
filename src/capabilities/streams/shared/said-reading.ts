import type { StoredPart } from '#ports/stream-log.ts';
import type { CanonicalEvent, DialectName } from '#wire/canonical.ts';
import { mergeUsage, type Usage } from '#wire/usage.ts';
import { Decoding } from '../decoding.ts';
import type { StreamOpening } from '../live-stream.ts';
import type { About } from './shared-streams.ts';

/** What one call made of an answer, as far as a log has it. */
export interface Said {
  readonly dialect: DialectName;
  readonly events: readonly Buffer[];
  /** UTF-8 bytes of all that was generated and shown. */
  readonly textBytes: number;
  /** The provider's own words before it broke off; null: it said nothing, or what it said is of two calls. */
  readonly usage: Usage | null;
  /** There is more to it than its text: thinking, which may be a summary, or what only its own API knows. */
  readonly more: boolean;
}

/** Sums up one call's part of a stored stream. Stateful: one a call. */
export class SaidReading {
  readonly #whose: 'first' | 'second';
  readonly #dialectOf: (name: DialectName) => StreamOpening['dialect'];
  #dialect: StreamOpening['dialect'] | null = null;
  #decoding: Decoding | null = null;
  #own: Buffer[] = [];
  #textBytes = 0;
  #usage: Usage | null = null;
  #more = false;
  #isKnown = true;
  events = 0;

  constructor(whose: 'first' | 'second', dialectOf: (name: DialectName) => StreamOpening['dialect']) {
    this.#whose = whose;
    this.#dialectOf = dialectOf;
  }

  /** True: that was the last part. */
  take({ events, epochs, count, head, full }: StoredPart): boolean {
    this.#dialect ??= this.#dialectOf((JSON.parse(head.about) as About).dialect);
    this.#decoding ??= new Decoding(this.#dialect.streamDecoder());
    // Of a stream with more than one successor nobody knows which call made which part.
    this.#isKnown = !full && epochs.length <= 2 && (this.#whose === 'first' || epochs.length === 2);
    const [, second] = epochs;
    const seam = second?.from ?? count;
    for (const event of events) {
      const steps = this.#decoding.push(event);
      if (this.events++ < seam === (this.#whose === 'first')) this.#count(event, steps);
    }
    return !this.#isKnown || events.length === 0 || this.events >= count;
  }

  said(): Said | null {
    if (!this.#isKnown || this.#dialect === null) return null;
    const usage = this.#whose === 'first' ? this.#usage : null;
    return {
      ...{ dialect: this.#dialect.name, events: this.#own, usage },
      ...{ textBytes: this.#textBytes, more: this.#more },
    };
  }

  #count(event: Buffer, steps: readonly CanonicalEvent[]): void {
    this.#own.push(event);
    for (const step of steps) {
      if (step.type === 'delta') this.#textBytes += Buffer.byteLength(step.text);
      else if (step.type === 'usage') this.#usage = mergeUsage(this.#usage, step.usage);
      else if (step.type === 'signature' || step.type === 'opaque') this.#more = true;
      else if (step.type === 'block_start' && step.kind === 'reasoning') this.#more = true;
    }
  }
}
