import { HeadgateError } from '#kernel/errors.ts';
import { scan, type Span } from '#wire/json/scan.ts';
import { splice } from '#wire/json/splice.ts';
import { MAX_DEPTH } from '#wire/json/strict.ts';

/** What a response of this socket said, for a next one that names it while no provider keeps it. */
export interface Remembered {
  readonly id: string;
  /** Items of the input and then of the output, as JSON text between the brackets of a list. */
  readonly items: string;
}

/** A `response.create` message: the body of `POST /v1/responses` and what the socket alone needs to know. */
export interface CreateMessage {
  readonly body: Buffer;
  readonly streamId: string | null;
  /** False: nothing is generated; the response is one to go on from. */
  readonly generate: boolean;
  readonly model: string;
  readonly store: boolean;
  readonly previous: string | null;
  /** The input's items, as JSON text between the brackets of a list. */
  readonly items: string;
}

type Members = ReadonlyMap<string, Span>;

/** Reads a message. Its body is read strictly by the call that it becomes; here only what steers. Throws. */
export function readCreate(bytes: Buffer): CreateMessage {
  const { spans } = scan(bytes, MAX_DEPTH);
  const member = (name: string): unknown => valueOf(bytes, spans, name);
  const type = member('type');
  if (type !== 'response.create') throw wrong('type', 'A message of this socket is a `response.create`.');
  if (member('background') === true) throw wrong('background', 'A socket has no responses in the background.');
  const streamId = text(member('stream_id'), 'stream_id');
  const edits = new Map<string, string | null>([
    ['type', null],
    ['stream', 'true'],
  ]);
  for (const name of ['stream_id', 'generate', 'background']) if (spans.has(name)) edits.set(name, null);
  return {
    body: splice(bytes, spans, edits),
    streamId,
    generate: member('generate') !== false,
    model: text(member('model'), 'model') ?? '',
    store: member('store') !== false,
    previous: text(member('previous_response_id'), 'previous_response_id'),
    items: itemsOf(bytes, spans.get('input')),
  };
}

/** The body of a message that goes on from what only this socket remembers. */
export function expanded({ body, items }: CreateMessage, before: Remembered): Buffer {
  const { spans } = scan(body, MAX_DEPTH);
  const input = `[${[before.items, items].filter((list) => list !== '').join(',')}]`;
  return splice(
    body,
    spans,
    new Map([
      ['previous_response_id', null],
      ['input', input],
    ]),
  );
}

function itemsOf(bytes: Buffer, span: Span | undefined): string {
  if (!span) return '';
  const input = bytes.toString('utf8', span.start, span.end);
  if (input.startsWith('[')) return input.slice(1, -1).trim();
  return input.startsWith('"') ? `{"type":"message","role":"user","content":${input}}` : '';
}

/** Members that steer are short; whatever cannot be read is left to the call, whose body is read strictly. */
function valueOf(bytes: Buffer, spans: Members, name: string): unknown {
  const span = spans.get(name);
  if (!span || span.end - span.start > 1_024) return undefined;
  try {
    return JSON.parse(bytes.toString('utf8', span.start, span.end));
  } catch {
    return undefined;
  }
}

function text(value: unknown, field: string): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string' && value.length <= 256) return value;
  throw wrong(field, 'It is a text of at most 256 characters.');
}

const wrong = (field: string, message: string): HeadgateError =>
  new HeadgateError('invalid_request', { field, message });

/** An event with the stream that the client named, where it named one. */
export const tagged = (json: string, streamId: string | null): string =>
  streamId === null ? json : `{"stream_id":${JSON.stringify(streamId)},${json.slice(1)}`;
