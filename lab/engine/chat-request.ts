/** The part of OpenAI's Chat Completions and Embeddings requests that this engine serves. */
import { z } from 'zod';

/** A refusal in OpenAI's error shape. */
export class RequestError extends Error {
  readonly status: number;
  readonly code: string;
  readonly param: string | null;

  constructor(status: number, code: string, message: string, param: string | null = null) {
    super(message);
    this.status = status;
    this.code = code;
    this.param = param;
  }
}

const contentSchema = z.union([
  z.string(),
  z.null(),
  z.array(z.looseObject({ type: z.enum(['text', 'refusal']), text: z.string().optional() })),
]);

const messageSchema = z.looseObject({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool']),
  content: contentSchema.optional(),
  tool_calls: z
    .array(z.looseObject({ function: z.looseObject({ name: z.string(), arguments: z.string() }) }))
    .optional(),
});

const toolSchema = z.looseObject({
  type: z.literal('function'),
  function: z.looseObject({
    name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/),
    parameters: z.record(z.string(), z.unknown()).optional(),
  }),
});

const responseFormatSchema = z.union([
  z.looseObject({ type: z.literal('text') }),
  z.looseObject({ type: z.literal('json_object') }),
  z.looseObject({
    type: z.literal('json_schema'),
    json_schema: z.looseObject({ schema: z.record(z.string(), z.unknown()) }),
  }),
]);

const toolChoiceSchema = z.union([
  z.enum(['none', 'auto', 'required']),
  z.looseObject({ type: z.literal('function'), function: z.looseObject({ name: z.string() }) }),
]);

const chatSchema = z.looseObject({
  model: z.string(),
  messages: z.array(messageSchema).min(1),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().optional() }).nullish(),
  max_tokens: z.int().min(1).nullish(),
  max_completion_tokens: z.int().min(1).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  seed: z.int().nullish(),
  /** As vLLM has it: prompts of different salts share no cache. */
  cache_salt: z.string().min(1).optional(),
  stop: z.union([z.string(), z.array(z.string()).max(4)]).nullish(),
  n: z.literal(1).nullish(),
  tools: z.array(toolSchema).max(128).optional(),
  tool_choice: toolChoiceSchema.optional(),
  response_format: responseFormatSchema.optional(),
});

const embeddingSchema = z.looseObject({
  model: z.string(),
  input: z.union([
    z.string().min(1),
    z.array(z.string().min(1)).min(1).max(2048),
    z.array(z.int().min(0)).min(1),
    z
      .array(z.array(z.int().min(0)).min(1))
      .min(1)
      .max(2048),
  ]),
  dimensions: z.int().min(1).optional(),
  encoding_format: z.enum(['float', 'base64']).optional(),
});

export type ChatRequest = z.infer<typeof chatSchema>;
export type ChatMessage = z.infer<typeof messageSchema>;
export type ChatTool = z.infer<typeof toolSchema>;
export type EmbeddingRequest = z.infer<typeof embeddingSchema>;

function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const param = issue?.path.join('.') ?? null;
  throw new RequestError(400, 'invalid_value', `${param}: ${issue?.message}`, param);
}

/** Throws {@link RequestError} 400 that names the first wrong field. */
export const parseChat = (body: unknown): ChatRequest => parse(chatSchema, body);
/** Throws {@link RequestError} 400 that names the first wrong field. */
export const parseEmbedding = (body: unknown): EmbeddingRequest => parse(embeddingSchema, body);

/** The tools among which the answer must choose; empty when it may be text. Throws 400 for an unknown name. */
export function forcedTools(request: ChatRequest): readonly ChatTool[] {
  const { tools = [], tool_choice: choice } = request;
  if (choice === 'required') {
    if (tools.length === 0) throw new RequestError(400, 'invalid_value', 'tool_choice needs tools', 'tool_choice');
    return tools;
  }
  if (typeof choice !== 'object') return [];
  const named = tools.filter((tool) => tool.function.name === choice.function.name);
  if (named.length > 0) return named;
  const why = `no tool is called ${choice.function.name}`;
  throw new RequestError(400, 'invalid_value', why, 'tool_choice.function.name');
}
