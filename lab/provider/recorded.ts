import type { Frame } from './answer.ts';
import type { Endpoint } from './routes.ts';

/** One answer as the real API gave it: the unary body and the events of a stream, sent as they are written down. */
export interface Recorded {
  readonly body?: object;
  readonly events?: readonly object[];
}

export type RecordedSet = Readonly<Record<string, Recorded>>;

/** A recorded event in its dialect's SSE form. */
export function recordedFrames(endpoint: Endpoint, recorded: Recorded): Frame[] {
  const events = recorded.events ?? [];
  if (endpoint === 'converse') return events.map(unionFrame);
  if (endpoint === 'generateContent') {
    const last = events.length - 1;
    return events.map((event, i) => ({
      event: null,
      data: JSON.stringify(event),
      lineEnd: '\r\n',
      terminal: i === last,
    }));
  }
  const frames = events.map((event): Frame => {
    const type = endpoint === 'chat' ? null : String((event as { type: unknown }).type);
    return { event: type, data: JSON.stringify(event), terminal: isTerminal(type) };
  });
  return endpoint === 'chat' ? [...frames, { event: null, data: '[DONE]', terminal: true }] : frames;
}

/** A union's one member is the event's type. */
function unionFrame(event: object): Frame {
  const [[type, value]] = Object.entries(event) as [[string, object]];
  return { event: type, data: JSON.stringify(value), terminal: type === 'metadata' };
}

const isTerminal = (type: string | null): boolean =>
  type === 'message_stop' ||
  type === 'response.completed' ||
  type === 'response.incomplete' ||
  type === 'response.failed';
