import type {
  AnswerPart,
  Ask,
  AskTool,
  Choice,
  Frame,
  JsonSchema,
  RenderContext,
  StreamParts,
  TokenUse,
} from '../answer.ts';
import { LabError } from '../errors.ts';
import { partPieces } from '../plan-answer.ts';
import { PromptText } from '../prompt.ts';
import { prefilled } from '../continued.ts';
import { signatureOf } from './anthropic.ts';
import { type Json, list, optionalNumber, record, runsOf } from './reading.ts';

const refuse = (message: string): LabError => new LabError(400, message, { code: 'ValidationException' });

/** A Converse body; the path says model and streaming. */
export function readAsk(body: Json, model: string, stream: boolean): Ask {
  for (const field of ['model', 'stream']) if (body[field] !== undefined) throw refuse(`Unexpected field ${field}`);
  const messages = list(body['messages'] ?? [], 'messages').map((message, i) => record(message, `messages.${i}`));
  if (messages.length === 0) throw refuse('The messages field is required.');
  checkTurns(messages);
  const config = (body['inferenceConfig'] ?? {}) as Json;
  const tools = (body['toolConfig'] ?? {}) as Json;
  const users = messages.filter((message) => message['role'] === 'user');
  return {
    model,
    stream,
    includeUsage: true,
    maxTokens: optionalNumber(config, 'maxTokens'),
    n: 1,
    stop: (config['stopSequences'] as string[] | undefined) ?? [],
    lastUserText: users.map(textOf).findLast((text) => text !== '') ?? '',
    lastToolText: toolText(users.at(-1)),
    continues: prefilled(body, messages, model),
    assistantTurns: messages.filter((message) => message['role'] === 'assistant').length,
    said: () => runsOf(messages.map(saidBy)),
    tools: readTools(tools['tools']),
    toolChoice: readChoice(tools['toolChoice']),
    parallelTools: true,
    schema: readSchema(body),
    thinking: isThinking(body),
    wantedTokens: null,
    ...promptOf(body, messages),
    body,
  };
}

const blocksOf = (message: Json | undefined): Json[] => list(message?.['content'] ?? [], 'content') as Json[];
const textOf = (message: Json): string =>
  blocksOf(message)
    .map((block) => block['text'] ?? '')
    .join('');

/** What the real API insists on: roles in turn, no block that is empty, results for every call. */
function checkTurns(messages: readonly Json[]): void {
  for (const [i, message] of messages.entries()) {
    if (message['role'] === messages[i - 1]?.['role'])
      throw refuse('A conversation must alternate between user and assistant roles.');
    for (const block of blocksOf(message)) {
      if (block['text'] === '') throw refuse(`The text field in the ContentBlock object at messages.${i} is blank.`);
      const thought = (block['reasoningContent'] as Json | undefined)?.['reasoningText'] as Json | undefined;
      if (thought && thought['signature'] !== signatureOf(String(thought['text'])))
        throw refuse(`messages.${i}.content: Invalid \`signature\` in \`thinking\` block`);
    }
  }
}

function toolText(message: Json | undefined): string {
  const result = blocksOf(message).findLast((block) => 'toolResult' in block)?.['toolResult'] as Json | undefined;
  return blocksOf(result)
    .map((block) => block['text'] ?? JSON.stringify(block['json'] ?? ''))
    .join('');
}

const readTools = (tools: unknown): AskTool[] =>
  ((tools ?? []) as Json[]).flatMap((tool) => {
    const spec = tool['toolSpec'] as Json | undefined;
    if (!spec) return [];
    return [{ name: String(spec['name']), custom: false, schema: (spec['inputSchema'] as Json)['json'] as JsonSchema }];
  });

function readChoice(choice: unknown): Ask['toolChoice'] {
  const { any, tool } = (choice ?? {}) as Json;
  if (any) return 'required';
  return tool ? { name: String((tool as Json)['name']) } : 'auto';
}

function readSchema(body: Json): JsonSchema | null {
  const format = (body['outputConfig'] as Json | undefined)?.['textFormat'] as Json | undefined;
  const schema = ((format?.['structure'] as Json | undefined)?.['jsonSchema'] as Json | undefined)?.['schema'];
  return typeof schema === 'string' ? (JSON.parse(schema) as JsonSchema) : null;
}

function isThinking(body: Json): boolean {
  const own = body['additionalModelRequestFields'] as Json | undefined;
  return ['enabled', 'adaptive'].includes(String((own?.['thinking'] as Json | undefined)?.['type']));
}

/** A cache point marks all before it, as Anthropic's marker on the block before does. */
function promptOf(body: Json, messages: readonly Json[]): ReturnType<PromptText['result']> {
  const prompt = new PromptText();
  prompt.addAll(marked(((body['toolConfig'] as Json | undefined)?.['tools'] ?? []) as Json[]));
  prompt.addAll(marked((body['system'] ?? []) as Json[]));
  for (const message of messages) for (const block of marked(blocksOf(message))) prompt.add([message['role'], block]);
  return prompt.result();
}

function marked(blocks: readonly Json[]): Json[] {
  const out: Json[] = [];
  for (const block of blocks) {
    const point = block['cachePoint'] as Json | undefined;
    if (!point) out.push(block);
    else if (out.length > 0)
      out[out.length - 1] = { ...out.at(-1), cache_control: { type: 'ephemeral', ttl: point['ttl'] ?? '5m' } };
  }
  return out;
}

const STOP = {
  stop: 'end_turn',
  stop_sequence: 'stop_sequence',
  length: 'max_tokens',
  tool: 'tool_use',
  refusal: 'content_filtered',
} as const;

export const usageOf = (use: TokenUse): object => {
  const written = use.cacheWrite5m + use.cacheWrite1h;
  return {
    inputTokens: use.input - use.cachedRead - written,
    outputTokens: use.output,
    totalTokens: use.input + use.output,
    cacheReadInputTokens: use.cachedRead,
    cacheWriteInputTokens: written,
    ...(use.cacheWrite1h > 0 && { cacheDetails: [{ ttl: '1h', inputTokens: use.cacheWrite1h }] }),
  };
};

export function unary([choice]: readonly Choice[], context: RenderContext): object {
  return {
    output: { message: { role: 'assistant', content: choice!.parts.map(blockOf) } },
    stopReason: STOP[choice!.stop],
    ...(context.usage ? { usage: usageOf(context.usage) } : {}),
    metrics: { latencyMs: 12 },
  };
}

function blockOf(part: AnswerPart): object {
  if (part.kind === 'thinking')
    return { reasoningContent: { reasoningText: { text: part.text, signature: signatureOf(part.text) } } };
  if (part.kind !== 'tool') return { text: part.text };
  return { toolUse: { toolUseId: `tooluse_${part.id}`, name: part.name, input: parsed(part.input) } };
}

function parsed(input: string): unknown {
  try {
    return JSON.parse(input);
  } catch {
    return {};
  }
}

const frame = (event: string, data: object): Frame => ({ event, data: JSON.stringify({ ...data, p: 'abcdefgh' }) });

/** The metadata comes last, after the message has stopped. */
export function stream([choice]: readonly Choice[], context: RenderContext): StreamParts {
  const usage = context.usage ? { usage: usageOf(context.usage) } : {};
  return {
    head: [frame('messageStart', { role: 'assistant' })],
    pieces: choice!.parts.flatMap((part, index) => piecesOf(part, index)),
    tail: [
      frame('messageStop', { stopReason: STOP[choice!.stop] }),
      { ...frame('metadata', { ...usage, metrics: { latencyMs: 12 } }), usage: context.usage, terminal: true },
    ],
  };
}

function piecesOf(part: AnswerPart, index: number): Frame[][] {
  const pieces = partPieces(part);
  const at = { contentBlockIndex: index };
  return pieces.map((piece, i) => [
    // Only a tool's block is announced.
    ...(i === 0 && part.kind === 'tool'
      ? [
          frame('contentBlockStart', {
            start: { toolUse: { toolUseId: `tooluse_${part.id}`, name: part.name } },
            ...at,
          }),
        ]
      : []),
    frame('contentBlockDelta', { delta: deltaOf(part, piece), ...at }),
    ...(i < pieces.length - 1 ? [] : closing(part, at)),
  ]);
}

function deltaOf(part: AnswerPart, piece: string): object {
  if (part.kind === 'thinking') return { reasoningContent: { text: piece } };
  return part.kind === 'tool' ? { toolUse: { input: piece } } : { text: piece };
}

const closing = (part: AnswerPart, at: object): Frame[] => [
  ...(part.kind === 'thinking'
    ? [frame('contentBlockDelta', { delta: { reasoningContent: { signature: signatureOf(part.text) } }, ...at })]
    : []),
  frame('contentBlockStop', at),
];

const saidBy = (message: Json) => ({
  by: message['role'] === 'assistant' ? ('assistant' as const) : ('user' as const),
  text: textOf(message),
});
