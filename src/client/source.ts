import { StreamGone, StreamRefused, type StreamEnd } from './errors.ts';

/** One event of a stream, in the dialect of the call. */
export interface StreamEvent<T = unknown> {
  /** From 0 on and rising; without gaps for whoever reads an API's own events from the start. */
  readonly seq: number;
  /** By which a later `read` goes on; null: this stream is not kept. */
  readonly position: string | null;
  /** `message` where the dialect names none. */
  readonly event: string;
  readonly data: string;
  /** What `data` says; null: it is no JSON, as `[DONE]` is not. */
  readonly json: T | null;
}

/** What comes of one connection. */
export type Item =
  | { readonly type: 'head'; readonly id: string | null }
  | { readonly type: 'event'; readonly position: string | null; readonly event: string; readonly data: string | null }
  | { readonly type: 'end'; readonly end: StreamEnd };

/** What a connection is to bring: a new call, or a stream from a position on. */
export interface Wanted {
  readonly call: Call | null;
  readonly id: string | null;
  readonly after: string | null;
  readonly form: Form;
  /** Aborted: nobody wants it any more. */
  readonly signal: AbortSignal;
}

/** Events of the API that was called, or what they say in the gate's own frames. */
export type Form = 'native' | 'frames';

export interface Call {
  readonly path: string;
  readonly body: object;
  readonly headers: Record<string, string>;
}

/** Opens one connection. Throws `Cut` where another may go on, and what is final otherwise. */
export type Source = (wanted: Wanted, options: Connecting) => AsyncGenerator<Item>;

export interface Connecting {
  readonly baseURL: string;
  readonly headers: () => Promise<Record<string, string>>;
  readonly getTicket: ((id: string) => Promise<string> | string) | undefined;
  readonly fetch: typeof fetch;
  /** No byte for so long: the connection is dead. */
  readonly idleMs: number;
}

/** What a refusal of the gate means for a stream. */
export function refusal(status: number, body: unknown, { id, after, call }: Wanted): Error {
  const place = { id, position: after };
  if (status === 410 || (!call && status === 404))
    return new StreamGone('The log of this stream is not kept.', { ...place, cause: body });
  return new StreamRefused(status, body, place);
}

/** May a connection be made again, if not at once? A call is sent again only where its key makes it the same call. */
export const mayPass = (status: number, { call }: Wanted): boolean =>
  (status === 429 || status >= 500) && (!call || isKeyed(call));

/** The gate knows this call when it comes again: it gives the answer of the first, and pays for nothing twice. */
export const isKeyed = ({ headers }: Call): boolean => headers['idempotency-key'] !== undefined;

/** Of a position `epoch.seq`. */
export const seqOf = (position: string): number => Number(position.slice(position.indexOf('.') + 1));

/** Aborts with `signal`, and when `feed` was not called for so long. */
export function watchdog(signal: AbortSignal, idleMs: number): { signal: AbortSignal; feed(): void; done(): void } {
  const own = new AbortController();
  const left = (): void => own.abort(signal.reason);
  let timer: ReturnType<typeof setTimeout>;
  const feed = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => own.abort(new Error(`No sign of life for ${idleMs} ms.`)), idleMs);
  };
  if (signal.aborted) left();
  signal.addEventListener('abort', left);
  feed();
  const done = (): void => {
    clearTimeout(timer);
    signal.removeEventListener('abort', left);
  };
  return { signal: own.signal, feed, done };
}
