import { setImmediate as nextTurn } from 'node:timers/promises';
import type { StoredPart, StreamClaim, StreamClaimant, StreamLog, StreamRef } from '#ports/stream-log.ts';
import type { AnswerFacts } from '../core/answer-facts.ts';
import type { LiveStream } from '../live-stream.ts';

/** Events that are read at once. */
export const MOST_READ = 512;
/** Behind the end of the lease: who asks a moment before finds it alive. */
const LATE_MS = 20;
/** Without an answer for so many looks, whoever reads is let go: it may find the stream elsewhere. */
const MOST_AWAY = 5;
const AWAY_LOOK_MS = 500;

export interface FollowerParts {
  readonly log: StreamLog;
  readonly ref: StreamRef;
  readonly stream: LiveStream;
  readonly leaseMs: number;
  readonly heartbeatMs: number;
  /** The stored stream cannot be read on: the one here stands for nothing any more. */
  readonly gone: () => void;
  /** As whom it takes the stream over once its producer is gone. */
  readonly claimant: StreamClaimant;
  /** It has: the stream here has all events, and is this gate's to go on with. */
  readonly claimed: (claim: StreamClaim, part: StoredPart) => void;
}

/**
 * Reads a stream of another gate, or of one that died, into one of this process: whoever reads it here cannot tell.
 * When the producer's lease has run out, reading ends the stream as interrupted.
 */
export class Follower {
  readonly #parts: FollowerParts;
  #unfollow: (() => void) | null = null;
  #timer: NodeJS.Timeout | null = null;
  readonly #beat: NodeJS.Timeout;
  readonly #attend: NodeJS.Timeout;
  #reading = false;
  #again = false;
  #away = 0;
  #gone = false;
  #stopped = false;
  #claim: StreamClaim | null = null;

  constructor(parts: FollowerParts) {
    this.#parts = parts;
    this.#beat = setInterval(() => parts.stream.ping(), parts.heartbeatMs).unref();
    this.#attend = setInterval(() => this.#tell(), parts.leaseMs / 2).unref();
  }

  /** Resolves once the stream here is as the stored one is now; false: it cannot be read. */
  async start(first: StoredPart): Promise<boolean> {
    const { log, ref } = this.#parts;
    // Before the rest is read: what comes meanwhile is told of.
    if (first.end === null) this.#unfollow = log.follow(ref, () => void this.#pull());
    // Whoever asked is about to read.
    if (first.end === null) void log.order(ref, 'read');
    this.#reading = true;
    await this.#takeAll(first);
    this.#reading = false;
    if (this.#again) void this.#pull();
    return !this.#gone && this.#away === 0;
  }

  stop(): void {
    this.#stopped = true;
    this.#unfollow?.();
    this.#unfollow = null;
    if (this.#timer) clearTimeout(this.#timer);
    clearInterval(this.#beat);
    clearInterval(this.#attend);
  }

  /** The producer waits for nobody while somebody reads here. */
  #tell(): void {
    const { log, ref, stream } = this.#parts;
    if (stream.readers > 0 && stream.ended === null) void log.order(ref, 'read');
  }

  async #pull(): Promise<void> {
    this.#again = true;
    if (this.#reading) return;
    this.#reading = true;
    while (this.#again && !this.#stopped) {
      this.#again = false;
      await this.#read();
    }
    this.#reading = false;
  }

  async #read(): Promise<void> {
    const part = await this.#next();
    if (part === 'away') return this.#missed();
    this.#away = 0;
    if (part === null || part.full) return this.#lost();
    await this.#takeAll(part);
  }

  #next(): Promise<StoredPart | null | 'away'> {
    const { log, ref, stream, claimant } = this.#parts;
    return log.read(ref, stream.events, MOST_READ, claimant);
  }

  async #takeAll(first: StoredPart): Promise<void> {
    const { stream } = this.#parts;
    let part: StoredPart | null | 'away' = first;
    for (;;) {
      this.#claim ??= part.claim;
      stream.epochs.set(part.epochs);
      for (const event of part.events) stream.publish(event);
      if (stream.events >= part.count) return this.#caughtUp(part);
      if (part.events.length === 0) return this.#lost();
      await nextTurn();
      part = await this.#next();
      if (part === 'away') return this.#missed();
      if (part === null || part.full) return this.#lost();
    }
  }

  #caughtUp(part: StoredPart): void {
    const { stream, claimed } = this.#parts;
    const { end, leaseLeftMs } = part;
    if (this.#claim) {
      this.stop();
      return claimed(this.#claim, part);
    }
    if (end === null) return this.#lookIn(leaseLeftMs + LATE_MS);
    this.stop();
    if (end.unread) stream.because('abandoned');
    // Another one was to go on, and died as well.
    else if (end.facts === null && part.epochs.length > 1) stream.because('redrives_spent');
    const facts = end.facts === null ? null : (JSON.parse(end.facts) as AnswerFacts);
    stream.conclude(facts ? { ...facts, status: end.status, events: stream.events } : stream.endAs(end.status));
  }

  #missed(): void {
    if (++this.#away > MOST_AWAY) return this.#lost();
    this.#lookIn(AWAY_LOOK_MS);
  }

  #lookIn(ms: number): void {
    if (this.#timer) clearTimeout(this.#timer);
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void this.#pull(), ms).unref();
  }

  #lost(): void {
    this.stop();
    this.#gone = true;
    this.#parts.gone();
    this.#parts.stream.lose();
  }
}
