import type { Extra, GenerateCall, OutputFormat, ToolChoice, ToolDefinition, Turn } from '#wire/canonical.ts';
import type { CanonicalCall } from '#wire/canonical.ts';
import type { EncodedCall } from '#wire/dialect.ts';
import { invariant } from '#kernel/invariant.ts';
import { objectOf } from '#wire/json/read.ts';
import { losses, type Losses } from './encode-content.ts';
import { itemsOfTurns } from './encode-items.ts';
import { rowOf } from './fields.ts';

type Body = Record<string, unknown>;

/** A canonical call as a Responses request. What it cannot say is listed, in the order met. */
export function encodeCall(call: CanonicalCall): EncodedCall {
  invariant(call.kind === 'generate', 'the Responses dialect writes calls that generate');
  const lost = losses();
  const value: Body = { model: call.model, ...inputOf(call.turns, lost), ...settings(call) };
  noteUnsayable(call, lost);
  if (call.tools.length > 0) value['tools'] = call.tools.map((tool) => toolOf(tool, lost)).filter((t) => t !== null);
  for (const extra of call.extras) if (!putExtra(value, extra)) lost.add(extra.field, extra.class);
  return { value, unsupported: lost.list };
}

/** A first system turn of one plain text is `instructions`; every other turn stays where it stands. */
function inputOf(turns: readonly Turn[], lost: Losses): Body {
  const [first, ...rest] = turns;
  const [only] = first?.parts ?? [];
  const plain =
    first?.role === 'system' &&
    first.name === undefined &&
    first.parts.length === 1 &&
    only?.type === 'text' &&
    !only.cache
      ? only.text
      : null;
  if (plain === null) return { input: itemsOfTurns(turns, lost) };
  return { instructions: plain, input: itemsOfTurns(rest, lost) };
}

const given = (fields: Body): Body =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined));

const settings = (call: GenerateCall): Body =>
  given({
    max_output_tokens: call.maxOutputTokens,
    temperature: call.temperature,
    top_p: call.topP,
    top_logprobs: call.topLogprobs,
    include: call.topLogprobs === null ? null : ['message.output_text.logprobs'],
    tool_choice: call.toolChoice && choiceOf(call.toolChoice),
    parallel_tool_calls: call.parallelTools,
    text: textOfCall(call),
    reasoning: reasoningOf(call.reasoning),
    stream: call.stream ? true : null,
    // `user` is deprecated, and this is its successor for telling end users apart.
    safety_identifier: call.endUser,
    metadata: call.metadata,
    service_tier: call.serviceTier,
    store: call.store,
    prompt_cache_key: call.promptCacheKey,
  });

const choiceOf = (choice: ToolChoice): unknown =>
  choice.type === 'named' ? { type: choice.custom ? 'custom' : 'function', name: choice.name } : choice.type;

function textOfCall({ format, verbosity }: GenerateCall): Body | null {
  const text = given({ format: format && formatOf(format), verbosity });
  return Object.keys(text).length === 0 ? null : text;
}

function formatOf(format: OutputFormat): Body {
  if (format.type !== 'json_schema') return { type: format.type === 'json' ? 'json_object' : 'text' };
  const { type, name, schema, strict, description } = format;
  return given({ type, name, schema, strict, description });
}

/** Budgets of Anthropic's `thinking` as the nearest effort: OpenAI has words only. */
const LOW_BUDGET = 4_096;
const MEDIUM_BUDGET = 16_384;
const effortOf = (budget: number): string =>
  budget <= LOW_BUDGET ? 'low' : budget <= MEDIUM_BUDGET ? 'medium' : 'high';

function reasoningOf(reasoning: GenerateCall['reasoning']): Body | null {
  if (!reasoning) return null;
  const budget = reasoning.enabled === false ? null : reasoning.budgetTokens;
  const value = given({
    effort: reasoning.effort ?? (budget === null ? null : effortOf(budget)),
    summary: reasoning.summary,
  });
  return Object.keys(value).length === 0 ? null : value;
}

/** Settings without a field here; sampling is a hint, what would be missed in the answer is meaning. A penalty of 0 and one choice are the default, so nothing is lost. */
function noteUnsayable(call: GenerateCall, lost: Losses): void {
  if (call.topK !== null) lost.add('top_k', 'hint');
  if (call.stop.length > 0) lost.add('stop', 'meaning');
  if (call.seed !== null) lost.add('seed', 'hint');
  if (call.n > 1) lost.add('n', 'meaning');
  if (call.presencePenalty) lost.add('presence_penalty', 'hint');
  if (call.frequencyPenalty) lost.add('frequency_penalty', 'hint');
  if (call.logitBias && Object.keys(call.logitBias).length > 0) lost.add('logit_bias', 'meaning');
  if (call.reasoning?.enabled === false && call.reasoning.effort === null) lost.add('thinking', 'hint');
}

function toolOf(tool: ToolDefinition, lost: Losses): object | null {
  if (tool.type === 'hosted') {
    if (tool.dialect === 'openai-responses') return tool.value as object;
    lost.add(`tools.${tool.name}`, 'meaning');
    return null;
  }
  if (tool.type === 'custom') return given({ ...tool });
  if (tool.cache) lost.add('cache_control', 'hint');
  const { type, name, description, schema, strict } = tool;
  // Chat and Messages are not strict where nothing is said; here null or absent would mean strict.
  return given({ type, name, description, parameters: schema, strict: strict ?? false });
}

/** Extras of this API go back where they stood; false: the field is another API's. */
function putExtra(body: Body, { field, value }: Extra): boolean {
  const [head = '', tail, ...more] = field.split('.');
  const row = rowOf(head);
  if (!row || more.length > 0 || head.includes('[')) return false;
  // Names that two APIs share need the same shape: Anthropic's `context_management` is an object.
  if (tail === undefined && !row.carried && shape(value) !== shape(row.sample) && head !== 'conversation') {
    return false;
  }
  if (tail !== undefined) body[head] = { ...objectOf(body[head]), [tail]: value };
  else if (head === 'include') body['include'] = [...((body['include'] as unknown[]) ?? []), ...(value as unknown[])];
  else if (head === 'safety_identifier') Object.assign(body, { user: body[head], [head]: value });
  else body[head] = value;
  return true;
}

const shape = (value: unknown): string => (Array.isArray(value) ? 'array' : typeof value);
