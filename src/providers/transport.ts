import { Readable } from 'node:stream';
import { Pool, type Dispatcher } from 'undici';
import { Deadlines, type Deadline } from './deadlines.ts';
import { LONG_TIMERS, type Timers } from './provider-data.ts';

export interface UpstreamRequest {
  readonly origin: string;
  readonly path: string;
  /** Default: POST. */
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly headers: readonly string[];
  /** A stream is read once, as fast as the provider takes it; null: there is none. */
  readonly body: Uint8Array | Readable | null;
  readonly timers: Timers;
}

/** Why an attempt ended without a whole answer. `timeout` names the timer; texts never reach a client. */
export interface UpstreamFailure {
  readonly kind: 'connect' | 'timeout' | 'reset' | 'aborted';
  readonly code: string;
  /** Was the request on the wire: then the provider may have seen and billed it. */
  readonly sent: boolean;
}

/** Steps of one upstream exchange, in order: connected?, headers?, data*, then exactly one of end or fail. */
export interface UpstreamHandler {
  connected(): void;
  headers(status: number, headers: Readonly<Record<string, string | string[] | undefined>>): void;
  /** False asks for a pause until `resume`. */
  data(chunk: Buffer): boolean;
  end(): void;
  fail(failure: UpstreamFailure): void;
}

export interface UpstreamControl {
  abort(): void;
  resume(): void;
}

/** Sockets to one origin. 512 streams at once fit one process (measured: research, gateways 2c); more wait in undici's queue. */
const CONNECTIONS_PER_ORIGIN = 512;
/** Every timer of undici that is not one of an attempt (`Timers` of the provider), each with its reason. */
export const POOL_TIMERS = {
  /** Providers close idle sockets between 5 and 60 s: reuse below the shortest, so that no request meets a closing one. */
  keepAliveTimeout: 4_000,
  /** A longer hint of the provider's (`Keep-Alive: timeout=`) is believed up to here: hops between may know less. */
  keepAliveMaxTimeout: 55_000,
  /** A hint is taken for this much less, so that the way there does not end behind it. */
  keepAliveTimeoutThreshold: 1_000,
  /** Of calls that bring none of their own; each attempt brings both. */
  headersTimeout: LONG_TIMERS.firstByteMs,
  bodyTimeout: LONG_TIMERS.idleMs,
  /** A number of requests is no reason to close a socket. */
  maxRequestsPerClient: 0,
  /** A provider with a dead IPv6 way is reached by IPv4 after a quarter of a second, and not after the connect timer. */
  autoSelectFamily: true,
  autoSelectFamilyAttemptTimeout: 250,
  /** Providers that offer HTTP/2 get it: a ping keeps the hops between from cutting a silent connection. No lost ping ends one. */
  h2Options: { pingInterval: 15_000 },
} as const satisfies Pool.Options;

/** Finds a provider that vanished while its socket waited for reuse; within an attempt its idle timer ends it. */
const UPSTREAM_KEEP_ALIVE = { keepAlive: true, keepAliveInitialDelay: 15_000, noDelay: true } as const;

/** Connection pools by origin, then by connect timer. Origins come from the operator's file alone; a redirect is an answer, never followed. */
export class Transport {
  readonly #pools = new Map<string, Map<number, Pool>>();
  readonly #deadlines = new Deadlines();

  send(request: UpstreamRequest, handler: UpstreamHandler): UpstreamControl {
    const exchange = new Exchange(handler, this.#deadlines, request.timers.totalMs);
    this.#pool(request).dispatch(
      {
        path: request.path,
        method: request.method ?? 'POST',
        ...payload(request),
        headersTimeout: request.timers.firstByteMs,
        bodyTimeout: request.timers.idleMs,
      },
      exchange,
    );
    return exchange;
  }

  #pool({ origin, timers }: UpstreamRequest): Pool {
    const known = this.#pools.get(origin)?.get(timers.connectMs);
    if (known) return known;
    const pool = new Pool(origin, {
      connections: CONNECTIONS_PER_ORIGIN,
      pipelining: 1,
      ...POOL_TIMERS,
      connect: { timeout: timers.connectMs, ...UPSTREAM_KEEP_ALIVE },
      // Node checks header sizes for servers; a provider with more than 64 KB of headers is broken.
      maxHeaderSize: 65_536,
    });
    const ofOrigin = this.#pools.get(origin) ?? new Map<number, Pool>();
    this.#pools.set(origin, ofOrigin.set(timers.connectMs, pool));
    return pool;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].flatMap((pools) => [...pools.values()]).map((pool) => pool.destroy()));
  }
}

class Exchange implements Dispatcher.DispatchHandler, UpstreamControl {
  readonly #handler: UpstreamHandler;
  readonly #deadlines: Deadlines;
  readonly #total: Deadline;
  #controller: Dispatcher.DispatchController | null = null;
  #aborted: Error | null = null;
  #over = false;
  #timedOut = false;

  constructor(handler: UpstreamHandler, deadlines: Deadlines, totalMs: number) {
    this.#handler = handler;
    this.#deadlines = deadlines;
    this.#total = deadlines.add(totalMs, () => {
      this.#timedOut = true;
      this.abort();
    });
  }

  abort(): void {
    if (this.#over) return;
    this.#aborted ??= new Error('aborted');
    // Not on a socket yet: it may wait there for long, and whoever gave up must not wait with it.
    if (this.#controller) this.#controller.abort(this.#aborted);
    else queueMicrotask(() => this.#fail(this.#aborted!));
  }
  resume(): void {
    if (!this.#over) this.#controller?.resume();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // Given up while it waited: it has been reported as never sent, and is not.
    if (this.#aborted) return controller.abort(this.#aborted);
    this.#controller = controller;
    this.#handler.connected();
  }
  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status >= 200) this.#handler.headers(status, headers);
  }
  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#handler.data(chunk)) controller.pause();
  }
  onResponseEnd(): void {
    if (this.#over) return;
    this.#finish();
    this.#handler.end();
  }
  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#fail(error);
  }

  #fail(error: Error): void {
    if (this.#over) return;
    this.#finish();
    this.#handler.fail(this.#classify(error as Error & { code?: string }));
  }

  #finish(): void {
    this.#over = true;
    this.#deadlines.drop(this.#total);
  }
  #classify(error: Error & { code?: string }): UpstreamFailure {
    const code = (error.code ?? error.name).slice(0, 64);
    const sent = this.#controller !== null;
    if (this.#timedOut) return { kind: 'timeout', code: 'total', sent };
    if (this.#aborted) return { kind: 'aborted', code: 'aborted', sent };
    if (code === 'UND_ERR_HEADERS_TIMEOUT') return { kind: 'timeout', code: 'first_byte', sent };
    if (code === 'UND_ERR_BODY_TIMEOUT') return { kind: 'timeout', code: 'idle', sent };
    if (code === 'UND_ERR_CONNECT_TIMEOUT') return { kind: 'connect', code: 'connect_timeout', sent: false };
    return { kind: sent ? 'reset' : 'connect', code, sent };
  }
}

/** A larger body goes out in pieces of this size: one write of 32 MB copies 4 MB into the kernel and holds the loop 5 ms. */
const PIECE_BYTES = 256 * 1024;

function payload({ headers, body }: UpstreamRequest): Pick<Dispatcher.DispatchOptions, 'headers' | 'body'> {
  if (body === null || !(body instanceof Uint8Array)) return { headers: headers as string[], body };
  if (body.length <= 2 * PIECE_BYTES) return { headers: headers as string[], body };
  const source = Readable.from(pieces(body), { objectMode: false, highWaterMark: PIECE_BYTES });
  return { headers: [...headers, 'content-length', String(body.length)], body: source };
}

/** One piece a turn of the loop, so that other calls are served in between. */
async function* pieces(body: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < body.length; at += PIECE_BYTES) {
    yield body.subarray(at, at + PIECE_BYTES);
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}
