import { request as httpRequest } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import { headersOf, oneHeader, urlOf, type Query, type Way } from './way.ts';

/** A small answer in one piece, or what came in its place. */
export interface Answer {
  /** Null: none came. */
  readonly status: number | null;
  /** From the sent request to the head of the answer, without the time to connect. */
  readonly tookMs: number;
  readonly httpVersion: string | null;
  /** What the way says of itself: shown, and never judged by. */
  readonly server: string | null;
  readonly via: string | null;
  /** Parsed JSON, or null. */
  readonly body: unknown;
  /** `ECONNREFUSED`, `timeout`; null where an answer came. */
  readonly code: string | null;
}

const MAX_BYTES = 64 * 1024;
/** A way that swallows answers must not hold the run up. */
const BOUND_MS = 4_000;

/** Asks the echo for one small answer on a connection of its own. Never throws. */
export function askEcho(way: Way, path: 'json' | 'report', query: Query = {}): Promise<Answer> {
  const { promise, resolve } = Promise.withResolvers<Answer>();
  const url = urlOf(way, path, query);
  const secure = url.protocol === 'https:';
  let startedAt = performance.now();
  const failed = (code: string): void =>
    resolve({
      ...{ status: null, tookMs: performance.now() - startedAt, httpVersion: null, server: null, via: null },
      ...{ body: null, code },
    });
  // POST: no cache on the way keeps an answer to it.
  const request = (secure ? httpsRequest : httpRequest)(url, {
    method: 'POST',
    agent: false,
    headers: { ...headersOf(way), accept: 'application/json', 'content-length': 0 },
    signal: AbortSignal.timeout(BOUND_MS),
  });
  request.on('socket', (socket) =>
    socket.once(secure ? 'secureConnect' : 'connect', () => (startedAt = performance.now())),
  );
  request.on('error', (error: NodeJS.ErrnoException) => failed(error.code ?? error.name));
  request.on('response', (response) => {
    const tookMs = performance.now() - startedAt;
    let text = '';
    response.on('data', (chunk: Buffer) => {
      if (text.length < MAX_BYTES) text += chunk;
    });
    response.on('error', (error: NodeJS.ErrnoException) => failed(error.code ?? error.name));
    response.on('end', () =>
      resolve({
        ...{ status: response.statusCode ?? null, tookMs, httpVersion: response.httpVersion },
        ...{ server: oneHeader(response.headers, 'server'), via: oneHeader(response.headers, 'via') },
        ...{ body: jsonOf(text), code: null },
      }),
    );
  });
  request.end();
  return promise;
}

/** The echo's note of a stream, over HTTP/2; null: none came. Never throws. */
export function askEchoHttp2(way: Way, query: Query): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const url = urlOf(way, 'report', query);
  const session = connectHttp2(url.origin);
  const end = (answer: unknown): void => {
    clearTimeout(timer);
    resolve(answer);
    session.destroy();
  };
  const timer = setTimeout(() => end(null), BOUND_MS);
  session.on('error', () => end(null));
  session.on('close', () => end(null));
  const stream = session.request({ ...headersOf(way), ':method': 'POST', ':path': url.pathname + url.search });
  let text = '';
  stream.on('error', () => end(null));
  stream.on('data', (chunk: Buffer) => {
    if (text.length < MAX_BYTES) text += chunk;
  });
  stream.on('end', () => end(jsonOf(text)));
  stream.end();
  return promise;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
