import { constants } from 'node:http2';
import type { StreamSample } from './core/sample.ts';
import { openHttp2, type Http2Connection } from './http2-connection.ts';
import { BODY, sseHeaders, takeBody } from './probe-sse.ts';
import { SseEvents } from './sse-events.ts';
import { Taking, type StreamAsk } from './taking.ts';
import { oneHeader, urlOf, type Way } from './way.ts';

/** A reader that leaves resets its stream; its connection lives on, as a browser's does, and tells the hop nothing. */
const LINGER_MS = 15_000;

/** One stream of server-sent events through the way over HTTP/2, on a connection of its own. Never throws. */
export function probeSseHttp2(way: Way, ask: StreamAsk): Promise<StreamSample> {
  const { promise, resolve } = Promise.withResolvers<StreamSample>();
  let leave = (): void => undefined;
  const taking = new Taking({ said: new SseEvents(), resolve, leave: () => leave(), httpVersion: '2.0', ask });
  openHttp2(way).then(
    (connection) => (leave = streamOver(connection, way, { taking, ask })),
    (error: unknown) => taking.broke(error),
  );
  return promise;
}

interface Asked {
  readonly taking: Taking<SseEvents>;
  readonly ask: StreamAsk;
}

/** Gives what leaves the stream. */
function streamOver({ session, isEnded }: Http2Connection, way: Way, { taking, ask }: Asked): () => void {
  session.on('error', (error) => taking.broke(error));
  taking.start();
  const url = urlOf(way, 'sse', ask.query);
  const stream = session.request({ ...sseHeaders(way, ask), ':method': 'POST', ':path': url.pathname + url.search });
  stream.on('response', (headers) => {
    const encoding = oneHeader(headers, 'content-encoding');
    taking.answered(headers[':status'] ?? null, encoding);
    takeBody(taking, stream, { encoding, isWhole: () => isEnded(stream.id!) });
  });
  stream.on('error', (error) => taking.broke(error));
  stream.on('close', () => {
    // A compressed body may have bytes that are still to be read.
    if (!isEnded(stream.id ?? 0)) taking.broke({ code: resetName(stream.rstCode) });
  });
  stream.end(BODY);
  return () => {
    if (stream.closed) return session.destroy();
    stream.close(constants.NGHTTP2_CANCEL);
    session.unref();
    setTimeout(() => session.destroy(), LINGER_MS).unref();
  };
}

const NAMES = new Map(
  Object.entries(constants).flatMap(([name, code]) =>
    /^NGHTTP2_(NO_ERROR|PROTOCOL_ERROR|INTERNAL_ERROR|REFUSED_STREAM|CANCEL|ENHANCE_YOUR_CALM)$/.test(name)
      ? [[Number(code), name.slice('NGHTTP2_'.length)] as const]
      : [],
  ),
);
/** As RFC 9113, 7 has it. */
const resetName = (code: number): string => NAMES.get(code) ?? String(code);
