import type { CanonicalCall, GenerateCall, ToolDefinition, Turn } from '../canonical.ts';
import type { EncodedCall } from '../dialect.ts';
import { cannotSay, newEncoding, type Encoding } from '../anthropic-messages/encoding.ts';
import { isObject } from '../json/read.ts';
import { cachePoint, encodeParts, type Block } from './encode-parts.ts';

/** The canonical call as a Converse body; `model` and `stream` are taken out again where the path says them. */
export function encodeCall(call: CanonicalCall): EncodedCall {
  const to = newEncoding();
  if (call.kind !== 'generate') return { value: {}, unsupported: [{ field: 'input', class: 'meaning' }] };
  return { value: encodeGenerate(to, call), unsupported: to.unsupported };
}

function encodeGenerate(to: Encoding, call: GenerateCall): Record<string, unknown> {
  nameUnsaid(to, call);
  const own = ownFields(to, call);
  const output = encodeOutput(to, call);
  const tools = encodeTools(to, call);
  const inference = encodeInference(to, call);
  const tier = encodeTier(to, call.serviceTier);
  const metadata = encodeMetadata(to, call.metadata);
  return {
    model: call.model,
    ...encodeTurns(to, call.turns),
    ...(Object.keys(inference).length > 0 && { inferenceConfig: inference }),
    ...(tools && { toolConfig: tools }),
    ...(output && { outputConfig: output }),
    ...(Object.keys(own).length > 0 && { additionalModelRequestFields: own }),
    ...(metadata && { requestMetadata: metadata }),
    ...(tier !== null && { serviceTier: { type: tier } }),
    ...(call.stream && { stream: true }),
  };
}

/** Canonical fields that a Converse body has no word for. */
function nameUnsaid(to: Encoding, call: GenerateCall): void {
  if (call.seed !== null) cannotSay(to, 'seed', 'hint');
  if (call.n !== 1) cannotSay(to, 'n', 'meaning');
  if (call.presencePenalty) cannotSay(to, 'presence_penalty', 'hint');
  if (call.frequencyPenalty) cannotSay(to, 'frequency_penalty', 'hint');
  if (call.logitBias && Object.keys(call.logitBias).length > 0) cannotSay(to, 'logit_bias', 'meaning');
  if (call.topLogprobs !== null) cannotSay(to, 'top_logprobs', 'meaning');
  if (call.verbosity !== null) cannotSay(to, 'verbosity', 'hint');
  if (call.endUser !== null) cannotSay(to, 'user', 'hint');
  // Nothing is stored for the caller: what `false` asks is kept, what `true` asks is not.
  if (call.store === true) cannotSay(to, 'store', 'hint');
  if (call.promptCacheKey !== null) cannotSay(to, 'prompt_cache_key', 'hint');
  if (call.parallelTools === false) cannotSay(to, 'parallel_tool_calls', 'hint');
}

/** What Converse passes to the model's own API: only Claude's is known here. */
function ownFields(to: Encoding, call: GenerateCall): Record<string, unknown> {
  const claude = /claude/i.test(call.model);
  const { reasoning } = call;
  const own: Record<string, unknown> = {};
  if (call.topK !== null) {
    if (claude) own['top_k'] = call.topK;
    else cannotSay(to, 'top_k', 'hint');
  }
  if (!reasoning) return own;
  if (reasoning.summary !== null) cannotSay(to, 'reasoning.summary', 'hint');
  if (reasoning.budgetTokens !== null) {
    if (claude) own['thinking'] = { type: 'enabled', budget_tokens: reasoning.budgetTokens };
    else cannotSay(to, 'reasoning.budgetTokens', 'hint');
  } else if (reasoning.enabled !== null) {
    if (claude) own['thinking'] = { type: reasoning.enabled ? 'adaptive' : 'disabled' };
    else cannotSay(to, 'reasoning.enabled', 'hint');
  }
  return own;
}

/** The common range of sampling; OpenAI's goes to 2. */
const MAX_TEMPERATURE = 1;

function encodeInference(to: Encoding, call: GenerateCall): Block {
  const { maxOutputTokens, temperature, topP, stop } = call;
  if (temperature !== null && temperature > MAX_TEMPERATURE) cannotSay(to, 'temperature', 'hint');
  return {
    ...(maxOutputTokens !== null && { maxTokens: maxOutputTokens }),
    ...(temperature !== null && { temperature: Math.min(temperature, MAX_TEMPERATURE) }),
    ...(topP !== null && { topP }),
    ...(stop.length > 0 && { stopSequences: stop }),
  };
}

function encodeTools(to: Encoding, call: GenerateCall): Block | null {
  const tools = call.tools.flatMap((tool, index) => encodeTool(to, tool, `tools[${index}]`));
  const choice = call.toolChoice;
  if (choice?.type === 'none') {
    // Without tools there is nothing to choose; but a conversation with calls needs its tools.
    const called = call.turns.some(({ parts }) =>
      parts.some(({ type }) => type === 'tool_call' || type === 'tool_result'),
    );
    if (!called) return null;
    if (tools.length > 0) cannotSay(to, 'tool_choice', 'meaning');
  }
  if (tools.length === 0) return null;
  const toolChoice = encodeChoice(to, choice);
  return { tools, ...(toolChoice && { toolChoice }) };
}

function encodeTool(to: Encoding, tool: ToolDefinition, path: string): Block[] {
  if (tool.type === 'hosted' && tool.dialect === 'bedrock-converse' && isObject(tool.value)) return [tool.value];
  if (tool.type !== 'function') return (cannotSay(to, path, 'meaning'), []);
  const spec = {
    name: tool.name,
    ...(tool.description && { description: tool.description }),
    inputSchema: { json: isObject(tool.schema) ? tool.schema : { type: 'object', properties: {} } },
    ...(tool.strict !== undefined && { strict: tool.strict }),
  };
  return [{ toolSpec: spec }, ...(tool.cache ? [cachePoint(tool.cache)] : [])];
}

function encodeChoice(to: Encoding, choice: GenerateCall['toolChoice']): Block | null {
  if (!choice || choice.type === 'none') return null;
  if (choice.type !== 'named') return choice.type === 'required' ? { any: {} } : { auto: {} };
  if (choice.custom) return (cannotSay(to, 'tool_choice', 'meaning'), null);
  return { tool: { name: choice.name } };
}

function encodeOutput(to: Encoding, { format, reasoning }: GenerateCall): Block | null {
  const asked = reasoning?.effort ?? null;
  const effort = asked === 'minimal' ? 'low' : asked === 'none' ? null : asked;
  if (asked === 'none' && reasoning!.enabled !== false) cannotSay(to, 'reasoning_effort', 'hint');
  if (format?.type === 'json') cannotSay(to, 'response_format', 'meaning');
  const schema = format?.type === 'json_schema' ? format : null;
  if (effort === null && !schema) return null;
  const textFormat = schema && {
    type: 'json_schema',
    structure: {
      jsonSchema: {
        schema: JSON.stringify(schema.schema),
        name: schema.name,
        ...(schema.description !== undefined && { description: schema.description }),
      },
    },
  };
  return { ...(effort !== null && { effort }), ...(textFormat && { textFormat }) };
}

/** SDK 3.1164.0 `ServiceTierType`; `auto` is what a body without one gets. */
const TIERS: ReadonlyMap<string, string> = new Map([
  ['default', 'default'],
  ['standard', 'default'],
  ['flex', 'flex'],
  ['priority', 'priority'],
  ['reserved', 'reserved'],
]);

function encodeTier(to: Encoding, tier: string | null): string | null {
  if (tier === null || tier === 'auto') return null;
  const known = TIERS.get(tier) ?? null;
  if (known === null) cannotSay(to, 'service_tier', 'hint');
  return known;
}

const METADATA = /^[a-zA-Z0-9\s:_@$#=/+,.-]{0,256}$/;
const MOST_METADATA = 16;

function encodeMetadata(to: Encoding, metadata: GenerateCall['metadata']): GenerateCall['metadata'] {
  if (metadata === null) return null;
  const pairs = Object.entries(metadata);
  if (pairs.length <= MOST_METADATA && pairs.flat().every((text) => METADATA.test(text))) return metadata;
  cannotSay(to, 'metadata', 'hint');
  return null;
}

interface Message {
  readonly role: 'user' | 'assistant' | 'system';
  readonly content: Block[];
}

/** Leading `system` and `developer` turns become `system`; later ones stay where they stand, with that role. */
function encodeTurns(to: Encoding, turns: readonly Turn[]): { system?: Block[]; messages: Message[] } {
  const firstOther = turns.findIndex(({ role }) => role !== 'system' && role !== 'developer');
  const leading = firstOther < 0 ? turns.length : firstOther;
  const system: Block[] = [];
  const messages: Message[] = [];
  for (const [index, turn] of turns.entries()) {
    if (turn.name !== undefined) cannotSay(to, `messages[${index}].name`, 'hint');
    const content = encodeParts(to, turn.parts, `messages[${index}].content`);
    if (index < leading) system.push(...content);
    else addMessage(messages, turn.role === 'developer' ? 'system' : turn.role, content);
  }
  return { ...(system.length > 0 && { system }), messages };
}

/** Roles alternate, and the results of tools stand first in their message. */
function addMessage(messages: Message[], role: Message['role'], content: Block[]): void {
  const last = messages.at(-1);
  if (last?.role !== role || role === 'system') {
    if (content.length > 0) messages.push({ role, content: [...content] });
    return;
  }
  last.content.push(...content);
  if (role !== 'user' || last.content.some((block) => 'cachePoint' in block)) return;
  const isResult = (block: Block): number => Number('toolResult' in block);
  last.content.sort((a, b) => isResult(b) - isResult(a));
}
