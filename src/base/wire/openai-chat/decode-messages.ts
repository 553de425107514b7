import type { Extra, Part, ReasoningPart, TextPart, ToolCallPart, Turn } from '#wire/canonical.ts';
import { extraSignature } from '#wire/google-generate/signature.ts';
import { isObject, isUnset, listOf, objectOf, textOf, type JsonObject } from '#wire/json/read.ts';
import { cacheOf, decodeContent } from './decode-parts.ts';

export interface DecodedMessages {
  readonly turns: readonly Turn[];
  readonly extras: readonly Extra[];
}

/** Fields of a message that have a place; every other one is listed. */
const PLACED: ReadonlySet<string> = new Set([
  'role',
  'content',
  'name',
  'refusal',
  'tool_calls',
  'tool_call_id',
  'function_call',
  'audio',
  'annotations',
  'reasoning_content',
  'reasoning',
  'reasoning_details',
  'cache_control',
]);
/** The answer shall go on from this message (DeepSeek, Mistral `prefix`; Moonshot `partial`). */
const MEANT: ReadonlySet<string> = new Set(['prefix', 'partial']);

/** Messages whose shape policy has checked. Results of tools that follow each other make one user turn. */
export function decodeMessages(messages: readonly unknown[]): DecodedMessages {
  const turns: Turn[] = [];
  const extras: Extra[] = [];
  const customIds = new Set<string>();
  let results: Part[] | null = null;
  messages.forEach((item, index) => {
    const message = objectOf(item);
    extras.push(...messageExtras(message, index));
    if (message['role'] === 'tool') {
      if (!results) turns.push({ role: 'user', parts: (results = []) });
      results.push(toolResult(message, customIds));
      return;
    }
    results = null;
    const turn = decodeMessage(message);
    for (const part of turn.parts) if (part.type === 'tool_call' && part.custom) customIds.add(part.id);
    turns.push(turn);
  });
  return { turns, extras };
}

function messageExtras(message: JsonObject, index: number): Extra[] {
  return Object.entries(message)
    .filter(([name, value]) => !PLACED.has(name) && !isUnset(value))
    .map(([name, value]) => ({
      field: `messages[${index}].${name}`,
      value,
      class: MEANT.has(name) ? 'meaning' : 'hint',
    }));
}

function toolResult(message: JsonObject, customIds: ReadonlySet<string>): Part {
  const id = textOf(message['tool_call_id']) ?? '';
  const content = decodeContent(message['content']);
  return { type: 'tool_result', id, content, isError: false, custom: customIds.has(id), ...cacheOf(message) };
}

function decodeMessage(message: JsonObject): Turn {
  const name = textOf(message['name']);
  const named = name === null ? {} : { name };
  switch (message['role']) {
    case 'system':
    case 'developer':
    case 'user':
      return { role: message['role'], parts: marked(decodeContent(message['content']), message), ...named };
    case 'assistant':
      // The old form of one call has no id that a result could name: no other dialect can say it.
      if (isUnset(message['function_call'])) {
        return { role: 'assistant', parts: marked(assistantParts(message), message), ...named };
      }
      return { role: 'assistant', parts: [opaque(message)] };
    default:
      return { role: 'user', parts: [opaque(message)] };
  }
}

const opaque = (value: unknown): Part => ({ type: 'opaque', dialect: 'openai-chat', value });

/** A mark on the message (Anthropic's form, as proxies take it) is one on its last part. */
function marked(parts: readonly Part[], message: JsonObject): readonly Part[] {
  const mark = cacheOf(message);
  const last = parts.at(-1);
  return mark.cache && last ? [...parts.slice(0, -1), { ...last, ...mark }] : parts;
}

/** Parts of an assistant message, of a request or of an answer: reasoning, text, refusal, speech, calls. */
export function assistantParts(message: JsonObject): readonly Part[] {
  const refusal = textOf(message['refusal']);
  const audio = message['audio'];
  return [
    ...reasoningParts(message),
    ...annotated(contentOf(message['content']), listOf(message['annotations'])),
    ...(refusal ? [{ type: 'refusal', text: refusal } as const] : []),
    ...(isObject(audio) ? [opaque({ audio })] : []),
    ...listOf(message['tool_calls']).flatMap((call) => signedCall(objectOf(call))),
  ];
}

/** An empty string beside tool calls says nothing, and Anthropic refuses empty text. */
const contentOf = (content: unknown): readonly Part[] => (content === '' ? [] : withThinking(decodeContent(content)));

/** Mistral's reasoning models answer with parts `{type: "thinking", thinking: [{type: "text", text}]}`. */
const withThinking = (parts: readonly Part[]): readonly Part[] =>
  parts.map((part) => {
    const value = part.type === 'opaque' ? objectOf(part.value) : {};
    if (value['type'] !== 'thinking') return part;
    const text = listOf(value['thinking'])
      .map((piece) => textOf(objectOf(piece)['text']) ?? '')
      .join('');
    return { type: 'reasoning', text };
  });

function annotated(parts: readonly Part[], annotations: readonly unknown[]): readonly Part[] {
  const at = annotations.length === 0 ? -1 : parts.findIndex((part) => part.type === 'text');
  return at < 0 ? parts : parts.with(at, { ...(parts[at] as TextPart), annotations });
}

/** DeepSeek and vLLM write `reasoning_content`, Groq and OpenRouter `reasoning`, with signatures in its details. */
function reasoningParts(message: JsonObject): ReasoningPart[] {
  const details = listOf(message['reasoning_details']).flatMap((detail) => reasoningDetail(objectOf(detail)));
  if (details.length > 0) return details;
  const text = textOf(message['reasoning_content']) || textOf(message['reasoning']);
  return text ? [{ type: 'reasoning', text }] : [];
}

function reasoningDetail(detail: JsonObject): ReasoningPart[] {
  const text = textOf(detail['text']) ?? textOf(detail['summary']) ?? '';
  const [signature, encrypted] = [textOf(detail['signature']), textOf(detail['data'])];
  if (text === '' && signature === null && encrypted === null) return [];
  return [
    { type: 'reasoning', text, ...(signature !== null && { signature }), ...(encrypted !== null && { encrypted }) },
  ];
}

/** Google's endpoint of this dialect signs calls; elsewhere a signature is a thought before the call. */
function signedCall(call: JsonObject): Part[] {
  const signature = extraSignature(call);
  return signature === null ? [toolCall(call)] : [{ type: 'reasoning', text: '', signature }, toolCall(call)];
}

function toolCall(call: JsonObject): ToolCallPart {
  const custom = isObject(call['custom']);
  const of = objectOf(custom ? call['custom'] : call['function']);
  const args = of[custom ? 'input' : 'arguments'];
  return {
    type: 'tool_call',
    id: textOf(call['id']) ?? '',
    name: textOf(of['name']) ?? '',
    // Ollama and some proxies send the arguments as an object.
    args: typeof args === 'string' ? args : isObject(args) ? JSON.stringify(args) : '',
    custom,
  };
}
