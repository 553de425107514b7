import type { HeadgateError } from '#kernel/errors.ts';
import type { CallId } from '#kernel/brand.ts';
import type { CancelledBy, OutcomeStatus } from '#ports/entry.ts';
import type { ProviderFault } from '#wire/canonical.ts';
import type { AttemptEnd } from '../../attempt.ts';
import type { AttemptRecord } from '../../call.ts';
import type { ReplyFacts } from '../reply.ts';
import { FlightLog, type Piece } from './log.ts';

/** So often another call takes over from one that came to nothing; then all that wait get its failure. */
const MOST_HANDOVERS = 2;
/** Calls that wait for one answer. A further one asks for itself. */
const MOST_FOLLOWERS = 1_000;

/** Why a call that leads gave nothing. */
export type Failure =
  | { readonly end: AttemptEnd & { delivered: false }; readonly record: AttemptRecord }
  | { readonly thrown: HeadgateError };

/** How an answer ended. */
export type FlightEnd =
  | { readonly kind: 'whole'; readonly facts: ReplyFacts }
  /** After a part of it was given. `fault`: what clients are told; null: the log has the provider's own words. */
  | {
      readonly kind: 'broken';
      readonly fault: ProviderFault | null;
      readonly status: OutcomeStatus;
      readonly code: string;
      readonly cancelledBy: CancelledBy | null;
    }
  | { readonly kind: 'failed'; readonly failure: Failure };

/** The answer ends before it is whole, for whatever reason of its leader's. */
export const CUT_SHORT: Extract<FlightEnd, { kind: 'broken' }> = {
  ...{ kind: 'broken', status: 'truncated', code: 'stream_truncated', cancelledBy: null },
  fault: {
    ...{ type: 'server', status: 502, code: 'stream_truncated', field: null },
    message: 'The call that this one waited for ended before its answer was whole.',
  },
};

/** A call that gets another's answer. */
export interface Follower {
  readonly id: CallId;
  /** Number of the piece that it reads next. */
  readonly at: number;
  /** There is more to read, or the answer has ended. */
  more(): void;
  /** It makes the answer itself: for those that wait as well (`lead`), or for itself. */
  takeOver(how: 'lead' | 'alone'): void;
  /** What it would read next is let go. */
  lost(): void;
}

/** What a flight may keep. */
export interface FlightRoom {
  /** Bytes that its followers may be behind. */
  readonly maxBytes: number;
  /** All flights together keep so many bytes more, or fewer. False: there is no room for them. */
  readonly grew: (bytes: number) => boolean;
  /** Nobody joins it from now on. */
  readonly closed: () => void;
}

/**
 * One answer in the making, and the calls that wait for it. Its leader asks the provider; whoever follows reads the
 * pieces as they come, each at its own pace. While somebody follows, the provider's answer is read to its end,
 * whether or not the leader's own client is still there.
 */
export class Flight {
  readonly #room: FlightRoom;
  readonly #log = new FlightLog();
  readonly #followers = new Set<Follower>();
  #leader: CallId;
  #end: FlightEnd | null = null;
  #closed = false;
  #handovers = 0;
  #counted = 0;
  #begun = false;
  #joined: (() => void) | null = null;
  #unread: (() => void) | null = null;
  dropped: readonly string[] = [];

  constructor(leader: CallId, room: FlightRoom) {
    this.#leader = leader;
    this.#room = room;
  }

  get leader(): CallId {
    return this.#leader;
  }
  get end(): FlightEnd | null {
    return this.#end;
  }
  /** Somebody beside the leader's client waits for the answer. */
  get isRead(): boolean {
    return this.#followers.size > 0;
  }
  /** The provider has begun to answer: from then on a client may be told that its answer is a stream. */
  get begun(): boolean {
    return this.#begun;
  }
  get followers(): number {
    return this.#followers.size;
  }
  get maxBytes(): number {
    return this.#room.maxBytes;
  }
  /** The end is there, and this is the last of what there is to read, or behind it. */
  isLast(number: number): boolean {
    return this.#end !== null && number >= this.#log.readable - 1;
  }

  get joinable(): boolean {
    return !this.#closed && this.#end === null && this.#followers.size < MOST_FOLLOWERS;
  }

  join(follower: Follower): void {
    this.#followers.add(follower);
    this.#joined?.();
  }

  leave(follower: Follower): void {
    if (!this.#followers.delete(follower)) return;
    if (this.#closed) this.#letGo();
    if (this.#followers.size === 0 && this.#end === null) this.#unread?.();
  }

  piece(number: number): Piece | undefined {
    return this.#log.at(number);
  }

  /** Calls `joined` whenever somebody joins: what a slow client holds up has to go on then. */
  onJoined(joined: () => void): void {
    this.#joined = joined;
  }

  /** Calls `unread` once nobody follows any more. */
  onUnread(unread: () => void): void {
    this.#unread = unread;
  }

  /** An attempt begins: what an earlier one left is nothing. */
  begin(): void {
    this.#begun = true;
    this.#clear();
  }

  take(piece: Piece): void {
    if (this.#closed && this.#followers.size === 0) return;
    this.#log.push(piece);
    if (!this.#count() || this.#log.bytes > this.#room.maxBytes) this.#close();
  }

  /** Followers may read what has come. `dropped`: hints that the leader's request left out. */
  open(dropped: readonly string[]): void {
    this.dropped = dropped;
    this.#log.open();
    this.#tell();
    if (this.#closed) this.#letGo();
  }

  /** The answer has ended, whole or broken. What has come may be read. */
  land(end: FlightEnd): void {
    if (this.#end !== null) return;
    this.#end = end;
    this.#close();
    this.#log.open();
    this.#tell();
    this.#letGo();
  }

  /** Its leader came to nothing. Where nothing was given yet, the call that waits longest goes on from there. */
  failed(by: CallId, failure: Failure, isShared: boolean): void {
    if (this.#end !== null || by !== this.#leader) return;
    if (this.#log.readable > 0 || isShared || this.#handovers >= MOST_HANDOVERS)
      return this.land({ kind: 'failed', failure });
    this.#handovers += 1;
    this.handOver(by);
  }

  /** Its leader's client left, and nothing of it was the provider's fault. */
  handOver(by: CallId): void {
    if (this.#end !== null || by !== this.#leader) return;
    if (this.#log.readable > 0) return this.land(CUT_SHORT);
    this.#begun = false;
    this.#clear();
    [this.#joined, this.#unread] = [null, null];
    const [next] = this.#followers;
    if (next === undefined) return this.#close();
    this.#followers.delete(next);
    this.#leader = next.id;
    next.takeOver('lead');
  }

  /** The answer has ended, and nobody follows. */
  over(): void {
    if (this.#end !== null) return;
    this.#unread = null;
    this.#close();
    this.#log.open();
    this.#letGo();
  }

  /** The answer is for its leader alone: whoever waits asks for itself. */
  dissolve(): void {
    if (this.#end !== null || this.#log.readable > 0) return;
    this.#close();
    for (const follower of [...this.#followers]) {
      this.#followers.delete(follower);
      follower.takeOver('alone');
    }
    this.#letGo();
  }

  #clear(): void {
    if (this.#log.readable > 0) return;
    this.#log.clear();
    this.#count();
  }

  #tell(): void {
    for (const follower of [...this.#followers]) follower.more();
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#room.closed();
  }

  /** What every follower has read; and who is further behind than the bound goes. */
  #letGo(): void {
    const least = this.#end === null ? this.#log.within(this.#room.maxBytes) : 0;
    for (const follower of [...this.#followers])
      if (follower.at < least) {
        this.#followers.delete(follower);
        follower.lost();
      }
    let first = this.#log.readable;
    for (const { at } of this.#followers) first = Math.min(first, at);
    this.#log.letGoBefore(first);
    this.#count();
    if (this.#followers.size === 0 && this.#end === null) this.#unread?.();
  }

  #count(): boolean {
    const more = this.#log.bytes - this.#counted;
    this.#counted = this.#log.bytes;
    return more === 0 || this.#room.grew(more);
  }
}
