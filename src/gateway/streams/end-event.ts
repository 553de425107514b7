import type { LiveStream, StreamEnd } from '#capabilities/streams/index.ts';

const END = 'headgate.end';

/** The terminal event as data, in the same members for every protocol. With its type, as SDKs expect of what they yield. */
function endData(stream: Pick<LiveStream, 'positionAt'>, end: StreamEnd): Record<string, unknown> {
  const { status, events, finish, usage, textSha256, ...more } = end;
  const last = events === 0 ? null : stream.positionAt(events - 1);
  return { status, events, last, finish, textSha256, usage, ...more, type: END };
}

/** A line that every parser passes over: stock SDKs take an event that their dialect does not have for one of it. */
export const endComment = (stream: LiveStream, end: StreamEnd): string =>
  `: headgate-end ${JSON.stringify(endData(stream, end))}\n\n`;

/** The same as an event that browsers deliver. It has a number, so that whoever has it asks for no more. */
export const endEvent = (stream: LiveStream, end: StreamEnd): string =>
  `id: ${stream.positionAt(end.events)}\nevent: ${END}\ndata: ${JSON.stringify(endData(stream, end))}\n\n`;
