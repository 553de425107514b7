import type { LiveStream, StreamEnd } from '#capabilities/streams/index.ts';

/** The terminal event as data, in the same members for every protocol. */
export function endData(stream: Pick<LiveStream, 'positionAt'>, end: StreamEnd): Record<string, unknown> {
  const { status, events, finish, usage, textSha256, ...more } = end;
  return {
    status,
    events,
    last: events === 0 ? null : stream.positionAt(events - 1),
    finish,
    textSha256,
    usage,
    ...more,
  };
}

/** A line that every parser passes over: stock SDKs take an event that their dialect does not have for one of it. */
export const endComment = (stream: LiveStream, end: StreamEnd): string =>
  `: headgate-end ${JSON.stringify(endData(stream, end))}\n\n`;

const END = 'headgate.end';

/**
 * The same as an event that browsers deliver. It has a number, so that whoever has it asks for no more, and its type,
 * as SDKs expect of what they yield.
 */
export function endEvent(stream: LiveStream, end: StreamEnd): string {
  const data = JSON.stringify({ type: END, ...endData(stream, end) });
  return `id: ${stream.positionAt(end.events)}\nevent: ${END}\ndata: ${data}\n\n`;
}
