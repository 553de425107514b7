import type {
  AnswerPart,
  Ask,
  AskTool,
  Choice,
  Frame,
  JsonSchema,
  RenderContext,
  Said,
  StreamParts,
  TokenUse,
} from '../answer.ts';
import { LabError } from '../errors.ts';
import { partPieces } from '../plan-answer.ts';
import { PromptText } from '../prompt.ts';
import { type Json, contentText, list, optionalNumber, record, required, runsOf } from './reading.ts';

/** `before`: the items of the stored response that this one continues. */
export function readAsk(body: Json, before: readonly unknown[] = []): Ask {
  const items = [...before, ...inputItems(required(body, 'input'))].map((item, i) => record(item, `input[${i}]`));
  checkReasoning(items);
  const prompt = new PromptText();
  prompt.addAll(body['tools']);
  prompt.addAll(body['instructions']);
  prompt.addAll(items);
  return {
    model: String(required(body, 'model')),
    stream: body['stream'] === true,
    includeUsage: true,
    maxTokens: optionalNumber(body, 'max_output_tokens'),
    n: 1,
    stop: [],
    lastUserText: contentText(items.findLast((item) => item['role'] === 'user')?.['content']),
    lastToolText: toolText(items),
    continues: null,
    assistantTurns: countTurns(items),
    said: () => runsOf(items.flatMap(saidBy)),
    tools: readTools(body['tools']),
    toolChoice: readToolChoice(body['tool_choice']),
    parallelTools: body['parallel_tool_calls'] !== false,
    schema: readSchema(body),
    thinking:
      typeof body['reasoning'] === 'object' &&
      body['reasoning'] !== null &&
      (body['reasoning'] as Json)['effort'] !== 'none',
    wantedTokens: optionalNumber(body['metadata'] as Json | undefined, 'output_tokens'),
    ...prompt.result(),
    markedBytes: null,
    body,
  };
}

export const inputItems = (input: unknown): unknown[] =>
  typeof input === 'string' ? [{ role: 'user', content: input }] : list(input, 'input');

const OWN_ENCRYPTION = 'lab-encrypted:';

/** Reasoning that another model family encrypted cannot be read; the real API says so in these words. */
function checkReasoning(items: readonly Json[]): void {
  for (const item of items) {
    const content = item['encrypted_content'];
    if (item['type'] !== 'reasoning' || typeof content !== 'string' || content.startsWith(OWN_ENCRYPTION)) continue;
    throw new LabError(
      400,
      'The encrypted content could not be verified. Reason: Encrypted content could not be decrypted or parsed.',
      {
        code: 'invalid_encrypted_content',
      },
    );
  }
}

function toolText(items: readonly Json[]): string {
  const output = items.findLast((item) => String(item['type']).endsWith('_call_output'))?.['output'];
  return typeof output === 'string' ? output : contentText(output);
}

const ASSISTANT_TYPES = new Set(['function_call', 'custom_tool_call', 'reasoning']);
const isAssistant = (item: Json): boolean => item['role'] === 'assistant' || ASSISTANT_TYPES.has(String(item['type']));

/** A turn is a run of items that the model made. */
const countTurns = (items: readonly Json[]): number =>
  items.filter((item, i) => isAssistant(item) && (i === 0 || !isAssistant(items[i - 1]!))).length;

function saidBy(item: Json): Said[] {
  if (item['role'] === 'system' || item['role'] === 'developer') return [];
  if (isAssistant(item)) return [{ by: 'assistant', text: contentText(item['content']) }];
  return [{ by: 'user', text: item['role'] === 'user' ? contentText(item['content']) : '' }];
}

const readTools = (tools: unknown): AskTool[] =>
  list(tools ?? [], 'tools')
    .map((tool, i) => record(tool, `tools[${i}]`))
    .filter((tool) => tool['type'] === 'function' || tool['type'] === 'custom')
    .map((tool) => ({
      name: String(tool['name']),
      custom: tool['type'] === 'custom',
      schema: (tool['parameters'] ?? {}) as JsonSchema,
    }));

function readToolChoice(choice: unknown): Ask['toolChoice'] {
  if (choice === 'none' || choice === 'required') return choice;
  const name = (choice as Json | undefined)?.['name'];
  return typeof choice === 'object' && name ? { name: String(name) } : 'auto';
}

function readSchema(body: Json): JsonSchema | null {
  const format = (body['text'] as Json | undefined)?.['format'] as Json | undefined;
  if (format?.['type'] === 'json_object') return {};
  return format?.['type'] === 'json_schema' ? ((format['schema'] ?? {}) as JsonSchema) : null;
}

export const usageOf = (use: TokenUse): object => ({
  input_tokens: use.input,
  input_tokens_details: { cached_tokens: use.cachedRead, cache_write_tokens: 0 },
  output_tokens: use.output,
  output_tokens_details: { reasoning_tokens: use.reasoning },
  total_tokens: use.input + use.output,
});

export function unary(choices: readonly Choice[], context: RenderContext): object {
  return finalResponse(choices[0]!, context);
}

/** What `/responses/compact` answers: one item that stands for all that went before. */
export const compacted = (choices: readonly Choice[], context: RenderContext): object => ({
  id: `resp_${context.id}`,
  object: 'response.compaction',
  created_at: context.createdS,
  output: [
    {
      id: `cmp_${context.id}`,
      type: 'compaction',
      encrypted_content: OWN_ENCRYPTION + Buffer.from(JSON.stringify(choices[0]!.parts)).toString('base64'),
    },
  ],
  ...(context.usage ? { usage: usageOf(context.usage) } : {}),
});

/** The response object with every field that the API echoes from the request. */
export function responseOf(context: RenderContext, status: string, output: readonly object[]): Record<string, unknown> {
  const { body } = context.ask;
  return {
    id: `resp_${context.id}`,
    object: 'response',
    created_at: context.createdS,
    status,
    background: body['background'] === true,
    error: null,
    incomplete_details: null,
    instructions: body['instructions'] ?? null,
    max_output_tokens: context.ask.maxTokens,
    max_tool_calls: null,
    model: context.ask.model,
    output,
    parallel_tool_calls: context.ask.parallelTools,
    previous_response_id: body['previous_response_id'] ?? null,
    prompt_cache_key: body['prompt_cache_key'] ?? null,
    reasoning: { effort: null, summary: null, ...(body['reasoning'] as object | undefined) },
    safety_identifier: body['safety_identifier'] ?? null,
    service_tier: 'default',
    store: body['store'] !== false,
    temperature: body['temperature'] ?? 1,
    text: { format: { type: 'text' }, ...(body['text'] as object | undefined) },
    tool_choice: body['tool_choice'] ?? 'auto',
    tools: body['tools'] ?? [],
    top_logprobs: 0,
    top_p: body['top_p'] ?? 1,
    truncation: body['truncation'] ?? 'disabled',
    usage: null,
    user: body['user'] ?? null,
    metadata: body['metadata'] ?? {},
  };
}

function finalResponse(choice: Choice, context: RenderContext): Record<string, unknown> {
  const incomplete = choice.stop === 'length';
  const items = choice.parts.map((part, i) => itemOf(part, i, context, incomplete ? 'incomplete' : 'completed'));
  return {
    ...responseOf(context, incomplete ? 'incomplete' : 'completed', items),
    ...(incomplete ? { incomplete_details: { reason: 'max_output_tokens' } } : { completed_at: context.createdS }),
    ...(context.usage ? { usage: usageOf(context.usage) } : {}),
  };
}

const ID_PREFIX = { thinking: 'rs', text: 'msg', refusal: 'msg', tool: 'fc' } as const;
const itemId = (part: AnswerPart, index: number, context: RenderContext): string =>
  `${part.kind === 'tool' && part.custom ? 'ctc' : ID_PREFIX[part.kind]}_${context.id}${index}`;

function itemOf(part: AnswerPart, index: number, context: RenderContext, status: string): Record<string, unknown> {
  const id = itemId(part, index, context);
  if (part.kind === 'thinking') return reasoningItem(part.text, id, context);
  if (part.kind === 'tool') return toolItem(part, id, status);
  return { id, type: 'message', status, role: 'assistant', content: [contentPart(part)] };
}

function reasoningItem(text: string, id: string, context: RenderContext): Record<string, unknown> {
  const include = context.ask.body['include'];
  const encrypted = Array.isArray(include) && include.includes('reasoning.encrypted_content');
  return {
    id,
    type: 'reasoning',
    summary: showsSummary(context.ask) ? [{ type: 'summary_text', text }] : [],
    ...(encrypted ? { encrypted_content: OWN_ENCRYPTION + Buffer.from(text).toString('base64') } : {}),
  };
}

const showsSummary = (ask: Ask): boolean => Boolean((ask.body['reasoning'] as Json | undefined)?.['summary']);

const toolItem = (part: AnswerPart & { kind: 'tool' }, id: string, status: string): Record<string, unknown> =>
  part.custom
    ? { id, type: 'custom_tool_call', status, call_id: `call_${part.id}`, name: part.name, input: part.input }
    : { id, type: 'function_call', status, call_id: `call_${part.id}`, name: part.name, arguments: part.input };

const contentPart = (part: AnswerPart & { kind: 'text' | 'refusal' }): object =>
  part.kind === 'refusal'
    ? { type: 'refusal', refusal: part.text }
    : { type: 'output_text', text: part.text, annotations: [], logprobs: [] };

/** Numbered events; the count starts at 0 with `response.created`. */
class Events {
  #sequence = 0;

  frame(type: string, rest: object, more: Partial<Frame> = {}): Frame {
    return { event: type, data: JSON.stringify({ type, sequence_number: this.#sequence++, ...rest }), ...more };
  }
}

export function stream(choices: readonly Choice[], context: RenderContext): StreamParts {
  const choice = choices[0]!;
  const events = new Events();
  const response = responseOf(context, 'in_progress', []);
  const head = ['response.created', 'response.in_progress'].map((type) => events.frame(type, { response }));
  const pieces = choice.parts.flatMap((part, index) => piecesOf(part, index, context, events));
  const final = finalResponse(choice, context);
  const more = { terminal: true, usage: context.usage };
  return { head, pieces, tail: [events.frame(`response.${final['status']}`, { response: final }, more)] };
}

function piecesOf(part: AnswerPart, index: number, context: RenderContext, events: Events): Frame[][] {
  const pieces = partPieces(part);
  const where = { output_index: index, item_id: itemId(part, index, context) };
  return pieces.map((piece, i) => [
    ...(i === 0 ? openFrames(part, index, context, events) : []),
    ...deltaFrames(part, piece, where, context, events),
    ...(i === pieces.length - 1 ? closeFrames(part, index, context, events) : []),
  ]);
}

function openFrames(part: AnswerPart, index: number, context: RenderContext, events: Events): Frame[] {
  const where = { output_index: index, item_id: itemId(part, index, context) };
  const empty = itemOf(
    { ...part, ...(part.kind === 'tool' ? { input: '' } : { text: '' }) } as AnswerPart,
    index,
    context,
    'in_progress',
  );
  if ('content' in empty) empty['content'] = [];
  if ('summary' in empty) empty['summary'] = [];
  const added = events.frame('response.output_item.added', { output_index: index, item: empty });
  if (part.kind === 'tool') return [added];
  if (part.kind !== 'thinking') {
    return [
      added,
      events.frame('response.content_part.added', {
        ...where,
        content_index: 0,
        part: contentPart({ ...part, text: '' }),
      }),
    ];
  }
  if (!showsSummary(context.ask)) return [added];
  const summary = { ...where, summary_index: 0, part: { type: 'summary_text', text: '' } };
  return [added, events.frame('response.reasoning_summary_part.added', summary)];
}

function deltaFrames(part: AnswerPart, delta: string, where: object, context: RenderContext, events: Events): Frame[] {
  if (part.kind === 'thinking') {
    return showsSummary(context.ask)
      ? [events.frame('response.reasoning_summary_text.delta', { ...where, summary_index: 0, delta })]
      : [];
  }
  if (part.kind === 'text')
    return [events.frame('response.output_text.delta', { ...where, content_index: 0, delta, logprobs: [] })];
  if (part.kind === 'refusal') return [events.frame('response.refusal.delta', { ...where, content_index: 0, delta })];
  const type = part.custom ? 'response.custom_tool_call_input.delta' : 'response.function_call_arguments.delta';
  return [events.frame(type, { ...where, delta })];
}

function closeFrames(part: AnswerPart, index: number, context: RenderContext, events: Events): Frame[] {
  const where = { output_index: index, item_id: itemId(part, index, context) };
  const frames = doneFrames(part, where, context, events);
  const item = itemOf(part, index, context, 'completed');
  return [...frames, events.frame('response.output_item.done', { output_index: index, item })];
}

function doneFrames(part: AnswerPart, where: object, context: RenderContext, events: Events): Frame[] {
  if (part.kind === 'thinking') {
    if (!showsSummary(context.ask)) return [];
    const text = { ...where, summary_index: 0, text: part.text };
    const whole = { ...where, summary_index: 0, part: { type: 'summary_text', text: part.text } };
    return [
      events.frame('response.reasoning_summary_text.done', text),
      events.frame('response.reasoning_summary_part.done', whole),
    ];
  }
  if (part.kind === 'tool') {
    return part.custom
      ? [events.frame('response.custom_tool_call_input.done', { ...where, input: part.input })]
      : [events.frame('response.function_call_arguments.done', { ...where, name: part.name, arguments: part.input })];
  }
  const at = { ...where, content_index: 0 };
  const done =
    part.kind === 'text'
      ? events.frame('response.output_text.done', { ...at, text: part.text, logprobs: [] })
      : events.frame('response.refusal.done', { ...at, refusal: part.text });
  return [done, events.frame('response.content_part.done', { ...at, part: contentPart(part) })];
}

/** In a stream, an error is an event of its own. */
export const errorFrame = (body: object): Frame => {
  const { message, code, param } = (body as { error: Json }).error;
  return {
    event: 'error',
    data: JSON.stringify({
      type: 'error',
      sequence_number: 0,
      code: code ?? 'server_error',
      message,
      param: param ?? null,
    }),
  };
};
