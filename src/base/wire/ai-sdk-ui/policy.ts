import { err, ok, type Result } from '#kernel/result.ts';
import type { FieldFault, PolicyView } from '#wire/dialect.ts';
import { fieldFault, firstWrong, wrongField } from '#wire/json/checks.ts';
import { countOf, isObject, isUnset, listOf, objectOf, textOf, type JsonObject } from '#wire/json/read.ts';
import type { StrictJson } from '#wire/json/strict.ts';
import { MAX_MODEL_CHARS } from '#wire/openai-chat/policy.ts';
import { CHECKS } from './fields.ts';
import { approvalOf, fileKind, kindOf, TOOL_STATES, toolNameOf } from './parts.ts';

type Media = { images: number; audios: number; files: number };

/** What policy reads of a request of `useChat`. It always streams: the transport reads nothing else. */
export function policy(request: StrictJson): Result<PolicyView, FieldFault> {
  const body = request.value;
  const media: Media = { images: 0, audios: 0, files: 0 };
  const wrong = missing(body) ?? firstWrong(body, CHECKS) ?? toolsFault(body) ?? messagesFault(body, media);
  return wrong ? err(wrong) : ok(view(body, media));
}

const view = (body: JsonObject, media: Media): PolicyView => ({
  model: body['model'] as string,
  stream: true,
  includeUsage: true,
  maxOutputTokens: countOf(body['maxOutputTokens']),
  n: 1,
  serviceTier: null,
  store: null,
  background: false,
  cacheSalt: false,
  hostedTools: [],
  endUser: textOf(body['user']),
  // The chat is the conversation; by this id its stream is taken up again as well.
  sessionHint: textOf(body['id']),
  keptIds: [],
  media,
  inputs: 1,
});

function missing(body: JsonObject): FieldFault | null {
  if (isUnset(body['model']))
    return fieldFault(
      'model',
      `\`model\` must be a string of 1 to ${MAX_MODEL_CHARS} characters: give it in the transport's \`body\`, \`new DefaultChatTransport({ body: { model } })\`.`,
    );
  if (listOf(body['messages']).length === 0)
    return wrongField('messages', 'an array of at least one UI message', body['messages']);
  if (body['stream'] === false)
    return fieldFault('stream', 'This endpoint answers with a UI message stream alone: leave `stream` out.');
  return null;
}

function toolsFault(body: JsonObject): FieldFault | null {
  for (const [name, tool] of Object.entries(objectOf(body['tools']))) {
    if (!isObject(tool)) return wrongField(`tools.${name}`, 'an object with an `inputSchema`', tool);
    if (!isObject(tool['inputSchema']))
      return wrongField(`tools.${name}.inputSchema`, 'a JSON schema', tool['inputSchema']);
  }
  const choice = body['toolChoice'];
  if (typeof choice === 'string' && !['auto', 'none', 'required'].includes(choice))
    return wrongField('toolChoice', '"auto", "none", "required" or {type: "tool", toolName}', choice);
  if (isObject(choice) && (choice['type'] !== 'tool' || typeof choice['toolName'] !== 'string'))
    return wrongField('toolChoice', '{type: "tool", toolName}', choice);
  return null;
}

function messagesFault(body: JsonObject, media: Media): FieldFault | null {
  const messages = listOf(body['messages']);
  for (let i = 0; i < messages.length; i++) {
    const fault = messageFault(messages[i], `messages[${i}]`, media);
    if (fault) return fault;
  }
  return null;
}

const ROLES: ReadonlySet<unknown> = new Set(['system', 'user', 'assistant']);

function messageFault(message: unknown, at: string, media: Media): FieldFault | null {
  if (!isObject(message)) return wrongField(at, 'an object', message);
  if (!ROLES.has(message['role'])) return wrongField(`${at}.role`, '"system", "user" or "assistant"', message['role']);
  const parts = message['parts'];
  // `content` is the message of older releases of the SDK, and of every other API.
  if (!Array.isArray(parts)) return wrongField(`${at}.parts`, 'an array of parts, as a UI message has them', parts);
  for (let j = 0; j < parts.length; j++) {
    const fault = partFault(parts[j], `${at}.parts[${j}]`, media);
    if (fault) return fault;
  }
  return null;
}

function partFault(part: unknown, at: string, media: Media): FieldFault | null {
  if (!isObject(part)) return wrongField(at, 'an object', part);
  switch (kindOf(part)) {
    case 'text':
    case 'reasoning':
      return typeof part['text'] === 'string' ? null : wrongField(`${at}.text`, 'a string', part['text']);
    case 'file':
      return fileFault(part, at, media);
    case 'tool':
      return toolFault(part, at);
    case 'unknown':
      return wrongField(`${at}.type`, 'a part that a model can be sent', part['type']);
    default:
      return null;
  }
}

function fileFault(part: JsonObject, at: string, media: Media): FieldFault | null {
  const [url, mediaType] = [textOf(part['url']), textOf(part['mediaType'])];
  if (!isUnset(part['providerReference']))
    return fieldFault(`${at}.providerReference`, 'A file that a provider keeps belongs to one key: send its bytes.');
  if (url === null || url === '') return wrongField(`${at}.url`, 'a URL or a data URL', part['url']);
  if (mediaType === null) return wrongField(`${at}.mediaType`, 'a media type', part['mediaType']);
  const kind = fileKind(mediaType);
  media[kind === 'image' ? 'images' : kind === 'audio' ? 'audios' : 'files']++;
  return null;
}

function toolFault(part: JsonObject, at: string): FieldFault | null {
  if (typeof part['toolCallId'] !== 'string') return wrongField(`${at}.toolCallId`, 'a string', part['toolCallId']);
  if (toolNameOf(part) === '') return wrongField(`${at}.toolName`, 'a name', part['toolName']);
  const state = part['state'];
  if (typeof state !== 'string' || !TOOL_STATES.has(state))
    return wrongField(`${at}.state`, `one of ${[...TOOL_STATES].join(', ')}`, state);
  if (part['providerExecuted'] === true)
    return fieldFault(`${at}.providerExecuted`, 'A tool that a provider ran itself cannot be told to another model.');
  if (state === 'approval-responded' && approvalOf(part)?.approved === true)
    return fieldFault(
      `${at}.state`,
      'The call is approved and has no output: tools run in the application, which adds the output first.',
    );
  return null;
}
