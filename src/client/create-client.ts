import { StreamRefused } from './errors.ts';
import { sse } from './sse.ts';
import type { HeadgateFrame, ShapeOf } from './shapes.ts';
import type { Connecting, Form, Source } from './source.ts';
import { HeadgateStream, type Patience, type StreamParts } from './stream.ts';

export interface ClientOptions {
  /** Of the gate, without `/v1`: `https://gate.example.com`. */
  readonly baseURL: string;
  /** A key of the gate. Not for pages: whoever opens them has it. */
  readonly apiKey?: string;
  /** Whatever authorises requests instead, for each anew. */
  readonly headers?: Record<string, string> | (() => Promise<Record<string, string>> | Record<string, string>);
  /** For pages: asks your own server, which has the key, for a ticket of this stream. One for each connection. */
  readonly getTicket?: (id: string) => Promise<string> | string;
  /** Default: server-sent events. `ws()` of this package: WebSocket. */
  readonly transport?: Source;
  readonly patience?: Partial<Patience>;
  /** No byte for so long, in milliseconds: the connection is dead. Over twice the gate's heartbeat. Default 30,000. */
  readonly idleMs?: number;
  readonly fetch?: typeof fetch;
  readonly now?: () => number;
  readonly random?: () => number;
}

export interface StreamAsked<Path extends string = string, F extends Form = 'native'> {
  /** Of the endpoint, as `/v1/chat/completions`. */
  readonly path: Path;
  /** Of the call; `stream: true` is added. */
  readonly body: object;
  readonly headers?: Record<string, string>;
  /**
   * By which the gate knows the call when it is sent again, because its answer's head was lost or the gate was not
   * there: it generates once. Default: a random one. Null: none, and the call is sent once.
   */
  readonly idempotencyKey?: string | null;
  /** `frames`: what events say, in one form for all APIs; over WebSocket alone. Default: the API's own events. */
  readonly form?: F;
  readonly signal?: AbortSignal;
}

export interface ReadAsked<F extends Form = 'native'> {
  /** Of the call. */
  readonly id: string;
  /** Position of the last event that you have; default: from the start. */
  readonly after?: string | null;
  readonly form?: F;
  readonly signal?: AbortSignal;
}

export interface Client {
  /** A call whose answer streams, its events typed by its path. It is sent when reading begins. */
  stream<Path extends string>(asked: StreamAsked<Path>): HeadgateStream<ShapeOf<Path>>;
  stream(asked: StreamAsked<string, 'frames'>): HeadgateStream<HeadgateFrame>;
  /** The same with a type of your own for its events. */
  stream<T>(asked: StreamAsked): HeadgateStream<T>;
  /** A stream that exists, from its start or from behind a position. Say which events it has. */
  read(asked: ReadAsked<'frames'>): HeadgateStream<HeadgateFrame>;
  read<T = unknown>(asked: ReadAsked): HeadgateStream<T>;
  /** Ends a call, from any connection. */
  cancel(id: string): Promise<void>;
}

const PATIENCE: Patience = { attempts: 8, totalMs: 60_000, waitMs: 250, mostWaitMs: 10_000 };

/** A client of one gate. It keeps nothing between streams. */
export function createClient(options: ClientOptions): Client {
  const { apiKey, headers = {}, getTicket, transport = sse, idleMs = 30_000 } = options;
  const connecting: Connecting = {
    baseURL: options.baseURL.replace(/\/(v1\/?)?$/, ''),
    headers: async () => ({
      ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
      ...(typeof headers === 'function' ? await headers() : headers),
    }),
    fetch: options.fetch ?? ((input, init) => fetch(input, init)),
    ...{ getTicket, idleMs },
  };
  const cancel = (id: string): Promise<void> => cancelCall(id, connecting);
  const open = (parts: Pick<StreamParts, 'call' | 'id' | 'after' | 'form' | 'signal'>): HeadgateStream<any> => {
    if (parts.form === 'frames' && transport === sse)
      throw new TypeError('Frames come over WebSocket alone: `transport: ws()`.');
    return new HeadgateStream({
      ...{ ...parts, connecting, cancel, source: transport },
      patience: { ...PATIENCE, ...options.patience },
      now: options.now ?? (() => performance.now()),
      random: options.random ?? Math.random,
    });
  };
  return {
    stream: ({ path, body, headers: own = {}, idempotencyKey = randomKey(), form = 'native', signal }: Asked) => {
      const more = idempotencyKey === null ? own : { 'idempotency-key': idempotencyKey, ...own };
      return open({ call: { path, body, headers: more }, id: null, after: null, form, signal });
    },
    read: ({ id, after = null, form = 'native', signal }: ReadAsked<Form>) =>
      open({ call: null, id, after, form, signal }),
    cancel,
  };
}

type Asked = StreamAsked<string, Form>;

/** Not `randomUUID`, which pages without TLS do not have. */
const randomKey = (): string => crypto.getRandomValues(new BigUint64Array(2)).join('-');

async function cancelCall(id: string, { baseURL, headers, fetch }: Connecting): Promise<void> {
  const response = await fetch(`${baseURL}/v1/streams/${id}/cancel`, { method: 'POST', headers: await headers() });
  const text = await response.text();
  if (!response.ok) throw new StreamRefused(response.status, text, { id, position: null });
}
