import { Stuck } from '#capabilities/streams/index.ts';
import type { ClientResponse } from '../client.ts';

/** What a slow reader may have. The kernel's buffers come before both: a megabyte there is sent, as far as we can see. */
export interface SlowBounds {
  /** Bytes that wait in this process; with more it reads on from the log, as it has room. */
  readonly bytes: number;
  /** How long the oldest of them may wait, in milliseconds; then it is let go. */
  readonly age: number;
}

type Written = Pick<ClientResponse, 'writableNeedDrain' | 'writableLength' | 'on' | 'once'>;

/** While somebody does not take what waits, its age is looked at so many times before it is too old. */
const LOOKS = 4;

/** The way out of one connection: says when there is room, and when nothing was taken for too long. */
export class Outflow {
  readonly #out: Written;
  readonly #slow: () => SlowBounds;
  readonly #stuck: () => void;
  #waiting: (() => void)[] | null = null;
  #written = 0;
  #isStuck = false;
  /** Looks at what waits, while something does. */
  #watch: NodeJS.Timeout | null = null;

  /** `stuck` is called once for each time that the peer stands still for longer than it may. */
  constructor(out: Written, slow: () => SlowBounds, stuck: () => void) {
    this.#out = out;
    this.#slow = slow;
    this.#stuck = stuck;
    out.on('drain', () => this.#drained());
    out.once('close', () => this.#unwatch());
  }

  /** More waits than may: its reader goes on from the log. */
  get full(): boolean {
    return this.#out.writableLength > this.#slow().bytes;
  }

  /** What waits has waited for too long, and still does. */
  get isStuck(): boolean {
    return this.#isStuck;
  }

  /** False: what waits for the peer is enough, and `ready` is called when it has taken it. */
  hasRoom(ready: () => void): boolean {
    if (!this.#out.writableNeedDrain) return true;
    (this.#waiting ??= []).push(ready);
    return false;
  }

  wrote(bytes: number): void {
    this.#written += bytes;
    if (this.#out.writableNeedDrain) this.#watch ??= this.#watching();
  }

  #watching(): NodeJS.Timeout {
    const stuck = new Stuck(LOOKS);
    const look = (): void => {
      if (this.#isStuck || !stuck.look(this.#written, this.#out.writableLength)) return;
      this.#isStuck = true;
      this.#stuck();
    };
    look();
    return setInterval(look, this.#slow().age / LOOKS).unref();
  }

  #drained(): void {
    this.#unwatch();
    const ready = this.#waiting ?? [];
    this.#waiting = null;
    for (const go of ready) go();
  }

  #unwatch(): void {
    if (this.#watch) clearInterval(this.#watch);
    this.#watch = null;
    this.#isStuck = false;
  }
}
