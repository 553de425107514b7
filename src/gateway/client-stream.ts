import { EVENT_STREAM_TYPE, framesOf } from '#wire/aws-event-stream/index.ts';
import type { Call } from './call.ts';

const headOf = (contentType: string): readonly string[] => [
  ...['content-type', contentType],
  ...['cache-control', 'no-cache'],
  ...['x-accel-buffering', 'no'],
];
const SSE_HEAD = headOf('text/event-stream; charset=utf-8');
const FRAMES_HEAD = headOf(EVENT_STREAM_TYPE);

/** Own headers of a stream, by what the client's path streams. */
export const streamHead = ({ exchange: { route } }: Call): readonly string[] =>
  route.framing === undefined ? SSE_HEAD : FRAMES_HEAD;

/** Whole events in text, as this client reads them. */
export const asClientReads = ({ exchange: { route } }: Call, events: string): string | Buffer =>
  route.framing === undefined ? events : framesOf(route.framing, Buffer.from(events));
