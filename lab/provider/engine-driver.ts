import { performance } from 'node:perf_hooks';
import {
  type Engine,
  cancel,
  createEngine,
  engineLoad,
  hasWork,
  step,
  submit,
} from '#capabilities/capacity/core/engine.ts';
import type { EngineEvent, EngineOptions, EngineRequest, RefusalReason } from '#capabilities/capacity/core/serving.ts';

/** What a request hears of its own progress. */
export interface Listener {
  firstToken(cachedTokens: number): void;
  token(index: number): void;
  finished(cachedTokens: number): void;
}

// Behind by more than this (a sleeping machine, a long pause of the process), the rim starts anew instead of racing.
const MAX_LAG_MS = 100;
// Steps computed without letting sockets be served: many tiny steps must not starve the loop.
const MAX_STEPS_A_TURN = 16;

/**
 * Runs the pure serving core in real time: a step's events are told when the step is over. Timers have a resolution of
 * a millisecond, so the due time is carried over and short steps are made up for in the next turn.
 */
export class EngineDriver {
  readonly engine: Engine;
  readonly #listeners = new Map<string, Listener>();
  #dueMs = 0;
  #pending: readonly EngineEvent[] = [];
  #scheduled = false;
  #closed = false;

  constructor(options: EngineOptions) {
    this.engine = createEngine(options);
  }

  submit(request: EngineRequest, listener: Listener): RefusalReason | null {
    const reason = submit(this.engine, request, performance.now());
    if (reason) return reason;
    this.#listeners.set(request.id, listener);
    // An idle engine starts now: the time in which nothing was due is not made up for.
    if (!this.#scheduled) this.#dueMs = Math.max(this.#dueMs, performance.now());
    this.#schedule();
    return null;
  }

  cancel(id: string): void {
    this.#listeners.delete(id);
    cancel(this.engine, id);
  }

  load(): ReturnType<typeof engineLoad> {
    return engineLoad(this.engine);
  }

  close(): void {
    this.#closed = true;
    this.#listeners.clear();
  }

  #schedule(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    const waitMs = this.#dueMs - performance.now();
    if (waitMs >= 1) setTimeout(() => this.#turn(), waitMs);
    else setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#scheduled = false;
    if (this.#closed) return;
    for (let i = 0; i < MAX_STEPS_A_TURN && this.#dueMs <= performance.now(); i++) {
      this.#tell();
      if (!hasWork(this.engine)) return;
      this.#step();
    }
    this.#schedule();
  }

  #step(): void {
    const now = performance.now();
    const startMs = Math.max(this.#dueMs, now - MAX_LAG_MS);
    const result = step(this.engine, now);
    this.#dueMs = startMs + result.durationMs;
    this.#pending = result.events;
  }

  #tell(): void {
    const events = this.#pending;
    this.#pending = [];
    for (const event of events) this.#tellOne(event);
  }

  #tellOne(event: EngineEvent): void {
    const listener = this.#listeners.get(event.id);
    if (!listener) return;
    if (event.type === 'first_token') listener.firstToken(event.cachedTokens);
    else if (event.type === 'token') listener.token(event.index);
    else if (event.type === 'finished') {
      this.#listeners.delete(event.id);
      listener.finished(event.cachedTokens);
    }
  }
}
