import { positionText, type LiveStream, type StreamEnd } from '#capabilities/streams/index.ts';

const END = 'headgate.end';

/** The terminal event as data. With its type, as SDKs expect of what they yield. */
function endData({ epoch }: Pick<LiveStream, 'epoch'>, end: StreamEnd): Record<string, unknown> {
  const { status, events, finish, usage, textSha256 } = end;
  const last = events === 0 ? null : positionText(epoch, events - 1);
  return { status, events, last, finish, textSha256, usage, type: END };
}

/** A line that every parser passes over: stock SDKs take an event that their dialect does not have for one of it. */
export const endComment = (stream: LiveStream, end: StreamEnd): string =>
  `: headgate-end ${JSON.stringify(endData(stream, end))}\n\n`;

/** The same as an event that browsers deliver. It has a number, so that whoever has it asks for no more. */
export const endEvent = (stream: LiveStream, end: StreamEnd): string =>
  `id: ${positionText(stream.epoch, end.events)}\nevent: ${END}\ndata: ${JSON.stringify(endData(stream, end))}\n\n`;
