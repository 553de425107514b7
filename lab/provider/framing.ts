import { crc32 } from 'node:zlib';
import type { Frame } from './answer.ts';
import type { Route } from './routes.ts';

/** How events stand on the wire. */
export interface Framing {
  readonly contentType: string;
  readonly write: (frame: Frame) => Buffer;
}

const SSE: Framing = {
  contentType: 'text/event-stream; charset=utf-8',
  write: ({ event, data, lineEnd = '\n' }) =>
    Buffer.from(`${event === null ? '' : `event: ${event}${lineEnd}`}data: ${data}${lineEnd}${lineEnd}`),
};

/** An event name that begins so is an exception of Bedrock's, whose data is its payload. */
export const EXCEPTION = '!';

/** InvokeModelWithResponseStream: an event of the model's API in base64, padded so that its length says nothing. */
const CHUNKS: Framing = {
  contentType: 'application/vnd.amazon.eventstream',
  write: (frame) => {
    if (frame.event?.startsWith(EXCEPTION)) return binary(frame);
    const bytes = Buffer.from(frame.data).toString('base64');
    return binary({
      event: 'chunk',
      data: JSON.stringify({ bytes, p: 'abcdefghijkl'.slice(0, frame.data.length % 12) }),
    });
  },
};

/** ConverseStream: the event's type as header, its members as payload. */
const EVENTS: Framing = { contentType: 'application/vnd.amazon.eventstream', write: binary };

export const framingOf = (route: Route | null): Framing =>
  route?.platform !== 'bedrock' ? SSE : route.endpoint === 'converse' ? EVENTS : CHUNKS;

function binary({ event, data }: Frame): Buffer {
  const fails = event?.startsWith(EXCEPTION) === true;
  const headers = Buffer.concat([
    text(fails ? ':exception-type' : ':event-type', fails ? event.slice(1) : (event ?? '')),
    text(':content-type', 'application/json'),
    text(':message-type', fails ? 'exception' : 'event'),
  ]);
  const payload = Buffer.from(data);
  const prelude = Buffer.concat([uint32(headers.length + payload.length + 16), uint32(headers.length)]);
  const body = Buffer.concat([prelude, uint32(crc32(prelude)), headers, payload]);
  return Buffer.concat([body, uint32(crc32(body))]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

const text = (name: string, value: string): Buffer =>
  Buffer.concat([Buffer.from([name.length]), Buffer.from(name), Buffer.from([7, 0, value.length]), Buffer.from(value)]);
