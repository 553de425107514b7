import type { Part, ReasoningPart, ToolCallPart, ToolResultPart, Turn } from '#wire/canonical.ts';
import { isObject } from '#wire/json/read.ts';
import { encodeContent, type Losses } from './encode-parts.ts';

type Json = Record<string, unknown>;

/** Messages of all turns; a turn with tool results becomes one message a result, and one for what else it holds. */
export function encodeMessages(turns: readonly Turn[], lost: Losses): Json[] {
  return turns.flatMap((turn, i) => encodeTurn(turn, `messages[${i}]`, lost));
}

function encodeTurn(turn: Turn, field: string, lost: Losses): Json[] {
  const whole = wholeMessage(turn);
  if (whole) return [whole];
  const name = turn.name === undefined ? {} : { name: turn.name };
  if (turn.role === 'assistant') return [{ ...assistantMessage(turn.parts, field, lost), ...name }];
  const results = turn.parts.filter((part) => part.type === 'tool_result');
  // A result's own pictures stand in a user message behind all results: a tool message holds text only.
  const others = [...results.flatMap(picturesOf), ...turn.parts.filter((part) => part.type !== 'tool_result')];
  const tools = results.map((result) => toolMessage(result, field, lost));
  if (others.length === 0 && results.length > 0) return tools;
  return [...tools, { role: turn.role, content: encodeContent(others, field, lost), ...name }];
}

/** A message that only this dialect knows went through as one block: it is written back as it came. */
function wholeMessage({ parts }: Turn): Json | null {
  const [part] = parts;
  if (parts.length !== 1 || part?.type !== 'opaque' || part.dialect !== 'openai-chat') return null;
  return isObject(part.value) && 'role' in part.value ? part.value : null;
}

const isText = (part: Part): boolean => part.type === 'text';
const picturesOf = (result: ToolResultPart): readonly Part[] => result.content.filter((part) => !isText(part));

function toolMessage(result: ToolResultPart, field: string, lost: Losses): Json {
  // The text of a failed call says so itself; chat has no flag for it.
  if (result.isError) lost.hint(`${field}.is_error`);
  const content = encodeContent(result.content.filter(isText), field, lost);
  return { role: 'tool', tool_call_id: result.id, content };
}

/** An assistant message of a request: refusals are parts there, reasoning that another family signed is left out. */
function assistantMessage(parts: readonly Part[], field: string, lost: Losses): Json {
  const said = parts.filter((part) => !SPECIAL.has(part.type) && !isOwnOpaque(part));
  const calls = parts.filter((part) => part.type === 'tool_call').map(encodeToolCall);
  const reasoning = parts.filter((part) => part.type === 'reasoning').filter((part) => unbound(part, field, lost));
  return {
    role: 'assistant',
    content: said.length === 0 ? null : encodeContent(said, field, lost),
    ...(reasoning.length > 0 && { reasoning_content: reasoning.map((part) => part.text).join('') }),
    ...ownFields(parts),
    ...(calls.length > 0 && { tool_calls: calls }),
  };
}

const SPECIAL: ReadonlySet<Part['type']> = new Set(['tool_call', 'reasoning']);
/** Fields of an assistant message that went through as a block without a `type`: `{audio: {…}}`. */
const isOwnOpaque = (part: Part): boolean =>
  part.type === 'opaque' && part.dialect === 'openai-chat' && isObject(part.value) && !('type' in part.value);
export const ownFields = (parts: readonly Part[]): Json =>
  Object.assign({}, ...parts.filter(isOwnOpaque).map((part) => (part.type === 'opaque' ? part.value : {}))) as Json;

/** Signed and encrypted reasoning is bound to the family that made it (clients.md 8). */
function unbound(part: ReasoningPart, field: string, lost: Losses): boolean {
  if (part.signature === undefined && part.encrypted === undefined) return part.text !== '';
  lost.hint(`${field}.reasoning`);
  return false;
}

export function encodeToolCall(part: ToolCallPart): Json {
  if (part.custom) return { id: part.id, type: 'custom', custom: { name: part.name, input: part.args } };
  return { id: part.id, type: 'function', function: { name: part.name, arguments: part.args } };
}
