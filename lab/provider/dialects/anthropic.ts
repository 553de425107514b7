import { createHash } from 'node:crypto';
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
import { prefilled } from '../continued.ts';
import { LabError } from '../errors.ts';
import { partPieces } from '../plan-answer.ts';
import { PromptText } from '../prompt.ts';
import { type Json, contentText, list, optionalNumber, record, runsOf, stops } from './reading.ts';

function need(body: Json, field: string): unknown {
  if (body[field] === undefined) throw new LabError(400, `${field}: Field required`, { param: field });
  return body[field];
}

/** `counting`: count_tokens asks for no limit of output. */
export function readAsk(body: Json, counting = false): Ask {
  const messages = list(need(body, 'messages'), 'messages').map((message, i) => record(message, `messages.${i}`));
  if (messages.length === 0) throw new LabError(400, 'messages: at least one message is required');
  if (!counting) need(body, 'max_tokens');
  checkSignatures(messages);
  const users = messages.filter((message) => message['role'] === 'user');
  return {
    model: String(need(body, 'model')),
    stream: body['stream'] === true,
    includeUsage: true,
    maxTokens: optionalNumber(body, 'max_tokens'),
    n: 1,
    stop: stops(body['stop_sequences']),
    lastUserText: contentText(users.findLast((message) => contentText(message['content']) !== '')?.['content']),
    lastToolText: toolText(users.at(-1)?.['content']),
    continues: counting ? null : prefilled(body, messages),
    assistantTurns: messages.filter((message) => message['role'] === 'assistant').length,
    said: () => runsOf(messages.map(saidBy)),
    tools: readTools(body['tools']),
    toolChoice: readToolChoice(body['tool_choice']),
    parallelTools: (body['tool_choice'] as Json | undefined)?.['disable_parallel_tool_use'] !== true,
    schema: readSchema(body),
    thinking: ['enabled', 'adaptive'].includes(String((body['thinking'] as Json | undefined)?.['type'])),
    wantedTokens: optionalNumber(body['metadata'] as Json | undefined, 'output_tokens'),
    ...promptOf(body, messages),
    body,
  };
}

function promptOf(body: Json, messages: readonly Json[]): ReturnType<PromptText['result']> {
  const prompt = new PromptText();
  prompt.addAll(body['tools']);
  prompt.addAll(body['system']);
  for (const message of messages) {
    const content = Array.isArray(message['content'])
      ? message['content']
      : [{ type: 'text', text: message['content'] }];
    for (const block of content) prompt.add([message['role'], block]);
  }
  return prompt.result();
}

/** The real API refuses thinking that it did not sign, in these words; clients match them. */
function checkSignatures(messages: readonly Json[]): void {
  for (const [i, message] of messages.entries()) {
    if (!Array.isArray(message['content'])) continue;
    for (const [j, block] of (message['content'] as Json[]).entries()) {
      if (block['type'] !== 'thinking' || block['signature'] === signatureOf(String(block['thinking']))) continue;
      throw new LabError(400, `messages.${i}.content.${j}: Invalid \`signature\` in \`thinking\` block`);
    }
  }
}

/** A signature that only this provider's own thinking carries. */
export const signatureOf = (thinking: string): string =>
  Buffer.from(`lab:${createHash('sha256').update(thinking).digest('hex')}`).toString('base64');

const saidBy = (message: Json): Said => ({
  by: message['role'] === 'assistant' ? 'assistant' : 'user',
  text: contentText(message['content']),
});

function toolText(content: unknown): string {
  if (!Array.isArray(content)) return '';
  const result = (content as Json[]).findLast((block) => block['type'] === 'tool_result');
  return contentText(result?.['content']);
}

const readTools = (tools: unknown): AskTool[] =>
  (tools === undefined ? [] : list(tools, 'tools'))
    .map((tool, i) => record(tool, `tools.${i}`))
    .filter((tool) => tool['input_schema'] !== undefined)
    .map((tool) => ({ name: String(tool['name']), custom: false, schema: tool['input_schema'] as JsonSchema }));

function readToolChoice(choice: unknown): Ask['toolChoice'] {
  const type = (choice as Json | undefined)?.['type'];
  if (type === 'any') return 'required';
  if (type === 'tool') return { name: String((choice as Json)['name']) };
  return type === 'none' ? 'none' : 'auto';
}

function readSchema(body: Json): JsonSchema | null {
  const config = (body['output_config'] as Json | undefined)?.['format'] ?? body['output_format'];
  return ((config as Json | undefined)?.['schema'] as JsonSchema | undefined) ?? null;
}

const STOP = {
  stop: 'end_turn',
  stop_sequence: 'stop_sequence',
  length: 'max_tokens',
  tool: 'tool_use',
  refusal: 'refusal',
} as const;

/** Usage with the cache counted beside the input, never in it. */
export function usageOf(use: TokenUse, output: number): object {
  return {
    input_tokens: use.input - use.cachedRead - use.cacheWrite5m - use.cacheWrite1h,
    cache_creation_input_tokens: use.cacheWrite5m + use.cacheWrite1h,
    cache_read_input_tokens: use.cachedRead,
    cache_creation: { ephemeral_5m_input_tokens: use.cacheWrite5m, ephemeral_1h_input_tokens: use.cacheWrite1h },
    output_tokens: output,
    service_tier: 'standard',
    inference_geo: 'not_available',
  };
}

export function unary(choices: readonly Choice[], context: RenderContext): object {
  const choice = choices[0]!;
  return {
    ...messageOf(context),
    content: choice.parts.map(blockOf),
    stop_reason: STOP[choice.stop],
    stop_sequence: choice.stopSequence,
    ...(context.usage ? { usage: usageOf(context.usage, context.usage.output) } : {}),
  };
}

const messageOf = (context: RenderContext): object => ({
  id: `msg_${context.id}`,
  type: 'message',
  role: 'assistant',
  model: context.ask.model,
  content: [],
  stop_reason: null,
  stop_sequence: null,
});

function blockOf(part: AnswerPart): object {
  if (part.kind === 'thinking') return { type: 'thinking', thinking: part.text, signature: signatureOf(part.text) };
  if (part.kind !== 'tool') return { type: 'text', text: part.text };
  return { type: 'tool_use', id: `toolu_${part.id}`, name: part.name, input: parsed(part.input) };
}

/** Input that the token limit cut off is no JSON; the real API then gives what it has parsed so far. */
function parsed(input: string): unknown {
  try {
    return JSON.parse(input);
  } catch {
    return {};
  }
}

const frame = (type: string, rest: object): Frame => ({ event: type, data: JSON.stringify({ type, ...rest }) });

export function stream(choices: readonly Choice[], context: RenderContext): StreamParts {
  const choice = choices[0]!;
  return {
    head: [frame('message_start', { message: startOf(context) })],
    pieces: choice.parts.flatMap((part, index) => piecesOf(part, index)),
    tail: [deltaFrame(choice, context), { ...frame('message_stop', {}), terminal: true }],
  };
}

const startOf = (context: RenderContext): object => ({
  ...messageOf(context),
  ...(context.usage ? { usage: usageOf(context.usage, 1) } : {}),
});

function deltaFrame(choice: Choice, context: RenderContext): Frame {
  const delta = { stop_reason: STOP[choice.stop], stop_sequence: choice.stopSequence };
  if (!context.usage) return frame('message_delta', { delta });
  const {
    service_tier: _,
    inference_geo: __,
    cache_creation: ___,
    ...usage
  } = usageOf(context.usage, context.usage.output) as Json;
  return { ...frame('message_delta', { delta, usage }), usage: context.usage };
}

function piecesOf(part: AnswerPart, index: number): Frame[][] {
  const pieces = partPieces(part);
  return pieces.map((piece, i) => [
    ...(i === 0 ? [frame('content_block_start', { index, content_block: emptyBlock(part) })] : []),
    // After the first block's start the real API sends a ping.
    ...(i === 0 && index === 0 ? [frame('ping', {})] : []),
    frame('content_block_delta', { index, delta: deltaOf(part, piece) }),
    ...(i === pieces.length - 1 ? closing(part, index) : []),
  ]);
}

function emptyBlock(part: AnswerPart): object {
  if (part.kind === 'thinking') return { type: 'thinking', thinking: '', signature: '' };
  if (part.kind !== 'tool') return { type: 'text', text: '' };
  return { type: 'tool_use', id: `toolu_${part.id}`, name: part.name, input: {} };
}

function deltaOf(part: AnswerPart, piece: string): object {
  if (part.kind === 'thinking') return { type: 'thinking_delta', thinking: piece };
  if (part.kind === 'tool') return { type: 'input_json_delta', partial_json: piece };
  return { type: 'text_delta', text: piece };
}

const closing = (part: AnswerPart, index: number): Frame[] => [
  ...(part.kind === 'thinking'
    ? [frame('content_block_delta', { index, delta: { type: 'signature_delta', signature: signatureOf(part.text) } })]
    : []),
  frame('content_block_stop', { index }),
];

export const errorFrame = (body: object): Frame => ({ event: 'error', data: JSON.stringify(body) });
