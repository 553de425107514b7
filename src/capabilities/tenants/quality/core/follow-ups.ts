/** Answers whose tools have not told yet how they went. Pure: time comes in. */
import type { Score } from '#ports/scores.ts';
import type { SaidCall } from './answer-reading.ts';
import type { ToolOutcome } from './text-rules.ts';

/** A result that comes later than this is of no use: its answer counts as good by then. */
const WAIT_MS = 15 * 60_000;
/** Answers that are waited for; beyond them the oldest counts as good. */
const MOST_WAITING = 20_000;

/** Whose conversation: results of another tenant or session never meet. */
export interface Conversation {
  readonly tenant: string;
  readonly session: string | null;
}

interface Waiting {
  readonly score: Score;
  readonly since: number;
  readonly keys: readonly string[];
  readonly open: Set<string>;
}

/**
 * An answer that called tools well is good unless a following call of the same conversation says that one of them
 * failed. Where an API has no ids of its own (Google's), tools are known by session and name.
 */
export class FollowUps {
  readonly #byKey = new Map<string, Waiting>();
  readonly #waiting = new Set<Waiting>();
  readonly #settled: (score: Score) => void;

  constructor(settled: (score: Score) => void) {
    this.#settled = settled;
  }

  get size(): number {
    return this.#waiting.size;
  }

  wait(score: Score, of: Conversation, calls: readonly SaidCall[]): void {
    const keys = calls.flatMap((call) => keysOf(of, call));
    if (keys.length === 0) return this.#settled(score);
    const waiting = { score, since: score.at, keys, open: new Set(calls.map(({ id, name }) => id || name)) };
    this.#waiting.add(waiting);
    for (const key of keys) this.#byKey.set(key, waiting);
    if (this.#waiting.size > MOST_WAITING) this.#end(this.#waiting.values().next().value!, true);
  }

  heard(of: Conversation, outcomes: readonly ToolOutcome[]): void {
    for (const { id, name, failed } of outcomes) {
      const waiting = keysOf(of, { id, name: name ?? '' })
        .map((key) => this.#byKey.get(key))
        .find((found) => found !== undefined);
      if (waiting === undefined || !this.#waiting.has(waiting)) continue;
      const [first = ''] = waiting.open;
      waiting.open.delete(waiting.open.has(id) ? id : first);
      if (failed) this.#end(waiting, false);
      else if (waiting.open.size === 0) this.#end(waiting, true);
    }
  }

  /** Those that nothing was heard of count as good. */
  expire(now: number): void {
    for (const waiting of this.#waiting) {
      if (now - waiting.since < WAIT_MS) return;
      this.#end(waiting, true);
    }
  }

  /** What is still waited for counts as good: nobody will tell. */
  end(): void {
    for (const waiting of this.#waiting) this.#end(waiting, true);
  }

  #end(waiting: Waiting, good: boolean): void {
    this.#waiting.delete(waiting);
    for (const key of waiting.keys) if (this.#byKey.get(key) === waiting) this.#byKey.delete(key);
    this.#settled(good ? waiting.score : { ...waiting.score, value: 0 });
  }
}

/** Ids that are counted up say nothing outside of their conversation: `functions.look:0`. */
const COUNTED = /(?:^|[_:.-])\d{1,4}$/;

/** By its id, where that is one; else by what its session calls it. */
function keysOf({ tenant, session }: Conversation, { id, name }: Pick<SaidCall, 'id' | 'name'>): string[] {
  if (id !== '' && !COUNTED.test(id)) return [JSON.stringify([tenant, session, 'id', id])];
  return name !== '' && session !== null ? [JSON.stringify([tenant, session, 'name', name])] : [];
}
