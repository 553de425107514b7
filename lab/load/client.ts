/** One call over undici's dispatch: the cheapest client that Node has, since benches share its machine. */
import { Pool } from 'undici';
import type { Dispatcher } from 'undici';
import type { AnswerReader, SeenAnswer } from './sse-reader.ts';
import { jsonReader, sseReader } from './sse-reader.ts';

/** The end of a call as the client saw it. Times are `performance.now()`. */
export interface CallEnd {
  readonly status: number | null;
  readonly callId: string | null;
  readonly answer: SeenAnswer;
  /** Failure of the connection: a code such as ECONNRESET or UND_ERR_HEADERS_TIMEOUT. */
  readonly connectionError: string | null;
  readonly bytes: number;
  readonly firstTokenAtMs: number | null;
  readonly endedAtMs: number;
}

export interface ClientOptions {
  /** Base URL with its path, such as `http://127.0.0.1:4000/v1`. */
  readonly baseUrl: string;
  /** Longest silence before and in an answer. */
  readonly timeoutMs: number;
}

export interface LoadClient {
  readonly call: (body: string, headers: Record<string, string>) => Promise<CallEnd>;
  readonly close: () => Promise<void>;
}

const CALL_ID_HEADER = 'x-headgate-call-id';

const oneValue = (value: string | string[] | undefined): string | null =>
  Array.isArray(value) ? (value[0] ?? null) : (value ?? null);

const errorCode = (error: Error): string => (error as NodeJS.ErrnoException).code ?? error.name;

/** Collects one answer; resolves exactly once, whether it ended or broke. */
function callHandler(resolve: (end: CallEnd) => void): Dispatcher.DispatchHandler {
  let status: number | null = null;
  let callId: string | null = null;
  let bytes = 0;
  let firstTokenAtMs: number | null = null;
  let reader: AnswerReader = jsonReader();
  const done = (answer: SeenAnswer, connectionError: string | null): void => {
    const endedAtMs = performance.now();
    // A JSON body comes whole: its first token is there when it ends.
    if (firstTokenAtMs === null && answer.complete) firstTokenAtMs = endedAtMs;
    resolve({ status, callId, answer, connectionError, bytes, firstTokenAtMs, endedAtMs });
  };
  return {
    onRequestStart: () => undefined,
    onResponseStart: (_controller, code, headers) => {
      status = code;
      callId = oneValue(headers[CALL_ID_HEADER]);
      if (oneValue(headers['content-type'])?.startsWith('text/event-stream')) reader = sseReader();
    },
    onResponseData: (_controller, chunk) => {
      bytes += chunk.length;
      if (reader.push(chunk) && firstTokenAtMs === null) firstTokenAtMs = performance.now();
    },
    onResponseEnd: () => done(reader.end(), null),
    onResponseError: (_controller, error) => done({ ...reader.seen, complete: false }, errorCode(error)),
  };
}

/** A client with as many connections as there are calls in flight: an open loop must never wait for a socket. */
export function openClient({ baseUrl, timeoutMs }: ClientOptions): LoadClient {
  const url = new URL(baseUrl);
  const path = `${url.pathname.replace(/\/$/, '')}/chat/completions`;
  const pool = new Pool(url.origin, {
    connections: null,
    pipelining: 1,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  });
  const call = (body: string, headers: Record<string, string>): Promise<CallEnd> =>
    new Promise((resolve) => {
      pool.dispatch({ path, method: 'POST', headers, body }, callHandler(resolve));
    });
  return { call, close: () => pool.destroy() };
}
