import type { Part, ReasoningPart, ToolResultPart, Turn } from '#wire/canonical.ts';
import { isUnset, listOf, objectOf, textOf, type JsonObject } from '#wire/json/read.ts';
import { mediaOf } from '#wire/openai-chat/decode-parts.ts';
import { approvalOf, fileKind, isPassedBy, kindOf, lastUserOf, toolNameOf } from './parts.ts';

/**
 * UI messages whose shape policy has checked, as the turns that `convertToModelMessages` makes of them: an assistant
 * message is cut at its steps, and what its tools gave back stands in a turn of the user behind each step.
 */
export function decodeMessages(messages: readonly unknown[]): readonly Turn[] {
  const lastUser = lastUserOf(messages);
  return messages.flatMap((item, at) => {
    const message = objectOf(item);
    const parts = listOf(message['parts']).map(objectOf);
    if (message['role'] === 'system') return systemTurn(parts);
    if (message['role'] === 'user') return turn('user', parts.flatMap(shownPart));
    return stepsOf(parts.filter((part) => !isPassedBy(part, at, lastUser))).flatMap(stepTurns);
  });
}

/** A turn without parts is none: providers refuse one. */
const turn = (role: Turn['role'], parts: readonly Part[]): Turn[] => (parts.length === 0 ? [] : [{ role, parts }]);

function systemTurn(parts: readonly JsonObject[]): Turn[] {
  const text = parts.flatMap((part) => (part['type'] === 'text' ? [part['text'] as string] : [])).join('');
  return text === '' ? [] : turn('system', [{ type: 'text', text }]);
}

function stepsOf(parts: readonly JsonObject[]): JsonObject[][] {
  const steps: JsonObject[][] = [[]];
  for (const part of parts) {
    if (kindOf(part) === 'step') steps.push([]);
    else steps.at(-1)!.push(part);
  }
  return steps;
}

function stepTurns(parts: readonly JsonObject[]): Turn[] {
  return [...turn('assistant', parts.flatMap(saidPart)), ...turn('user', parts.flatMap(toolResult))];
}

/** What a part of an assistant's message says to the model. */
function saidPart(part: JsonObject): Part[] {
  const kind = kindOf(part);
  if (kind === 'reasoning') return reasoning(part);
  // Its input is not whole: the SDK leaves such a call out.
  if (kind === 'tool') return part['state'] === 'input-streaming' ? [] : [toolCall(part)];
  return shownPart(part);
}

function shownPart(part: JsonObject): Part[] {
  switch (kindOf(part)) {
    case 'text':
      // Providers refuse an empty text, and the SDK keeps one of a text that never began.
      return part['text'] === '' ? [] : [{ type: 'text', text: part['text'] as string }];
    case 'file':
      return [file(part)];
    default:
      return [];
  }
}

/** Our own marks, or those that the SDK's provider of Anthropic left in a history made elsewhere. */
function reasoning(part: JsonObject): ReasoningPart[] {
  const { headgate, anthropic } = objectOf(part['providerMetadata']);
  const [ours, theirs] = [objectOf(headgate), objectOf(anthropic)];
  const signature = textOf(ours['signature']) ?? textOf(theirs['signature']);
  const encrypted = textOf(ours['encrypted']) ?? textOf(theirs['redactedData']);
  const text = part['text'] as string;
  if (text === '' && signature === null && encrypted === null) return [];
  return [
    { type: 'reasoning', text, ...(signature !== null && { signature }), ...(encrypted !== null && { encrypted }) },
  ];
}

/** Names of audio formats where they are not the subtype itself. */
const AUDIO_FORMATS: ReadonlyMap<string, string> = new Map([
  ['mpeg', 'mp3'],
  ['x-wav', 'wav'],
  ['wave', 'wav'],
  ['vnd.wave', 'wav'],
]);

function file(part: JsonObject): Part {
  const stated = part['mediaType'] as string;
  const name = textOf(part['filename']);
  const found = mediaOf(part['url'] as string);
  const media = found.at === 'data' && found.mediaType === '' ? { ...found, mediaType: stated } : found;
  const kind = fileKind(stated);
  if (kind === 'image') return { type: 'image', media };
  if (kind === 'audio' && media.at === 'data') {
    const subtype = media.mediaType.split('/')[1] ?? '';
    return { type: 'audio', data: media.data, format: AUDIO_FORMATS.get(subtype) ?? subtype };
  }
  return { type: 'document', media, ...(name !== null && { name }) };
}

const toolCall = (part: JsonObject): Part => ({
  type: 'tool_call',
  id: part['toolCallId'] as string,
  name: toolNameOf(part),
  args: argsOf(part['input'] ?? part['rawInput']),
  custom: false,
});

/** An input that was no JSON is there as text, and is sent as the text that it was. */
const argsOf = (input: unknown): string =>
  isUnset(input) ? '{}' : typeof input === 'string' ? input : JSON.stringify(input);

function toolResult(part: JsonObject): ToolResultPart[] {
  if (kindOf(part) !== 'tool') return [];
  switch (part['state']) {
    case 'output-available':
      return [result(part, textOfOutput(part['output']), false)];
    case 'output-error':
      return [result(part, textOf(part['errorText']) ?? 'The tool failed.', true)];
    case 'output-denied':
    case 'approval-responded':
      return [result(part, approvalOf(part)?.reason ?? 'Tool call execution denied.', true)];
    default:
      return [];
  }
}

const textOfOutput = (output: unknown): string =>
  typeof output === 'string' ? output : (JSON.stringify(output) ?? 'null');

const result = (part: JsonObject, text: string, isError: boolean): ToolResultPart => ({
  type: 'tool_result',
  id: part['toolCallId'] as string,
  content: [{ type: 'text', text }],
  isError,
  custom: false,
});
