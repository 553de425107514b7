import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { connect as connectHttp2, constants } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import { GRPC_ECHO_PATH } from '../echo/core/params.ts';
import type { End, StreamSample } from './core/sample.ts';
import { GrpcFrames } from './grpc-frames.ts';
import { codeOf, type SseAsk } from './probe-sse.ts';
import { headersOf, oneHeader, queried, type Way } from './way.ts';

/** One message without fields. */
const EMPTY = Buffer.alloc(5);

/** What each of the two protocols says of its stream while it comes. */
class Taking {
  readonly frames = new GrpcFrames();
  readonly #resolve: (sample: StreamSample) => void;
  readonly #leave: () => void;
  readonly #timers: NodeJS.Timeout[] = [];
  #startedAt = performance.now();
  #status: number | null = null;
  #headersMs: number | null = null;
  #contentEncoding: string | null = null;
  readonly #httpVersion: string;
  #isOver = false;

  constructor(parts: {
    readonly resolve: (sample: StreamSample) => void;
    readonly leave: () => void;
    readonly httpVersion: string;
    readonly ask: SseAsk;
  }) {
    this.#resolve = parts.resolve;
    this.#leave = parts.leave;
    this.#httpVersion = parts.httpVersion;
    this.#timers.push(setTimeout(() => this.finish('bound'), parts.ask.boundMs));
  }

  /** The echo's clock starts with the request: the time to connect is none of a hop's buffering. */
  start({ dropAtMs = null }: SseAsk): void {
    this.#startedAt = performance.now();
    if (dropAtMs !== null) this.#timers.push(setTimeout(() => this.finish('dropped'), dropAtMs));
  }

  answered(status: number | null, contentEncoding: string | null): void {
    [this.#status, this.#contentEncoding, this.#headersMs] = [status, contentEncoding, this.#age()];
  }

  take(chunk: Buffer): void {
    if (!this.frames.push(chunk, this.#age())) this.finish('aborted', 'not_the_echo');
  }

  /** The body is over. Its status is the terminal event: no client of gRPC takes a stream without one for whole. */
  ended(orderly: boolean): void {
    const { isDone, status } = this.frames;
    if (isDone && status === '0') return this.finish('complete');
    // A gate without such an echo, or a hop that answers itself: nothing is known of the way.
    if (status !== null) this.#status = null;
    if (status !== null) return this.finish('refused', `grpc-status ${status}`);
    this.finish('aborted', orderly ? 'no_status' : null);
  }

  broke(error: unknown): void {
    this.finish(this.#headersMs === null ? 'refused' : 'aborted', codeOf(error));
  }

  finish(end: End, code: string | null = null): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const timer of this.#timers) clearTimeout(timer);
    const { events, beats } = this.frames;
    this.#resolve({
      ...{ status: this.#status, httpVersion: this.#headersMs === null ? null : this.#httpVersion },
      ...{ headersMs: this.#headersMs, contentEncoding: this.#contentEncoding },
      ...{ events, beats, end, endMs: this.#age(), code },
    });
    this.#leave();
  }

  #age(): number {
    return performance.now() - this.#startedAt;
  }
}

/** One stream of gRPC through the way, on a connection of its own. A client of gRPC leaves by a reset. Never throws. */
export function probeGrpcStream(way: Way, ask: SseAsk): Promise<StreamSample> {
  const { promise, resolve } = Promise.withResolvers<StreamSample>();
  const session = connectHttp2(way.base.origin);
  const leave = (): void => {
    if (!stream.closed) stream.close(constants.NGHTTP2_CANCEL);
    setTimeout(() => session.destroy(), LEAVING_MS);
  };
  const taking = new Taking({ resolve, leave, httpVersion: '2.0', ask });
  session.once('connect', () => taking.start(ask));
  session.on('error', (error) => taking.broke(error));
  session.on('close', () => taking.broke({ code: 'closed' }));
  const url = grpcUrl(way, ask);
  const stream = session.request({
    ...headersOf(way),
    ...{ ':method': 'POST', ':path': url.pathname + url.search },
    ...{ 'content-type': 'application/grpc', te: 'trailers' },
  });
  stream.on('error', (error) => taking.broke(error));
  const look = (headers: object): void => {
    taking.frames.status ??= oneHeader(headers as IncomingHttpHeaders, 'grpc-status');
  };
  stream.on('response', (headers) => {
    taking.answered(headers[':status'] ?? null, oneHeader(headers, 'content-encoding'));
    look(headers);
  });
  stream.on('trailers', look);
  stream.on('data', (chunk: Buffer) => taking.take(chunk));
  stream.on('end', () => setImmediate(() => taking.ended(stream.rstCode === constants.NGHTTP2_NO_ERROR)));
  stream.end(EMPTY);
  return promise;
}

/** So that a reset goes out before its connection closes. */
const LEAVING_MS = 50;

/** The same over gRPC-Web: a POST over whatever HTTP there is. */
export function probeGrpcWebStream(way: Way, ask: SseAsk): Promise<StreamSample> {
  const { promise, resolve } = Promise.withResolvers<StreamSample>();
  const url = grpcUrl(way, ask);
  const secure = url.protocol === 'https:';
  const request = (secure ? httpsRequest : httpRequest)(url, {
    ...{ method: 'POST', agent: false },
    headers: {
      ...headersOf(way),
      ...{ 'content-type': 'application/grpc-web+proto', 'content-length': EMPTY.length, 'x-grpc-web': '1' },
    },
  });
  const taking = new Taking({ resolve, leave: () => request.destroy(), httpVersion: '1.1', ask });
  request.on('socket', (socket) => {
    socket.setNoDelay(true);
    socket.once(secure ? 'secureConnect' : 'connect', () => taking.start(ask));
  });
  request.on('error', (error) => taking.broke(error));
  request.on('response', (response: IncomingMessage) => {
    taking.answered(response.statusCode ?? null, oneHeader(response.headers, 'content-encoding'));
    taking.frames.status ??= oneHeader(response.headers, 'grpc-status');
    response.on('data', (chunk: Buffer) => taking.take(chunk));
    response.on('error', (error) => taking.broke(error));
    response.on('end', () => taking.ended(response.complete));
  });
  request.end(EMPTY);
  return promise;
}

const grpcUrl = ({ base }: Way, { query }: SseAsk): URL => {
  const url = new URL(base);
  url.pathname = url.pathname.replace(/\/+$/, '').replace(/\/v1$/, '') + GRPC_ECHO_PATH;
  return queried(url, query);
};
