import type { FieldFault, PolicyView } from '#wire/dialect.ts';
import { wrongField } from '#wire/json/checks.ts';
import { isObject, isUnset, textOf, type JsonObject } from '#wire/json/read.ts';

type KeptId = PolicyView['keptIds'][number];

/** What one pass over the messages finds; `fault` is the first thing that is wrong. */
export interface MessageFacts {
  fault: FieldFault | null;
  readonly keptIds: KeptId[];
  readonly media: { images: number; audios: number; files: number };
}

/** Checks the shape of each message and counts what bytes do not measure. No text is copied. */
export function readMessages(messages: unknown): MessageFacts {
  const facts: MessageFacts = { fault: null, keptIds: [], media: { images: 0, audios: 0, files: 0 } };
  // A wrong type of the list itself is found by the table of fields.
  if (!Array.isArray(messages)) return facts;
  if (messages.length === 0) facts.fault = wrongField('messages', 'an array of at least one message', messages);
  for (let i = 0; i < messages.length && !facts.fault; i++)
    if (!isPlain(messages[i])) facts.fault = readMessage(messages[i], i, facts);
  return facts;
}

/** A role and a text, as most messages are: nothing of it can be wrong, and no path to it needs to be written. */
const isPlain = (message: unknown): boolean =>
  isObject(message) &&
  typeof message['role'] === 'string' &&
  message['role'] !== '' &&
  message['role'] !== 'tool' &&
  typeof message['content'] === 'string' &&
  message['tool_calls'] === undefined &&
  message['function_call'] === undefined &&
  message['audio'] === undefined;

function readMessage(message: unknown, index: number, facts: MessageFacts): FieldFault | null {
  const at = `messages[${index}]`;
  if (!isObject(message)) return wrongField(at, 'an object', message);
  if (typeof message['role'] !== 'string' || message['role'] === '') {
    return wrongField(`${at}.role`, 'a string such as "user"', message['role']);
  }
  return readContent(message, at, facts) ?? readCalls(message, at) ?? readAudioId(message, at, facts);
}

function readContent(message: JsonObject, at: string, facts: MessageFacts): FieldFault | null {
  const content = message['content'];
  if (isUnset(content)) {
    const optional = message['role'] === 'assistant' || message['role'] === 'function';
    return optional ? null : wrongField(`${at}.content`, 'a string or an array of parts', content);
  }
  if (typeof content === 'string') return null;
  if (!Array.isArray(content)) return wrongField(`${at}.content`, 'a string or an array of parts', content);
  for (let j = 0; j < content.length; j++) {
    const fault = readPart(content[j], `${at}.content[${j}]`, facts);
    if (fault) return fault;
  }
  return null;
}

function readPart(part: unknown, at: string, facts: MessageFacts): FieldFault | null {
  if (!isObject(part)) return wrongField(at, 'an object', part);
  switch (part['type']) {
    case 'text':
      return typeof part['text'] === 'string' ? null : wrongField(`${at}.text`, 'a string', part['text']);
    case 'image_url':
      facts.media.images++;
      return imageFault(part['image_url'], at);
    case 'input_audio':
    case 'audio_url':
      facts.media.audios++;
      return objectFault(part, String(part['type']), at);
    case 'file':
    case 'video_url':
    case 'document_url':
      facts.media.files++;
      return filePart(part, at, facts);
    default:
      return typeof part['type'] === 'string' ? null : wrongField(`${at}.type`, 'a string', part['type']);
  }
}

/** Mistral takes the URL itself in place of the object. */
function imageFault(image: unknown, at: string): FieldFault | null {
  const url = isObject(image) ? image['url'] : image;
  return typeof url === 'string' ? null : wrongField(`${at}.image_url`, 'an object with a string `url`', image);
}

function objectFault(part: JsonObject, name: string, at: string): FieldFault | null {
  const value = part[name];
  return isObject(value) || typeof value === 'string' ? null : wrongField(`${at}.${name}`, 'an object', value);
}

function filePart(part: JsonObject, at: string, facts: MessageFacts): FieldFault | null {
  const name = part['type'] as string;
  const fault = objectFault(part, name, at);
  if (fault || !isObject(part[name])) return fault;
  const id = part[name]['file_id'];
  if (isUnset(id)) return null;
  if (typeof id !== 'string') return wrongField(`${at}.${name}.file_id`, 'a string', id);
  facts.keptIds.push({ kind: 'file', id, field: `${at}.${name}.file_id` });
  return null;
}

function readCalls(message: JsonObject, at: string): FieldFault | null {
  const calls = message['tool_calls'];
  if (message['role'] === 'tool' && typeof message['tool_call_id'] !== 'string') {
    return wrongField(`${at}.tool_call_id`, 'the id of a tool call', message['tool_call_id']);
  }
  if (isUnset(calls)) return null;
  if (!Array.isArray(calls)) return wrongField(`${at}.tool_calls`, 'an array', calls);
  const bad = calls.findIndex((call) => !isObject(call));
  return bad < 0 ? null : wrongField(`${at}.tool_calls[${bad}]`, 'an object', calls[bad]);
}

/** An assistant message may name an earlier spoken answer that the provider keeps. */
function readAudioId(message: JsonObject, at: string, facts: MessageFacts): FieldFault | null {
  const audio = message['audio'];
  const id = isObject(audio) ? textOf(audio['id']) : null;
  if (id !== null) facts.keptIds.push({ kind: 'audio', id, field: `${at}.audio.id` });
  return null;
}
