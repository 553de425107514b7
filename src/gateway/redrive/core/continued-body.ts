import type { DialectName } from '#wire/canonical.ts';
import { isObject, isUnset } from '#wire/json/read.ts';
import { splicePieces } from '#wire/json/splice.ts';
import type { StrictJson } from '#wire/json/strict.ts';
import type { NoRedrive } from './prefix.ts';
import { sentText } from './seam.ts';

/** APIs whose request can end in the beginning of its answer, and whose events can be gone on with. */
export const CONTINUED_DIALECTS: ReadonlySet<DialectName> = new Set(['openai-chat', 'anthropic-messages']);

/** A grammar begins anew with the first token of a continuation: half of a JSON text is none. */
const GRAMMARS = [
  ...['guided_json', 'guided_regex', 'guided_choice', 'guided_grammar', 'structured_outputs'],
  ...['grammar', 'json_schema', 'regex', 'ebnf', 'output_format'],
] as const;

const typeOf = (value: unknown): unknown => (isObject(value) ? value['type'] : undefined);
const isAsked = (value: unknown): boolean => !isUnset(value) && value !== 'none' && typeOf(value) !== 'disabled';

/** Why this request cannot be gone on with behind a text; null: nothing speaks against it. Pure. */
export function refusedBy(value: Readonly<Record<string, unknown>>): NoRedrive | null {
  if (typeof value['n'] === 'number' && value['n'] > 1) return 'several_choices';
  if (value['logprobs'] === true) return 'logprobs';
  const format = typeOf(value['response_format']);
  const config = value['output_config'];
  if (format === 'json_object' || format === 'json_schema' || (isObject(config) && !isUnset(config['format'])))
    return 'structured_output';
  if (GRAMMARS.some((name) => !isUnset(value[name]))) return 'structured_output';
  if (['thinking', 'reasoning_effort', 'reasoning'].some((name) => isAsked(value[name]))) return 'reasoning_asked';
  const choice = value['tool_choice'];
  const free = isUnset(choice) || choice === 'auto' || choice === 'none';
  if (!free && !['auto', 'none'].includes(String(typeOf(choice)))) return 'tool_choice_forced';
  return null;
}

/** Limits of output tokens, which hold for the whole answer. */
const LIMITS = ['max_tokens', 'max_completion_tokens'] as const;

/** The request with the text as the beginning of its answer, and `spent` output tokens fewer. Pure. */
export function continuedBody(request: StrictJson, text: string, spent: number): Buffer | NoRedrive {
  const { value, spans, bytes } = request;
  const span = spans.get('messages');
  const messages = value['messages'];
  if (!span || !Array.isArray(messages) || messages.length === 0) return 'dialect';
  const edits = new Map<string, string | null>();
  for (const name of LIMITS) {
    const limit = value[name];
    if (typeof limit === 'number') edits.set(name, String(Math.max(1, limit - spent)));
  }
  const last: unknown = messages.at(-1);
  const insertions = [];
  if (isObject(last) && last['role'] === 'assistant') {
    const joined = joinedTo(last, text);
    if (joined === null || request.longNumberAt !== null) return 'dialect';
    edits.set('messages', JSON.stringify([...messages.slice(0, -1), joined]));
  } else {
    const message = { role: 'assistant', content: sentText(text) };
    insertions.push({ at: bytes.lastIndexOf(']', span.end - 1), text: `,${JSON.stringify(message)}` });
  }
  return Buffer.concat(splicePieces(bytes, spans, { edits, insertions }));
}

/** The caller had begun the answer itself: one message holds both beginnings. */
function joinedTo(last: Record<string, unknown>, text: string): object | null {
  const { content } = last;
  if (typeof content === 'string') return { ...last, content: sentText(content + text) };
  const part: unknown = Array.isArray(content) ? content.at(-1) : null;
  if (!isObject(part) || part['type'] !== 'text' || typeof part['text'] !== 'string') return null;
  return {
    ...last,
    content: [...(content as unknown[]).slice(0, -1), { ...part, text: sentText(part['text'] + text) }],
  };
}
