import type { CanonicalEvent } from '#wire/canonical.ts';
import type { CompactLog } from './core/compact-log.ts';
import type { Decoding } from './decoding.ts';
import type { StreamReader } from './stream-reader.ts';

export interface CatchUpParts {
  readonly reader: StreamReader;
  readonly from: number;
  readonly log: CompactLog;
  /** Reads the log from its start, whatever the reader asks for; null: the reader wants bytes alone. */
  readonly decoding: Decoding | null;
  /** Events that there are now. */
  readonly events: () => number;
  /** The reader has all of them. */
  readonly caughtUp: () => void;
  /** The reader is gone, or the log cannot go on. */
  readonly failed: () => void;
}

const NONE: readonly CanonicalEvent[] = Object.freeze([]);

/**
 * A reader on its way from an old event to the present. It takes what it has room for, and the log keeps the rest: a
 * long log read by a slow reader waits in no socket's buffer.
 */
export class CatchUp {
  readonly #parts: CatchUpParts;
  readonly #cursor: ReturnType<CompactLog['cursor']>;
  #seq: number;
  #waiting = false;
  #over = false;

  constructor(parts: CatchUpParts) {
    this.#parts = parts;
    this.#seq = parts.decoding === null ? parts.from : 0;
    this.#cursor = parts.log.cursor(this.#seq);
  }

  /** Goes on as far as the reader has room; then it waits for the reader. */
  run(): void {
    const { reader, events, caughtUp } = this.#parts;
    while (!this.#over) {
      if (reader.hasRoom?.(this.#ready) === false) return void (this.#waiting = true);
      if (this.#seq >= events()) break;
      if (!this.#step()) return;
    }
    if (this.#over) return;
    this.#over = true;
    caughtUp();
  }

  /** There is more to read: nothing to do while the reader has no room. */
  more(): void {
    if (!this.#waiting) this.run();
  }

  stop(): void {
    this.#over = true;
  }

  readonly #ready = (): void => {
    if (!this.#waiting) return;
    this.#waiting = false;
    this.run();
  };

  #step(): boolean {
    const { reader, from, decoding } = this.#parts;
    const latin1 = this.#cursor.next();
    if (latin1 === null) return this.#fail();
    const seq = this.#seq++;
    const event = Buffer.from(latin1, 'latin1');
    const steps = decoding?.push(event, latin1) ?? NONE;
    return seq < from || reader.event(event, seq, steps, latin1) || this.#fail(true);
  }

  #fail(gone = false): false {
    this.#over = true;
    if (!gone) this.#parts.reader.lost?.();
    this.#parts.failed();
    return false;
  }
}
