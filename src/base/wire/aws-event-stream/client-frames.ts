import { isObject, objectOf, textOf } from '../json/read.ts';
import { sseSplitter, type SseEvent } from '../sse/splitter.ts';
import { chunkFrame, eventFrame, EXCEPTION_EVENT, exceptionFrame } from './events.ts';

/** `events`: each event is a frame of its name (ConverseStream). `chunks`: in a `chunk` (InvokeModelWithResponseStream). */
export type ClientFraming = 'events' | 'chunks';

/** Whole events in text as the frames that a client of Bedrock reads. */
export const framesOf = (framing: ClientFraming, events: Buffer): Buffer =>
  Buffer.concat(
    sseSplitter()
      .push(events)
      .flatMap(framing === 'events' ? eventOf : chunkOf),
  );

function eventOf({ name, data }: SseEvent): Buffer[] {
  if (data === null) return [];
  if (name !== EXCEPTION_EVENT) return [eventFrame(name, Buffer.from(data))];
  const value = parsed(data);
  return [exceptionFrame(memberOf(textOf(value['__type'])), textOf(value['message']) ?? '')];
}

function chunkOf({ name, data }: SseEvent): Buffer[] {
  if (data === null) return [];
  if (name !== 'error') return [chunkFrame(data)];
  const error = objectOf(parsed(data)['error']);
  const member = MESSAGES_MEMBERS[textOf(error['type']) ?? ''] ?? 'internalServerException';
  return [exceptionFrame(member, textOf(error['message']) ?? '')];
}

/** Members of the two unions of events that are exceptions (SDK 3.1164.0 `ConverseStreamOutput`, `ResponseStream`). */
const MEMBERS: ReadonlySet<string> = new Set([
  'internalServerException',
  'modelStreamErrorException',
  'validationException',
  'throttlingException',
  'serviceUnavailableException',
]);

function memberOf(name: string | null): string {
  const member = name === null ? '' : name.charAt(0).toLowerCase() + name.slice(1);
  return MEMBERS.has(member) ? member : 'internalServerException';
}

const MESSAGES_MEMBERS: Readonly<Record<string, string>> = {
  rate_limit_error: 'throttlingException',
  overloaded_error: 'serviceUnavailableException',
  timeout_error: 'modelTimeoutException',
  invalid_request_error: 'validationException',
};

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}
