import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Readable } from 'node:stream';
import type { StreamSample } from './core/sample.ts';
import { decoderOf, SseEvents } from './sse-events.ts';
import { codeOf, Taking, type StreamAsk } from './taking.ts';
import { headersOf, oneHeader, trustOf, urlOf, type Way } from './way.ts';

/** A call of a model is a POST with a body, and hops treat it so. */
export const BODY = '{"model":"echo","stream":true}';

export const sseHeaders = (way: Way, { acceptEncoding }: StreamAsk): Record<string, string> => ({
  ...headersOf(way),
  accept: 'text/event-stream',
  'content-type': 'application/json',
  'content-length': String(BODY.length),
  ...(acceptEncoding && { 'accept-encoding': acceptEncoding }),
});

/** One stream of server-sent events through the way over HTTP/1.1, on a connection of its own. Never throws. */
export function probeSse(way: Way, ask: StreamAsk): Promise<StreamSample> {
  const { promise, resolve } = Promise.withResolvers<StreamSample>();
  const url = urlOf(way, 'sse', ask.query);
  const secure = url.protocol === 'https:';
  const request = (secure ? httpsRequest : httpRequest)(url, {
    ...{ method: 'POST', agent: false, headers: sseHeaders(way, ask) },
    ...trustOf(way),
  });
  const leave = (): void => void request.destroy();
  const taking = new Taking({ said: new SseEvents(), resolve, leave, httpVersion: '1.1', ask });
  request.on('socket', (socket) => {
    socket.setNoDelay(true);
    socket.once(secure ? 'secureConnect' : 'connect', () => taking.start());
  });
  request.on('response', (response: IncomingMessage) => {
    const encoding = oneHeader(response.headers, 'content-encoding');
    taking.answered(response.statusCode ?? null, encoding);
    response.on('aborted', () => taking.finish('aborted', 'ECONNRESET'));
    takeBody(taking, response, { encoding, isWhole: () => response.complete });
  });
  request.on('error', (error) => taking.broke(error));
  request.end(BODY);
  return promise;
}

interface Body {
  readonly encoding: string | null;
  /** Asked when the body is over: whether the protocol said so. */
  readonly isWhole: () => boolean;
}

/** Takes a body to its end, uncompressed where it is compressed. */
export function takeBody(taking: Taking<SseEvents>, body: Readable, { encoding, isWhole }: Body): void {
  const decoder = decoderOf(encoding);
  const ended = (): void => taking.finish(!isWhole() ? 'aborted' : taking.said.isDone ? 'complete' : 'clean');
  body.on('error', (error) => taking.finish('aborted', codeOf(error)));
  const plain = decoder === null ? body : body.pipe(decoder);
  plain.on('data', (chunk: Buffer) => taking.take(chunk));
  plain.on('end', ended);
  decoder?.on('error', (error) => taking.finish('aborted', codeOf(error)));
}
