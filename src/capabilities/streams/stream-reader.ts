import type { CallId } from '#kernel/brand.ts';
import type { OutcomeStatus } from '#ports/entry.ts';
import type { CanonicalEvent } from '#wire/canonical.ts';
import type { AnswerFacts } from './core/answer-facts.ts';

/** How a stream ended: its terminal event, whatever form a reader gives it. */
export interface StreamEnd extends AnswerFacts {
  /** As in the ledger's entry. */
  readonly status: OutcomeStatus;
  /** Events of the log; the last one's number is one less. */
  readonly events: number;
  /** Calls that were made for its rest after gates died, each with an entry of its own; absent: none. */
  readonly redrivenBy?: readonly CallId[];
  /** Why nobody went on with it; absent: it ended whole, or nobody was to. */
  readonly reason?: string;
}

/** One connection that reads a stream. */
export interface StreamReader {
  /** Set: it wants to know what each event says, beside its bytes. */
  readonly decodes?: true;
  /**
   * An event with its number, and what it says where the reader {@link decodes}. False: this reader is gone, or
   * too slow; it is let go, and may come back. `latin1` is the event as a text, a character a byte: who sends text
   * takes that, which log and decoder have made already.
   */
  event(event: Buffer, seq: number, steps: readonly CanonicalEvent[], latin1: string): boolean;
  /**
   * False: it has enough for now, and calls `ready` once it has room. Absent: it always
   * has room.
   */
  hasRoom?(ready: () => void): boolean;
  /**
   * True: as much waits for it as may. What comes next it reads from the log, at its own pace, by {@link hasRoom};
   * absent: never.
   */
  readonly full?: boolean;
  /** Nothing came for a while. */
  ping(): void;
  /** No event will follow. */
  end(end: StreamEnd): void;
  /** The log does not have what would come next: it cannot go on. Absent: it is told by {@link end} alone. */
  lost?(): void;
}
