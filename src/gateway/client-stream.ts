import { EVENT_STREAM_TYPE, framesOf } from '#wire/aws-event-stream/index.ts';
import type { Call } from './call.ts';
import { STREAM_HEAD, UNHELD_HEAD } from './streams/stream-head.ts';

const headOf = (contentType: string): readonly string[] => ['content-type', contentType, ...UNHELD_HEAD];
const SSE_HEAD = Object.entries(STREAM_HEAD).flat();
/** By this header clients of the AI SDK know the protocol (`UI_MESSAGE_STREAM_HEADERS`, `ai` 7.0.173). */
export const UI_STREAM_HEADERS = { 'x-vercel-ai-ui-message-stream': 'v1' } as const;
const UI_HEAD = [...SSE_HEAD, ...Object.entries(UI_STREAM_HEADERS).flat()];
const FRAMES_HEAD = headOf(EVENT_STREAM_TYPE);

/** Own headers of a stream, by what the client's path streams. */
export function streamHead({ exchange: { route } }: Call): readonly string[] {
  if (route.framing !== undefined) return FRAMES_HEAD;
  return route.dialect === 'ai-sdk-ui' ? UI_HEAD : SSE_HEAD;
}

/** Whole events in text, as this client reads them. */
export const asClientReads = ({ exchange: { route } }: Call, events: string): string | Buffer =>
  route.framing === undefined ? events : framesOf(route.framing, Buffer.from(events));
