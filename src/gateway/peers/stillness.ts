import type { WaitingRow } from './tcp-table.ts';

/** What is known of a connection at one look, while bytes wait for its peer. */
export interface Look extends Pick<WaitingRow, 'unacked' | 'unanswered'> {
  /** Bytes that the kernel had been handed, before the table was read and after: a stream writes meanwhile. */
  readonly handed: readonly [least: number, most: number];
  /** Bytes that wait in this process. */
  readonly unsent: number;
}

/** For how many looks in a row nothing came back from a peer that was owed an answer. Pure. */
export class Stillness {
  #last: Look | null = null;
  /** Looks since it last acknowledged something. */
  still = 0;
  /** Of them: looks at which the kernel had asked again and heard nothing at all. */
  silent = 0;

  look(now: Look): void {
    const last = this.#last;
    this.#last = now;
    if (last === null) return;
    this.still = hasMoved(last, now) ? 0 : this.still + 1;
    // The kernel counts from zero again when anything is acknowledged: fewer than before means that something was.
    const asksOn = now.unanswered > 0 && now.unanswered >= last.unanswered;
    this.silent = this.still > 0 && asksOn ? this.silent + 1 : 0;
  }
}

/** Was anything acknowledged for certain? Of a large piece, a part may be with the kernel: then its queue alone tells. */
function hasMoved(last: Look, now: Look): boolean {
  if (now.handed[0] - now.unacked > last.handed[1] - last.unacked) return true;
  return last.unsent > 0 && now.unsent > 0 && last.unacked !== now.unacked;
}
