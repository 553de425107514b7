import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { connect as connectHttp2, constants } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import { GRPC_ECHO_PATH } from '../echo/core/params.ts';
import type { StreamSample } from './core/sample.ts';
import { GrpcFrames } from './grpc-frames.ts';
import { Taking, type StreamAsk } from './taking.ts';
import { headersOf, oneHeader, queried, trustOf, type Way } from './way.ts';

/** One message without fields. */
const EMPTY = Buffer.alloc(5);

/** The body is over. Its status is the terminal event: no client of gRPC takes a stream without one for whole. */
function ended(taking: Taking<GrpcFrames>, orderly: boolean): void {
  const { isDone, status } = taking.said;
  if (isDone && status === '0') return taking.finish('complete');
  // A gate without such an echo, or a hop that answers itself.
  if (status !== null) return taking.refused(`grpc-status ${status}`);
  taking.finish('aborted', orderly ? 'no_status' : null);
}

/** One stream of gRPC through the way, on a connection of its own. A client of gRPC leaves by a reset. Never throws. */
export function probeGrpcStream(way: Way, ask: StreamAsk): Promise<StreamSample> {
  const { promise, resolve } = Promise.withResolvers<StreamSample>();
  const session = connectHttp2(way.base.origin, trustOf(way));
  const leave = (): void => {
    if (!stream.closed) stream.close(constants.NGHTTP2_CANCEL);
    setTimeout(() => session.destroy(), LEAVING_MS);
  };
  const taking = new Taking({ said: new GrpcFrames(), resolve, leave, httpVersion: '2.0', ask });
  session.once('connect', () => taking.start());
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
    taking.said.status ??= oneHeader(headers as IncomingHttpHeaders, 'grpc-status');
  };
  stream.on('response', (headers) => {
    taking.answered(headers[':status'] ?? null, oneHeader(headers, 'content-encoding'));
    look(headers);
  });
  stream.on('trailers', look);
  stream.on('data', (chunk: Buffer) => taking.take(chunk));
  stream.on('end', () => setImmediate(() => ended(taking, stream.rstCode === constants.NGHTTP2_NO_ERROR)));
  stream.end(EMPTY);
  return promise;
}

/** So that a reset goes out before its connection closes. */
const LEAVING_MS = 50;

/** The same over gRPC-Web: a POST over whatever HTTP there is. */
export function probeGrpcWebStream(way: Way, ask: StreamAsk): Promise<StreamSample> {
  const { promise, resolve } = Promise.withResolvers<StreamSample>();
  const url = grpcUrl(way, ask);
  const secure = url.protocol === 'https:';
  const request = (secure ? httpsRequest : httpRequest)(url, {
    ...{ method: 'POST', agent: false, ...trustOf(way) },
    headers: {
      ...headersOf(way),
      ...{ 'content-type': 'application/grpc-web+proto', 'content-length': EMPTY.length, 'x-grpc-web': '1' },
    },
  });
  const taking = new Taking({
    said: new GrpcFrames(),
    resolve,
    leave: () => request.destroy(),
    httpVersion: '1.1',
    ask,
  });
  request.on('socket', (socket) => {
    socket.setNoDelay(true);
    socket.once(secure ? 'secureConnect' : 'connect', () => taking.start());
  });
  request.on('error', (error) => taking.broke(error));
  request.on('response', (response: IncomingMessage) => {
    taking.answered(response.statusCode ?? null, oneHeader(response.headers, 'content-encoding'));
    taking.said.status ??= oneHeader(response.headers, 'grpc-status');
    response.on('data', (chunk: Buffer) => taking.take(chunk));
    response.on('error', (error) => taking.broke(error));
    response.on('end', () => ended(taking, response.complete));
  });
  request.end(EMPTY);
  return promise;
}

const grpcUrl = ({ base }: Way, { query }: StreamAsk): URL => {
  const url = new URL(base);
  url.pathname = url.pathname.replace(/\/+$/, '').replace(/\/v1$/, '') + GRPC_ECHO_PATH;
  return queried(url, query);
};
