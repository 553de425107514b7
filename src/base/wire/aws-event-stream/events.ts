import { isObject, textOf } from '../json/read.ts';
import type { SseEvent, SseSplitter } from '../sse/splitter.ts';
import { frameSplitter, writeFrame, type Frame } from './frames.ts';

/** Name of the event that an exception or error frame becomes; its data is `{"__type", "message"}`. */
export const EXCEPTION_EVENT = 'exception';

/** Frames as events: the event's type as name, the payload as data. */
export function frameEvents(): SseSplitter {
  const frames = frameSplitter();
  return { push: (chunk) => frames.push(chunk).map(frameEvent), rest: () => frames.rest() };
}

/**
 * What InvokeModelWithResponseStream sends: each `chunk` holds one event of the model's own API in base64. It becomes
 * that event as its API would stream it, so that a client of that API gets what it knows.
 */
export function chunkEvents(): SseSplitter {
  const frames = frameSplitter();
  return { push: (chunk) => frames.push(chunk).flatMap(chunkEvent), rest: () => frames.rest() };
}

function frameEvent(frame: Frame): SseEvent {
  const fault = exceptionOf(frame);
  if (fault) return sse(EXCEPTION_EVENT, JSON.stringify(fault));
  return sse(textOf(frame.headers.get(':event-type')) ?? '', oneLine(frame.payload.toString('utf8')));
}

/** Only line breaks could end a data line early, and JSON text has them between its tokens alone. */
const oneLine = (json: string): string => (/[\r\n]/.test(json) ? JSON.stringify(jsonOf(json) ?? json) : json);

interface Exception {
  readonly __type: string;
  readonly message: string;
}

/** A modelled exception names its type and has a JSON payload; an unmodelled error has code and message as headers. */
function exceptionOf({ headers, payload }: Frame): Exception | null {
  const kind = headers.get(':message-type');
  if (kind === 'error') {
    const message = textOf(headers.get(':error-message')) ?? 'The stream ended with an error.';
    return { __type: textOf(headers.get(':error-code')) ?? 'UnknownError', message };
  }
  if (kind !== 'exception') return null;
  const value = jsonOf(payload);
  const message = isObject(value) ? (textOf(value['message']) ?? textOf(value['Message'])) : null;
  return {
    __type: textOf(headers.get(':exception-type')) ?? 'UnknownException',
    message: message ?? payload.toString('utf8'),
  };
}

function chunkEvent(frame: Frame): SseEvent[] {
  const fault = exceptionOf(frame);
  if (fault) return [sse('error', JSON.stringify(errorEvent(fault)))];
  const outer = jsonOf(frame.payload);
  const base64 = isObject(outer) ? textOf(outer['bytes']) : null;
  if (base64 === null) return [];
  const line = oneLine(Buffer.from(base64, 'base64').toString('utf8'));
  return [sse(TYPE.exec(line.slice(0, LONGEST_LEAD))?.[1] ?? typeOf(line), line)];
}

const sse = (name: string, data: string): SseEvent => ({
  raw: Buffer.from(name === '' ? `data: ${data}\n\n` : `event: ${name}\ndata: ${data}\n\n`),
  name,
  data,
});

/** The type stands first in every event that was seen; elsewhere the event is parsed for it. */
const TYPE = /^\s*\{\s*"type"\s*:\s*"([a-z_]+)"/;
const LONGEST_LEAD = 64;
function typeOf(text: string): string {
  const value = jsonOf(text);
  return isObject(value) ? (textOf(value['type']) ?? '') : '';
}

/** Exceptions of Bedrock's runtime in the words of the Messages API; the message stays, the name is its code. */
const MESSAGES_TYPES: Readonly<Record<string, string>> = {
  throttling: 'rate_limit_error',
  serviceunavailable: 'overloaded_error',
  modelnotready: 'overloaded_error',
  modeltimeout: 'timeout_error',
  validation: 'invalid_request_error',
  accessdenied: 'permission_error',
  resourcenotfound: 'not_found_error',
};

function errorEvent({ __type, message }: Exception) {
  const name = __type.replace(/Exception$/, '').toLowerCase();
  const type = Object.hasOwn(MESSAGES_TYPES, name) ? MESSAGES_TYPES[name] : 'api_error';
  return { type: 'error', error: { type, message, details: { error_code: __type } } };
}

function jsonOf(text: Buffer | string): unknown {
  try {
    return JSON.parse(text.toString('utf8')) as unknown;
  } catch {
    return null;
  }
}

/** An event as Bedrock frames it: `chunkFrame` for InvokeModel, this for Converse. */
export const eventFrame = (type: string, payload: Uint8Array): Buffer =>
  writeFrame({ ':event-type': type, ':content-type': 'application/json', ':message-type': 'event' }, payload);

export const exceptionFrame = (type: string, message: string): Buffer =>
  writeFrame(
    { ':exception-type': type, ':content-type': 'application/json', ':message-type': 'exception' },
    Buffer.from(JSON.stringify({ message })),
  );

/** One event of a model's own API inside a frame of InvokeModelWithResponseStream. */
export const chunkFrame = (data: string): Buffer =>
  eventFrame('chunk', Buffer.from(JSON.stringify({ bytes: Buffer.from(data).toString('base64') })));
