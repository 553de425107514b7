import type { GenerateCall } from '#wire/canonical.ts';
import type { Dialect, PathFacts } from '#wire/dialect.ts';
import { isObject, isUnset } from '#wire/json/read.ts';
import type { StrictJson } from '#wire/json/strict.ts';
import type { NoRedrive } from './prefix.ts';

type Members = Readonly<Record<string, unknown>>;

/** A grammar begins anew with the first token of a continuation: half of a JSON text is none. */
const GRAMMARS = [
  ...['guided_json', 'guided_regex', 'guided_choice', 'guided_grammar', 'structured_outputs'],
  ...['grammar', 'json_schema', 'regex', 'ebnf', 'output_format'],
] as const;

const typeOf = (value: unknown): unknown => (isObject(value) ? value['type'] : undefined);
const isAsked = (value: unknown): boolean => !isUnset(value) && value !== 'none' && typeOf(value) !== 'disabled';

/** Why this request cannot be gone on with behind a text; null: nothing speaks against it. Pure. */
export function refusedBy(dialect: Dialect, request: StrictJson, named?: PathFacts): NoRedrive | null {
  const { value } = request;
  switch (dialect.name) {
    case 'openai-chat':
    case 'anthropic-messages':
      return refusedByMembers(value);
    case 'openai-completions':
      return refusedByPrompt(value);
    default: {
      if (KEPT.some((name) => isAsked(value[name]) && value[name] !== false)) return 'kept_by_provider';
      const call = dialect.decodeCall(request, named);
      if (!call.ok || call.value.kind !== 'generate') return 'request_unreadable';
      return refusedByCall(call.value);
    }
  }
}

/** Of Responses: a provider has a part of what the answer is an answer to, or makes the answer whoever reads it. */
const KEPT = ['previous_response_id', 'conversation', 'background'] as const;

/** Members of a body as its caller wrote them: servers know more of them than a decoded call has. */
export function refusedByMembers(value: Members): NoRedrive | null {
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

/** `echo` would say the prompt once more, and behind a `suffix` stands what the text was to lead to. */
function refusedByPrompt(value: Members): NoRedrive | null {
  if (['n', 'best_of'].some((name) => typeof value[name] === 'number' && value[name] > 1)) return 'several_choices';
  if (typeof value['logprobs'] === 'number') return 'logprobs';
  if (typeof value['prompt'] !== 'string') return Array.isArray(value['prompt']) ? 'prompt_no_text' : 'dialect';
  if (value['echo'] === true || !isUnset(value['suffix'])) return 'echo_or_suffix';
  return GRAMMARS.some((name) => !isUnset(value[name])) || typeOf(value['response_format']) === 'json_schema'
    ? 'structured_output'
    : null;
}

function refusedByCall({ n, topLogprobs, format, reasoning, toolChoice }: GenerateCall): NoRedrive | null {
  if (n > 1) return 'several_choices';
  if (topLogprobs !== null) return 'logprobs';
  if (format !== null && format.type !== 'text') return 'structured_output';
  if (reasoning !== null && thinks(reasoning)) return 'reasoning_asked';
  return toolChoice?.type === 'required' || toolChoice?.type === 'named' ? 'tool_choice_forced' : null;
}

const thinks = ({ effort, budgetTokens, enabled, summary }: NonNullable<GenerateCall['reasoning']>): boolean =>
  enabled === true || (budgetTokens ?? 0) !== 0 || summary !== null || !(effort === null || effort === 'none');
