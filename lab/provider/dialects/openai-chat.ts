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
import { continuedFinal } from '../continued.ts';
import { LabError } from '../errors.ts';
import { partPieces } from '../plan-answer.ts';
import { PromptText } from '../prompt.ts';
import { AZURE_FILTERS, AZURE_PROMPT_FILTERS } from './azure.ts';
import { type Json, contentText, list, optionalNumber, record, required, runsOf, stops } from './reading.ts';

export function readAsk(body: Json): Ask {
  const messages = list(required(body, 'messages'), 'messages').map((message, i) => record(message, `messages[${i}]`));
  if (messages.length === 0) throw emptyMessages();
  const prompt = new PromptText();
  prompt.addAll(body['tools']);
  prompt.addAll(messages);
  const format = body['response_format'] === undefined ? null : record(body['response_format'], 'response_format');
  return {
    model: String(required(body, 'model')),
    stream: body['stream'] === true,
    includeUsage: (body['stream_options'] as Json | undefined)?.['include_usage'] === true,
    maxTokens: optionalNumber(body, 'max_completion_tokens') ?? optionalNumber(body, 'max_tokens'),
    n: optionalNumber(body, 'n') ?? 1,
    stop: stops(body['stop']),
    lastUserText: lastText(messages, (role) => role === 'user'),
    lastToolText: lastText(messages, (role) => role === 'tool' || role === 'function'),
    continues: continuedFinal(body, messages),
    assistantTurns: messages.filter((message) => message['role'] === 'assistant').length,
    said: () => runsOf(messages.flatMap(saidBy)),
    tools: readTools(body['tools']),
    toolChoice: readToolChoice(body['tool_choice']),
    parallelTools: body['parallel_tool_calls'] !== false,
    schema: readSchema(format),
    thinking: typeof body['reasoning_effort'] === 'string' && body['reasoning_effort'] !== 'none',
    wantedTokens: optionalNumber(body['metadata'] as Json | undefined, 'output_tokens'),
    ...prompt.result(),
    markedBytes: null,
    body,
  };
}

const emptyMessages = (): LabError =>
  new LabError(
    400,
    "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
    {
      code: 'empty_array',
      param: 'messages',
    },
  );

function lastText(messages: readonly Json[], wanted: (role: unknown) => boolean): string {
  return contentText(messages.findLast((message) => wanted(message['role']))?.['content']);
}

function saidBy({ role, content }: Json): Said[] {
  if (role === 'system' || role === 'developer') return [];
  if (role === 'assistant') return [{ by: 'assistant', text: contentText(content) }];
  return [{ by: 'user', text: role === 'user' ? contentText(content) : '' }];
}

function readTools(tools: unknown): AskTool[] {
  return list(tools ?? [], 'tools').map((value, i) => {
    const tool = record(value, `tools[${i}]`);
    const custom = tool['type'] === 'custom';
    const inner = record(tool[custom ? 'custom' : 'function'], `tools[${i}].${custom ? 'custom' : 'function'}`);
    return { name: String(inner['name']), custom, schema: (inner['parameters'] ?? {}) as JsonSchema };
  });
}

function readToolChoice(choice: unknown): Ask['toolChoice'] {
  if (choice === 'none' || choice === 'required') return choice;
  if (typeof choice !== 'object' || choice === null) return 'auto';
  const named = (choice as Json)['function'] ?? (choice as Json)['custom'];
  return named ? { name: String((named as Json)['name']) } : 'auto';
}

function readSchema(format: Json | null): JsonSchema | null {
  if (format?.['type'] === 'json_object') return {};
  if (format?.['type'] !== 'json_schema') return null;
  return ((format['json_schema'] as Json)?.['schema'] ?? {}) as JsonSchema;
}

const FINISH = { stop: 'stop', stop_sequence: 'stop', length: 'length', tool: 'tool_calls', refusal: 'stop' } as const;

export function usageOf(use: TokenUse): object {
  return {
    prompt_tokens: use.input,
    completion_tokens: use.output,
    total_tokens: use.input + use.output,
    prompt_tokens_details: { cached_tokens: use.cachedRead, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: use.reasoning,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

export function unary(choices: readonly Choice[], context: RenderContext): object {
  return {
    id: `chatcmpl-${context.id}`,
    object: 'chat.completion',
    created: context.createdS,
    model: context.ask.model,
    choices: choices.map((choice, index) => ({
      index,
      message: messageOf(choice.parts),
      logprobs: wantsLogprobs(context.ask)
        ? { content: logprobsOf(textOf(choice.parts, 'text')), refusal: null }
        : null,
      finish_reason: FINISH[choice.stop],
      ...(context.azure ? { content_filter_results: AZURE_FILTERS } : {}),
    })),
    ...(context.azure ? { prompt_filter_results: AZURE_PROMPT_FILTERS } : {}),
    ...(context.usage ? { usage: usageOf(context.usage) } : {}),
    service_tier: 'default',
    system_fingerprint: 'fp_lab0000001',
  };
}

const textOf = (parts: readonly AnswerPart[], kind: 'text' | 'refusal'): string =>
  parts.map((part) => (part.kind === kind ? part.text : '')).join('');

function messageOf(parts: readonly AnswerPart[]): object {
  const calls = parts.filter((part) => part.kind === 'tool').map(callOf);
  return {
    role: 'assistant',
    content: parts.some((part) => part.kind === 'text') ? textOf(parts, 'text') : null,
    refusal: textOf(parts, 'refusal') || null,
    annotations: [],
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
  };
}

const callOf = (part: AnswerPart & { kind: 'tool' }): object =>
  part.custom
    ? { id: `call_${part.id}`, type: 'custom', custom: { name: part.name, input: part.input } }
    : { id: `call_${part.id}`, type: 'function', function: { name: part.name, arguments: part.input } };

const wantsLogprobs = (ask: Ask): boolean => ask.body['logprobs'] === true;
const logprobsOf = (text: string): object[] => (text ? partPieces({ kind: 'text', text }).map(logprob) : []);
const logprob = (token: string): object => ({
  token,
  logprob: -0.25,
  bytes: [...Buffer.from(token)],
  top_logprobs: [],
});

/** Chunks as OpenAI sends them: role first, a chunk a token, the finish reason alone, usage alone, `[DONE]`. */
export function stream(choices: readonly Choice[], context: RenderContext): StreamParts {
  const chunk = chunkMaker(context);
  const head = choices.map((_, index) =>
    chunk([choiceOf(context, index, { role: 'assistant', content: '', refusal: null })]),
  );
  const pieces = interleave(choices.map((choice, index) => choicePieces(choice, index, context)));
  const finishes = choices.map((choice, index) => chunk([choiceOf(context, index, {}, FINISH[choice.stop])]));
  return {
    head: context.azure ? [azureHead(), ...head] : head,
    pieces,
    tail: [...finishes, ...usageChunk(context), { event: null, data: '[DONE]', terminal: true }],
  };
}

function chunkMaker(context: RenderContext): (choices: object[], usage?: object) => Frame {
  // OpenAI's quirk: where usage was asked for, every other chunk says `usage: null`.
  const usageField = context.ask.includeUsage && context.usage ? { usage: null } : {};
  return (choices, usage) => ({
    event: null,
    data: JSON.stringify({
      id: `chatcmpl-${context.id}`,
      object: 'chat.completion.chunk',
      created: context.createdS,
      model: context.ask.model,
      service_tier: 'default',
      system_fingerprint: 'fp_lab0000001',
      choices,
      ...(usage ? { usage } : usageField),
    }),
  });
}

function usageChunk(context: RenderContext): Frame[] {
  if (!context.ask.includeUsage || !context.usage) return [];
  return [{ ...chunkMaker(context)([], usageOf(context.usage)), usage: context.usage }];
}

const azureHead = (): Frame => ({
  event: null,
  data: JSON.stringify({
    choices: [],
    created: 0,
    id: '',
    model: '',
    object: '',
    prompt_filter_results: AZURE_PROMPT_FILTERS,
  }),
});

function choiceOf(
  context: RenderContext,
  index: number,
  delta: object,
  finish: string | null = null,
  logprobs: object | null = null,
): object {
  return { index, delta, logprobs, finish_reason: finish, ...(context.azure ? { content_filter_results: {} } : {}) };
}

function choicePieces(choice: Choice, index: number, context: RenderContext): Frame[][] {
  const chunk = chunkMaker(context);
  let call = -1;
  return choice.parts.flatMap((part) => {
    // Chat Completions never shows reasoning: its tokens take time and are counted, no event carries them.
    if (part.kind === 'thinking') return partPieces(part).map(() => []);
    if (part.kind === 'tool') call++;
    const opening =
      part.kind === 'tool' ? [chunk([choiceOf(context, index, { tool_calls: [openCall(part, call)] })])] : [];
    return partPieces(part).map((piece, i) => {
      const logprobs =
        part.kind === 'text' && wantsLogprobs(context.ask) ? { content: [logprob(piece)], refusal: null } : null;
      const frame = chunk([choiceOf(context, index, deltaOf(part, piece, call), null, logprobs)]);
      return i === 0 ? [...opening, frame] : [frame];
    });
  });
}

const openCall = (part: AnswerPart & { kind: 'tool' }, index: number): object => ({
  index,
  id: `call_${part.id}`,
  ...(part.custom
    ? { type: 'custom', custom: { name: part.name, input: '' } }
    : { type: 'function', function: { name: part.name, arguments: '' } }),
});

function deltaOf(part: AnswerPart, piece: string, index: number): object {
  if (part.kind === 'refusal') return { refusal: piece };
  if (part.kind !== 'tool') return { content: piece };
  return {
    tool_calls: [part.custom ? { index, custom: { input: piece } } : { index, function: { arguments: piece } }],
  };
}

/** Choices of one call come token by token in turn, as a batch decodes them. */
function interleave(lists: readonly Frame[][][]): Frame[][] {
  const out: Frame[][] = [];
  const longest = Math.max(...lists.map((pieces) => pieces.length));
  for (let i = 0; i < longest; i++) for (const pieces of lists) if (pieces[i]) out.push(pieces[i]!);
  return out;
}

export const errorFrame = (body: object): Frame => ({ event: null, data: JSON.stringify(body) });
