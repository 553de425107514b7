import type { EmbedRequest, GenerateRequest, Message, Part, Tool, ToolCall } from './headgate-messages.ts';

/** A member of `extra` that the request has a field for. */
export class DoubleField extends Error {
  readonly field: string;
  constructor(field: string) {
    super(`extra.${field}`);
    this.field = `extra.${field}`;
  }
}

/** The request as a body of OpenAI's chat completions. Throws {@link DoubleField}. */
export function chatBody(request: GenerateRequest, stream: boolean): Record<string, unknown> {
  const { toolChoice, seed } = request;
  const body = present({
    model: request.model,
    messages: request.messages.map(messageBody),
    tools: request.tools.length > 0 ? request.tools.map(toolBody) : undefined,
    tool_choice: toolChoice === undefined ? undefined : choiceBody(toolChoice),
    max_completion_tokens: request.maxOutputTokens,
    temperature: request.temperature,
    top_p: request.topP,
    stop: request.stop.length > 0 ? request.stop : undefined,
    seed: seed === undefined ? undefined : Number(seed),
    reasoning_effort: request.reasoningEffort,
    ...(stream && { stream: true, stream_options: { include_usage: true } }),
  });
  for (const [field, value] of Object.entries(request.extra ?? {})) {
    if (field in body || field === 'stream') throw new DoubleField(field);
    body[field] = value;
  }
  return body;
}

export const embedBody = ({ model, inputs, dimensions }: EmbedRequest): Record<string, unknown> =>
  present({ model, input: inputs, dimensions });

const present = (members: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));

const messageBody = ({ role, parts, toolCalls, toolCallId, name }: Message): object =>
  present({
    role,
    content: parts.length === 1 && parts[0]!.kind.case === 'text' ? parts[0]!.kind.value : contentOf(parts),
    tool_calls: toolCalls.length > 0 ? toolCalls.map(callBody) : undefined,
    tool_call_id: toolCallId || undefined,
    name: name || undefined,
  });

const contentOf = (parts: readonly Part[]): unknown => (parts.length === 0 ? null : parts.map(partBody));

function partBody({ kind }: Part): object {
  switch (kind.case) {
    case 'imageUrl':
      return { type: 'image_url', image_url: { url: kind.value } };
    case 'audio': {
      const { data, format } = kind.value;
      return { type: 'input_audio', input_audio: { data: Buffer.from(data).toString('base64'), format } };
    }
    default:
      return { type: 'text', text: kind.value ?? '' };
  }
}

const toolBody = ({ name, description, parameters }: Tool): object => ({
  type: 'function',
  function: present({ name, description: description || undefined, parameters }),
});
const callBody = ({ id, name, arguments: args }: ToolCall): object => ({
  ...{ id, type: 'function' },
  function: { name, arguments: args },
});
const choiceBody = (choice: string): unknown =>
  ['auto', 'none', 'required'].includes(choice) ? choice : { type: 'function', function: { name: choice } };
