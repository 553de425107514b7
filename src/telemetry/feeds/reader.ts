import { everyTenant } from '#kernel/whose.ts';
import { setTimeout as pause } from 'node:timers/promises';
import type { Feed, FeedCounts } from '#ports/feeds.ts';
import type { FeedEvent, LedgerStore } from '#ports/ledger-store.ts';

import { requestOf } from './core/events.ts';
import { pauseMs, verdictOf } from './core/verdict.ts';
import { Poster, type Posted } from './post.ts';

export type FeedStore = Pick<LedgerStore, 'follow' | 'feed' | 'acknowledge' | 'feeds'>;

/** Between two looks at a log that had nothing new. */
const ALL_EVENTS = everyTenant('a feed of the operator’s file; it passes on what its own list of tenants says');
const IDLE_MS = 500;
/** With the store away. */
const AWAY_MS = 2_000;
/**
 * Events that may be passed over one after the other. A receiver that refuses more has another fault than one of its
 * events: the feed waits for it, and loses none.
 */
const MOST_REFUSED_IN_A_ROW = 20;

export interface FeedHealth {
  readonly counts: Readonly<FeedCounts>;
  /** Why the last request did not bring its events; null: it did. */
  readonly trouble: string | null;
  readonly sentAt: number | null;
}

export interface ReaderParts {
  readonly store: FeedStore;
  readonly now: () => number;
  readonly random: () => number;
  readonly onTrouble: (why: string) => void;
}

/** Reads one feed and pushes it, a batch at a time: what is not acknowledged is sent again, by whoever comes next. */
export class FeedReader {
  readonly feed: Feed;
  readonly #parts: ReaderParts;
  readonly #poster: Poster;
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;
  readonly #counts: FeedCounts = { sent: 0, requests: 0, failures: 0, refused: 0 };
  #refusedInARow = 0;
  #trouble: string | null = null;
  #sentAt: number | null = null;

  constructor(feed: Feed, parts: ReaderParts) {
    this.feed = feed;
    this.#parts = parts;
    this.#poster = new Poster(feed);
    this.#ended = this.#run();
  }

  get health(): FeedHealth {
    return { counts: { ...this.#counts }, trouble: this.#trouble, sentAt: this.#sentAt };
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        if (!(await this.#page())) await this.#pause(IDLE_MS);
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        this.#fail((error as Error).message);
        await this.#pause(AWAY_MS);
      }
    }
  }

  /** True: there was something to tell, and it is told. */
  async #page(): Promise<boolean> {
    const { store } = this.#parts;
    const { name, batch, tenants } = this.feed;
    const page = await store.feed({ whose: ALL_EVENTS, name, limit: batch });
    if (page.length === 0) return false;
    const own = tenants === null ? page : page.filter(({ entry }) => tenants.includes(entry.tenant));
    await this.#deliver(own);
    if (this.#stop.signal.aborted) return false;
    await store.acknowledge(name, page.at(-1)!.seq);
    return true;
  }

  /** Resolves once each event has arrived, is known there or is refused for good; or when the feed is stopped. */
  async #deliver(events: readonly FeedEvent[]): Promise<void> {
    for (let failures = 0; events.length > 0 && !this.#stop.signal.aborted;) {
      const answer = await this.#post(events);
      if (this.#stop.signal.aborted) return;
      const verdict = verdictOf(this.feed, answer);
      if (verdict.is === 'taken') return this.#taken(events.length);
      if (verdict.is === 'known') {
        const rest = events.filter((_, place) => !verdict.places.has(place));
        this.#taken(events.length - rest.length);
        // Places that are in no request of ours must not be asked for ever.
        if (rest.length === events.length) return this.#refuse(events, answer);
        events = rest;
      } else if (verdict.is === 'refused' && this.#refusedInARow < MOST_REFUSED_IN_A_ROW) {
        if (events.length === 1) return this.#refuse(events, answer);
        const middle = Math.ceil(events.length / 2);
        await this.#deliver(events.slice(0, middle));
        events = events.slice(middle);
      } else {
        failures += 1;
        this.#fail(`${answer.status ?? answer.errorCode}`);
        await this.#pause(pauseMs(answer, failures, this.#parts.random()));
      }
    }
  }

  async #post(events: readonly FeedEvent[]): Promise<Posted> {
    this.#counts.requests += 1;
    return this.#poster.post(requestOf(this.feed, events, this.#parts.now()), this.#stop.signal);
  }

  #taken(count: number): void {
    this.#counts.sent += count;
    this.#refusedInARow = 0;
    this.#trouble = null;
    this.#sentAt = this.#parts.now();
  }

  #refuse(events: readonly FeedEvent[], { status }: Posted): void {
    this.#counts.refused += events.length;
    this.#refusedInARow += events.length;
    this.#parts.onTrouble(
      `${status}: refused for good, and passed over: ${events.map(({ entry }) => entry.id).join(', ')}`,
    );
  }

  #fail(why: string): void {
    this.#counts.failures += 1;
    // Once for a row of failures, not once for each.
    if (this.#trouble !== why) this.#parts.onTrouble(why);
    this.#trouble = why;
  }

  async #pause(ms: number): Promise<void> {
    await pause(ms, undefined, { signal: this.#stop.signal, ref: false }).catch(() => undefined);
  }

  /** Ends a request that is under way: its events are sent again by the next start. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#ended;
    await this.#poster.close();
  }
}
