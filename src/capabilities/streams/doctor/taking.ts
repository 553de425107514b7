import type { Arrival, End, StreamSample } from './core/sample.ts';

export interface StreamAsk {
  readonly query: Readonly<Record<string, string | number | true | null>>;
  /** What the client says that it understands; null: nothing. */
  readonly acceptEncoding?: string | null;
  /** The probe leaves after so long; null: it stays. */
  readonly dropAtMs?: number | null;
  /** The probe takes no longer. */
  readonly boundMs: number;
}

/** What the echo says, out of the bytes of its protocol. */
export interface Said {
  readonly events: readonly Arrival[];
  readonly beats: readonly Arrival[];
  readonly isDone: boolean;
  /** False: something else answers. */
  push(chunk: Buffer, gotMs: number): boolean;
}

export interface TakingParts<S extends Said> {
  readonly said: S;
  readonly resolve: (sample: StreamSample) => void;
  readonly leave: () => void;
  readonly httpVersion: string;
  readonly ask: StreamAsk;
}

/** One stream while it comes, over whatever protocol, until it has an end. */
export class Taking<S extends Said> {
  readonly #parts: TakingParts<S>;
  readonly #timers: NodeJS.Timeout[] = [];
  #startedAt = performance.now();
  #status: number | null = null;
  #headersMs: number | null = null;
  #contentEncoding: string | null = null;
  #isOver = false;

  constructor(parts: TakingParts<S>) {
    this.#parts = parts;
    this.#timers.push(setTimeout(() => this.finish('bound'), parts.ask.boundMs));
  }

  get said(): S {
    return this.#parts.said;
  }

  /** The echo's clock starts with the request: the time to connect is none of a hop's buffering. */
  start(): void {
    this.#startedAt = performance.now();
    const { dropAtMs = null } = this.#parts.ask;
    if (dropAtMs !== null) this.#timers.push(setTimeout(() => this.finish('dropped'), dropAtMs));
  }

  answered(status: number | null, contentEncoding: string | null): void {
    [this.#status, this.#contentEncoding, this.#headersMs] = [status, contentEncoding, this.#age()];
  }

  take(chunk: Buffer): void {
    if (!this.said.push(chunk, this.#age())) this.finish('aborted', 'not_the_echo');
  }

  /** Something else than the echo answered: nothing is known of the way. */
  refused(code: string): void {
    this.#status = null;
    this.finish('refused', code);
  }

  broke(error: unknown): void {
    this.finish(this.#headersMs === null ? 'refused' : 'aborted', codeOf(error));
  }

  finish(end: End, code: string | null = null): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const timer of this.#timers) clearTimeout(timer);
    const { events, beats } = this.said;
    this.#parts.resolve({
      ...{ status: this.#status, httpVersion: this.#headersMs === null ? null : this.#parts.httpVersion },
      ...{ headersMs: this.#headersMs, contentEncoding: this.#contentEncoding },
      ...{ events, beats, end, endMs: this.#age(), code },
    });
    this.#parts.leave();
  }

  #age(): number {
    return performance.now() - this.#startedAt;
  }
}

export const codeOf = (error: unknown): string | null => (error as { code?: string }).code ?? null;
