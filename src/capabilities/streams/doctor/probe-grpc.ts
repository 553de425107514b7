import { request as httpRequest } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import type { GrpcReach } from './core/measured.ts';
import { trustOf, type Way } from './way.ts';

const METHOD = '/headgate.v1.Headgate/Generate';
const BOUND_MS = 5_000;
/** A message without fields. It needs no key: the gate's refusal has a status, which is what the way must bring back. */
const EMPTY = Buffer.alloc(5);
const MOST_BYTES = 64 * 1024;
/** Flag of the frame in which gRPC-Web carries its trailers. */
const TRAILERS = 0x80;

const pathOf = ({ base }: Way): string => base.pathname.replace(/\/+$/, '').replace(/\/v1$/, '') + METHOD;

/** gRPC: HTTP/2 on every hop, and a status in the trailers. */
export function probeGrpc(way: Way): Promise<GrpcReach> {
  const { promise, resolve } = Promise.withResolvers<GrpcReach>();
  const session = connectHttp2(way.base.origin, trustOf(way));
  const end = (reach: GrpcReach): void => {
    clearTimeout(timer);
    resolve(reach);
    session.destroy();
  };
  const timer = setTimeout(() => end({ kind: 'no_answer', status: null }), BOUND_MS);
  let status: number | null = null;
  const broken = (): void => end({ kind: status === null ? 'no_http2' : 'no_status', status });
  session.on('error', broken);
  session.on('close', broken);
  const stream = session.request({
    ...way.headers,
    ...{ ':method': 'POST', ':path': pathOf(way), 'content-type': 'application/grpc', te: 'trailers' },
  });
  const look = (headers: Readonly<Record<string, unknown>>): void => {
    if (headers['grpc-status'] !== undefined) end({ kind: 'reaches', status });
  };
  stream.on('error', broken);
  stream.on('response', (headers) => {
    status = headers[':status'] ?? null;
    look(headers);
  });
  stream.on('trailers', look);
  stream.on('end', () => setImmediate(broken));
  stream.resume();
  stream.end(EMPTY);
  return promise;
}

/** gRPC-Web: a POST over whatever HTTP there is, and a status in the body. */
export function probeGrpcWeb(way: Way): Promise<GrpcReach> {
  const { promise, resolve } = Promise.withResolvers<GrpcReach>();
  const send = way.base.protocol === 'https:' ? httpsRequest : httpRequest;
  const url = new URL(way.base);
  url.pathname = pathOf(way);
  const headers = { ...way.headers, 'content-type': 'application/grpc-web+proto', 'content-length': EMPTY.length };
  const options = { method: 'POST', agent: false, timeout: BOUND_MS, headers, ...trustOf(way) };
  const request = send(url, options, (response) => {
    const status = response.statusCode ?? null;
    let body = Buffer.alloc(0);
    response.on('data', (chunk: Buffer) => {
      if (body.length < MOST_BYTES) body = Buffer.concat([body, chunk]);
    });
    response.on('error', () => resolve({ kind: 'no_status', status }));
    response.on('end', () => {
      const told = response.headers['grpc-status'] !== undefined || hasTrailers(body);
      resolve({ kind: told ? 'reaches' : 'no_status', status });
    });
  });
  request.on('timeout', () => request.destroy());
  request.on('error', () => resolve({ kind: 'no_answer', status: null }));
  request.end(EMPTY);
  return promise;
}

/** Walks the frames: a message before the trailers is no reason to miss them. */
function hasTrailers(body: Buffer): boolean {
  for (let at = 0; at + 5 <= body.length;) {
    const length = body.readUInt32BE(at + 1);
    if ((body[at]! & TRAILERS) !== 0) return body.subarray(at + 5, at + 5 + length).includes('grpc-status:');
    at += 5 + length;
  }
  return false;
}
