import type { LiveStream, StreamReader } from '#capabilities/streams/index.ts';
import type { Call } from '../call.ts';
import { heartbeatOf } from './heartbeat.ts';
import { readerWishes } from './reader-wishes.ts';
import { ResponseReader } from './response-reader.ts';

/** Reads a log to the client of a call, over whatever carries it. */
export function readerOf({ exchange, facts }: Call, stream: LiveStream): StreamReader {
  const heartbeat = heartbeatOf(stream.dialect, facts.attribution.client);
  return (
    exchange.carrier?.reader(stream) ??
    new ResponseReader(exchange.response, stream, { heartbeat, ...readerWishes(stream.dialect, exchange) })
  );
}
