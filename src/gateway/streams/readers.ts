import type { LiveStream, StreamReader } from '#capabilities/streams/index.ts';
import type { Call } from '../call.ts';
import { heartbeatOf } from './heartbeat.ts';
import { readerWishes } from './reader-wishes.ts';
import { ResponseReader } from './response-reader.ts';

/** Reads a log from its start to the client of a call, over whatever carries it; nobody reads a call that has no client. */
export function readWhole(call: Call, stream: LiveStream): void {
  const reader = readerOf(call, stream);
  if (reader) stream.attach(reader, 0);
}

function readerOf({ exchange, facts }: Call, stream: LiveStream): StreamReader | null {
  if (exchange.carrier) return exchange.carrier.reader(stream);
  const heartbeat = heartbeatOf(stream.dialect, facts.attribution.client);
  return new ResponseReader(exchange.response, stream, { heartbeat, ...readerWishes(stream.dialect, exchange) });
}
