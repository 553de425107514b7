import type { Feed, FeedService, FeedStatus } from '#ports/feeds.ts';
import { FeedReader, type ReaderParts } from './reader.ts';

export interface FeedsParts extends Omit<ReaderParts, 'onTrouble'> {
  readonly onTrouble: (feed: string, why: string) => void;
}

/** All feeds of a gate, each with a reader of its own, so that a receiver that is away holds no other. */
export class Feeds implements FeedService {
  readonly #parts: FeedsParts;
  #readers = new Map<string, FeedReader>();
  #turn: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(parts: FeedsParts) {
    this.#parts = parts;
  }

  /** Takes the feeds of a configuration; those that stay as they are go on. Rejects where the store is away. */
  use(feeds: readonly Feed[]): Promise<void> {
    const taken = this.#turn.then(() => this.#take(feeds));
    this.#turn = taken.catch(() => undefined);
    return taken;
  }

  async #take(feeds: readonly Feed[]): Promise<void> {
    if (this.#closed) return;
    const wanted = new Map(feeds.map((feed) => [feed.name, feed]));
    for (const [name, reader] of [...this.#readers]) {
      if (JSON.stringify(wanted.get(name)) === JSON.stringify(reader.feed)) continue;
      await reader.close();
      this.#readers.delete(name);
    }
    await this.#parts.store.follow([...wanted.keys()]);
    for (const feed of feeds) if (!this.#readers.has(feed.name)) this.#readers.set(feed.name, this.#open(feed));
  }

  #open(feed: Feed): FeedReader {
    const { onTrouble, ...parts } = this.#parts;
    return new FeedReader(feed, { ...parts, onTrouble: (why) => onTrouble(feed.name, why) });
  }

  async status(): Promise<FeedStatus[]> {
    if (this.#readers.size === 0) return [];
    const states = await this.#parts.store.feeds();
    return states.flatMap((state) => {
      const reader = this.#readers.get(state.name);
      if (!reader) return [];
      const { kind, url } = reader.feed;
      return [{ ...state, kind, host: new URL(url).host, ...reader.health }];
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#turn;
    await Promise.all([...this.#readers.values()].map((reader) => reader.close()));
    this.#readers.clear();
  }
}
