import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { openHttp2, type Http2Connection } from './http2-connection.ts';
import { codeOf } from './taking.ts';
import { headersOf, oneHeader, trustOf, urlOf, type Query, type Way } from './way.ts';

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
  const failed = (code: string): void => resolve(noAnswer(code, performance.now() - startedAt));
  // POST: no cache on the way keeps an answer to it.
  const request = (secure ? httpsRequest : httpRequest)(url, {
    method: 'POST',
    agent: false,
    ...trustOf(way),
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

/** The same over HTTP/2. Never throws. */
export async function askEchoHttp2(way: Way, path: 'json' | 'report', query: Query = {}): Promise<Answer> {
  try {
    return await askedOver(await openHttp2(way), way, urlOf(way, path, query));
  } catch (error) {
    return noAnswer(codeOf(error) ?? 'unknown', 0);
  }
}

function askedOver({ session }: Http2Connection, way: Way, url: URL): Promise<Answer> {
  const { promise, resolve } = Promise.withResolvers<Answer>();
  const startedAt = performance.now();
  const failed = (code: string): void => resolve(noAnswer(code, performance.now() - startedAt));
  const timer = setTimeout(() => failed('timeout'), BOUND_MS);
  session.on('error', (error) => failed(codeOf(error) ?? 'unknown'));
  session.on('close', () => failed('closed'));
  const stream = session.request({
    ...{ ':method': 'POST', ':path': url.pathname + url.search },
    ...{ ...headersOf(way), accept: 'application/json', 'content-length': '0' },
  });
  stream.on('error', (error) => failed(codeOf(error) ?? 'unknown'));
  stream.on('response', (headers) => {
    const tookMs = performance.now() - startedAt;
    let text = '';
    stream.on('data', (chunk: Buffer) => {
      if (text.length < MAX_BYTES) text += chunk;
    });
    stream.on('end', () =>
      resolve({
        ...{ status: headers[':status'] ?? null, tookMs, httpVersion: '2.0' },
        ...{ server: oneHeader(headers, 'server'), via: oneHeader(headers, 'via'), body: jsonOf(text), code: null },
      }),
    );
  });
  stream.end();
  return promise.finally(() => {
    clearTimeout(timer);
    session.destroy();
  });
}

const noAnswer = (code: string, tookMs: number): Answer => ({
  ...{ status: null, tookMs, httpVersion: null, server: null, via: null, body: null, code },
});

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
