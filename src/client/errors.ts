/** How a stream ended, as the gate says it in its terminal event. */
export interface StreamEnd {
  /** `ok`: whole. Else as in the ledger: `cancelled`, `abandoned`, `truncated`, `interrupted`, an upstream's error. */
  readonly status: string;
  /** Position of the last event; null: there was none, or the transport does not say. */
  readonly last: string | null;
  readonly finish: unknown;
  readonly usage: unknown;
  /** SHA-256, in hex, of the answer's text. */
  readonly textSha256: string | null;
}

/** What all errors of a stream say: as far as it came, and by which call it is known. */
export interface StreamPlace {
  /** Of the call; null: the gate had not answered. */
  readonly id: string | null;
  /** Of the last event that was handed out: by it, `read({ id, after })` goes on. */
  readonly position: string | null;
  readonly end?: StreamEnd | null;
  readonly cause?: unknown;
}

/** A stream that did not come to its end, with as much as is known. */
export class StreamError extends Error {
  readonly id: string | null;
  readonly position: string | null;
  /** The terminal event, where there was one. */
  readonly end: StreamEnd | null;

  constructor(message: string, { id, position, end = null, cause }: StreamPlace) {
    super(message, { cause });
    this.name = new.target.title;
    this.id = id;
    this.position = position;
    this.end = end;
  }
  /** Not `name` of the class: a bundler shortens that. */
  static readonly title: string = 'StreamError';
}

/** It broke off and could not be taken up in time, or the gate ended it before it was whole. */
export class StreamInterrupted extends StreamError {
  static override readonly title = 'StreamInterrupted';
}

/** Its log is no longer kept, or was never this key's: what is missing cannot be had. */
export class StreamGone extends StreamError {
  static override readonly title = 'StreamGone';
}

/** It ended, and what came is less or other than what its end says. */
export class StreamTruncated extends StreamError {
  static override readonly title = 'StreamTruncated';
}

/** The gate said no. */
export class StreamRefused extends StreamError {
  static override readonly title = 'StreamRefused';
  readonly status: number;
  /** As it was sent; JSON where it is JSON. */
  readonly body: unknown;

  constructor(status: number, body: unknown, place: StreamPlace) {
    const said = (body as { error?: { message?: string } } | null)?.error?.message;
    super(said ?? `The gate answered ${status}.`, place);
    this.status = status;
    this.body = body;
  }
}

/** A connection is over before the stream was: another may go on. Never leaves the library. */
export class Cut extends Error {
  /** What the gate asks to wait, in milliseconds. */
  readonly waitMs: number;

  constructor(why: string, more: { readonly cause?: unknown; readonly waitMs?: number } = {}) {
    super(why, { cause: more.cause });
    this.waitMs = more.waitMs ?? 0;
  }
}
