import { everyTenant } from '#kernel/whose.ts';
import type { Score, Scores } from '#ports/scores.ts';
import { Quality, type QualityLine, type QualityPool } from './core/quality.ts';

interface BookParts {
  readonly store: Scores;
  readonly onTrouble: (error: unknown) => void;
}

/** Followed in one turn of the loop: about 20 µs each where many scores came before. */
const ALL_SCORES = everyTenant('the tests follow the scores of all tenants, each for itself');
const PAGE = 200;
/** Scores of rules that wait for the store; more are dropped and counted. */
const MOST_WAITING = 50_000;

/** The tests of quality, kept up to date with every score: read from the store at the start, then as scores come. */
export class QualityBook {
  readonly #parts: BookParts;
  readonly #quality = new Quality();
  #waiting: Score[] = [];
  /** Place of the last score that was followed. */
  #last = 0;
  #busy: Promise<void> | null = null;
  /** Scores by rule that found no room. */
  dropped = 0;

  constructor(parts: BookParts) {
    this.#parts = parts;
  }

  /** Keeps scores; resolves with whether each is new. Rejects where the store is away. */
  async put(scores: readonly Score[]): Promise<readonly boolean[]> {
    const places = await this.#parts.store.put(scores);
    await this.follow();
    return places.map((place) => place !== null);
  }

  /** Notes a score that nobody waits for; {@link flush} stores it. */
  note(score: Score): void {
    if (this.#waiting.length >= MOST_WAITING) this.dropped++;
    else this.#waiting.push(score);
  }

  /** Stores what was noted, and follows what has come, also through another process. */
  async flush(): Promise<void> {
    const scores = this.#waiting;
    this.#waiting = [];
    try {
      if (scores.length > 0) await this.#parts.store.put(scores);
      await this.follow();
    } catch (error) {
      this.#waiting = [...scores, ...this.#waiting].slice(0, MOST_WAITING);
      this.#parts.onTrouble(error);
    }
  }

  /** Reads on in the order of coming, one reader at a time. */
  async follow(): Promise<void> {
    while (this.#busy) await this.#busy;
    this.#busy = this.#read().finally(() => (this.#busy = null));
    return this.#busy;
  }

  async #read(): Promise<void> {
    for (;;) {
      const page = await this.#parts.store.page({ whose: ALL_SCORES, after: this.#last, limit: PAGE });
      for (const score of page) this.#quality.push(score);
      this.#last = page.at(-1)?.n ?? this.#last;
      if (page.length < PAGE) return;
    }
  }

  /** Of streams that had a score since. */
  lines(since: number): readonly QualityLine[] {
    return this.#quality.lines(since);
  }

  pools(): readonly QualityPool[] {
    return this.#quality.pools();
  }

  get leftOut(): number {
    return this.#quality.leftOut + this.dropped;
  }
}
