import type { Feed, FeedService, FeedStatus } from '#ports/feeds.ts';

/** How often the figures of `/metrics` are asked for. */
const LOOK_MS = 2_000;
/** With the store away, feeds are taken once it is back. */
const AGAIN_MS = 2_000;

/** The serving thread's side of the feeds: what is read and pushed is so in the thread of the stores. */
export class FeedBoard {
  readonly #service: FeedService;
  readonly #onTrouble: (why: string) => void;
  #wanted: readonly Feed[] = [];
  #again: NodeJS.Timeout | null = null;
  #look: NodeJS.Timeout | null = null;
  #closed = false;
  /** As of the last look; empty until the first, and where there are no feeds. */
  last: readonly FeedStatus[] = [];

  constructor(service: FeedService, onTrouble: (why: string) => void) {
    this.#service = service;
    this.#onTrouble = onTrouble;
  }

  /** Takes the feeds of a configuration; never rejects: with the store away it is tried until it is back. */
  async use(feeds: readonly Feed[]): Promise<void> {
    this.#wanted = feeds;
    if (this.#again) clearTimeout(this.#again);
    this.#again = null;
    try {
      await this.#service.use(feeds);
      this.#watch();
    } catch (error) {
      if (this.#closed || this.#wanted !== feeds) return;
      this.#onTrouble((error as Error).message);
      this.#again = setTimeout(() => void this.use(feeds), AGAIN_MS).unref();
    }
  }

  /** Rejects with `store_unavailable`. */
  status(): Promise<readonly FeedStatus[]> {
    return this.#service.status();
  }

  #watch(): void {
    if (this.#look) clearInterval(this.#look);
    this.#look = null;
    if (this.#wanted.length === 0) this.last = [];
    if (this.#wanted.length === 0 || this.#closed) return;
    const look = (): void =>
      void this.status().then(
        (status) => (this.last = status),
        () => undefined,
      );
    look();
    this.#look = setInterval(look, LOOK_MS).unref();
  }

  close(): void {
    this.#closed = true;
    if (this.#again) clearTimeout(this.#again);
    if (this.#look) clearInterval(this.#look);
  }
}
