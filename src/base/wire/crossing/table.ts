import { MESSAGES_FIELDS } from '../anthropic-messages/index.ts';
import { CONVERSE_FIELDS } from '../bedrock-converse/index.ts';
import { GENERATE_FIELDS } from '../google-generate/index.ts';
import { CHAT_FIELDS } from '../openai-chat/index.ts';
import { RESPONSES_FIELDS } from '../openai-responses/index.ts';
import { as, left, no, same, type Cell, type Crossable, type FieldCells, type Row } from './cells.ts';
import { FROM_CONVERSE } from './from-converse.ts';
import { TO_CONVERSE } from './to-converse.ts';

export { CROSSABLE, type Cell, type Crossable, type Row } from './cells.ts';

type Samples = Readonly<Record<string, { readonly sample: unknown }>>;
/** `converse`: the cells of one more target, from a table of its own. */
function rows(
  samples: Samples,
  fields: Readonly<Record<string, FieldCells>>,
  converse: Readonly<Record<string, Cell>> = {},
): Row[] {
  return Object.entries(fields).map(([field, { cells, beside, sample }]) => ({
    field,
    body: withField(beside, field, sample ?? samples[field]?.sample),
    from: field,
    to: converse[field] ? { ...cells, 'bedrock-converse': converse[field] } : cells,
  }));
}

/** A dot in the name is a step into an object: `generationConfig.topP`. */
function withField(beside: FieldCells['beside'], field: string, value: unknown): Record<string, unknown> {
  const [outer, inner] = field.split('.') as [string, string?];
  return { ...beside, [outer]: inner === undefined ? value : { ...(beside?.[outer] as object), [inner]: value } };
}

const ofChat = (responses: Cell, messages: Cell, google: Cell, more: Omit<FieldCells, 'cells'> = {}): FieldCells => ({
  cells: { 'openai-responses': responses, 'anthropic-messages': messages, 'google-generate': google },
  ...more,
});
const CHAT_TOOL = { type: 'function', function: { name: 'weather', parameters: { type: 'object', properties: {} } } };
const EVERYWHERE = (cell: Cell): FieldCells => ofChat(cell, cell, cell);
/** The path says it. */
const IN_PATH = as(null);
const config = (name: string): Cell => same(`generationConfig.${name}`);

const FROM_CHAT: Readonly<Record<string, FieldCells>> = {
  model: ofChat(same('model'), same('model'), IN_PATH),
  messages: ofChat(as('input'), as('messages'), as('contents')),
  audio: EVERYWHERE(no('audio')),
  frequency_penalty: ofChat(left('frequency_penalty'), left('frequency_penalty'), config('frequencyPenalty')),
  function_call: EVERYWHERE(no('function_call')),
  functions: EVERYWHERE(no('functions')),
  logit_bias: EVERYWHERE(no('logit_bias')),
  logprobs: ofChat(
    as('include', ['message.output_text.logprobs']),
    no('top_logprobs'),
    as('generationConfig.responseLogprobs', true),
  ),
  max_completion_tokens: ofChat(same('max_output_tokens'), same('max_tokens'), config('maxOutputTokens')),
  max_tokens: ofChat(same('max_output_tokens'), same('max_tokens'), config('maxOutputTokens')),
  metadata: ofChat(same('metadata'), left('metadata'), left('metadata')),
  modalities: EVERYWHERE(no('modalities')),
  moderation: ofChat(same('moderation'), no('moderation'), no('moderation')),
  n: ofChat(no('n'), no('n'), config('candidateCount')),
  parallel_tool_calls: ofChat(
    same('parallel_tool_calls'),
    as('tool_choice.disable_parallel_tool_use', true),
    no('parallel_tool_calls'),
    {
      beside: { tools: [CHAT_TOOL] },
    },
  ),
  prediction: EVERYWHERE(no('prediction')),
  presence_penalty: ofChat(left('presence_penalty'), left('presence_penalty'), config('presencePenalty')),
  prompt_cache_key: ofChat(same('prompt_cache_key'), left('prompt_cache_key'), left('prompt_cache_key')),
  prompt_cache_options: ofChat(
    same('prompt_cache_options'),
    left('prompt_cache_options'),
    left('prompt_cache_options'),
  ),
  prompt_cache_retention: ofChat(
    same('prompt_cache_retention'),
    left('prompt_cache_retention'),
    left('prompt_cache_retention'),
  ),
  reasoning_effort: ofChat(
    same('reasoning.effort'),
    same('output_config.effort'),
    as('generationConfig.thinkingConfig.thinkingLevel', 'LOW'),
  ),
  response_format: ofChat(
    as('text.format.name', 'city'),
    as('output_config.format.type', 'json_schema'),
    as('generationConfig.responseJsonSchema'),
  ),
  safety_identifier: ofChat(same('safety_identifier'), same('metadata.user_id'), left('user')),
  seed: ofChat(left('seed'), left('seed'), config('seed')),
  service_tier: ofChat(same('service_tier'), left('service_tier'), same('serviceTier')),
  stop: ofChat(no('stop'), same('stop_sequences'), config('stopSequences')),
  // Nothing is stored at Anthropic.
  store: ofChat(same('store'), as(null), same('store')),
  stream: ofChat(same('stream'), same('stream'), IN_PATH),
  stream_options: ofChat(
    as('stream_options.include_obfuscation', false),
    left('stream_options.include_obfuscation'),
    left('stream_options.include_obfuscation'),
  ),
  temperature: ofChat(same('temperature'), same('temperature'), config('temperature')),
  tool_choice: ofChat(
    as('tool_choice.name', 'weather'),
    as('tool_choice', { type: 'tool', name: 'weather' }),
    as('toolConfig.functionCallingConfig', { mode: 'ANY', allowedFunctionNames: ['weather'] }),
    { beside: { tools: [CHAT_TOOL] } },
  ),
  tools: ofChat(as('tools.1.type', 'custom'), no('tools[1]'), no('tools[1]')),
  top_logprobs: ofChat(same('top_logprobs'), no('top_logprobs'), config('logprobs'), { beside: { logprobs: true } }),
  top_p: ofChat(same('top_p'), same('top_p'), config('topP')),
  user: ofChat(same('safety_identifier'), same('metadata.user_id'), left('user')),
  verbosity: ofChat(same('text.verbosity'), left('verbosity'), left('verbosity')),
  web_search_options: ofChat(no('tools.web_search_options'), no('tools[0]'), no('tools[0]')),
};

const ofResponses = (chat: Cell, messages: Cell, google: Cell, more: Omit<FieldCells, 'cells'> = {}): FieldCells => ({
  cells: { 'openai-chat': chat, 'anthropic-messages': messages, 'google-generate': google },
  ...more,
});
const ALIKE = (cell: Cell): FieldCells => ofResponses(cell, cell, cell);
const RESPONSES_TOOL = { type: 'function', name: 'weather', parameters: { type: 'object' }, strict: false };

const FROM_RESPONSES: Readonly<Record<string, FieldCells>> = {
  access_programs: ALIKE(left('access_programs')),
  background: ALIKE(no('background')),
  context_management: ALIKE(left('context_management')),
  conversation: ALIKE(no('conversation')),
  image: ALIKE(left('image')),
  include: ALIKE(left('include')),
  input: ofResponses(
    as('messages.0', { role: 'user', content: 'Hello' }),
    as('messages.0', { role: 'user', content: 'Hello' }),
    as('contents.0', { role: 'user', parts: [{ text: 'Hello' }] }),
  ),
  instructions: ofResponses(
    as('messages.0', { role: 'system', content: 'Be brief.' }),
    same('system'),
    as('systemInstruction', { parts: [{ text: 'Be brief.' }] }),
  ),
  max_output_tokens: ofResponses(same('max_completion_tokens'), same('max_tokens'), config('maxOutputTokens')),
  max_tool_calls: ALIKE(left('max_tool_calls')),
  metadata: ofResponses(same('metadata'), left('metadata'), left('metadata')),
  model: ofResponses(same('model'), same('model'), IN_PATH),
  moderation: ofResponses(same('moderation'), no('moderation'), no('moderation')),
  parallel_tool_calls: ofResponses(
    same('parallel_tool_calls'),
    as('tool_choice.disable_parallel_tool_use', true),
    no('parallel_tool_calls'),
    {
      beside: { tools: [RESPONSES_TOOL] },
    },
  ),
  previous_response_id: ALIKE(no('previous_response_id')),
  prompt: ALIKE(no('prompt')),
  prompt_cache_key: ofResponses(same('prompt_cache_key'), left('prompt_cache_key'), left('prompt_cache_key')),
  prompt_cache_options: ofResponses(
    same('prompt_cache_options'),
    left('prompt_cache_options'),
    left('prompt_cache_options'),
  ),
  prompt_cache_retention: ofResponses(
    same('prompt_cache_retention'),
    left('prompt_cache_retention'),
    left('prompt_cache_retention'),
  ),
  reasoning: ofResponses(
    left('reasoning.summary'),
    as('thinking', { type: 'adaptive', display: 'summarized' }),
    as('generationConfig.thinkingConfig.includeThoughts', true),
  ),
  safety_identifier: ofResponses(same('user'), same('metadata.user_id'), left('safety_identifier')),
  service_tier: ofResponses(same('service_tier'), left('service_tier'), same('serviceTier')),
  store: ofResponses(same('store'), as(null), same('store')),
  stream: ofResponses(same('stream'), same('stream'), IN_PATH),
  stream_options: ALIKE(left('stream_options')),
  temperature: ofResponses(same('temperature'), same('temperature'), config('temperature')),
  text: ofResponses(as('response_format', { type: 'json_object' }), no('text.format'), left('text.verbosity')),
  tool_choice: ofResponses(
    as('tool_choice.function.name', 'weather'),
    as('tool_choice', { type: 'tool', name: 'weather' }),
    as('toolConfig.functionCallingConfig', { mode: 'ANY', allowedFunctionNames: ['weather'] }),
    { beside: { tools: [RESPONSES_TOOL] } },
  ),
  tools: ofResponses(
    as('tools.0.function.name', 'weather'),
    as('tools.0.name', 'weather'),
    as('tools.0.functionDeclarations.0.name', 'weather'),
  ),
  top_logprobs: ofResponses(same('top_logprobs'), no('top_logprobs'), config('logprobs')),
  top_p: ofResponses(same('top_p'), same('top_p'), config('topP')),
  truncation: ALIKE(left('truncation')),
  user: ofResponses(same('user'), same('metadata.user_id'), left('safety_identifier')),
  client_metadata: ALIKE(left('client_metadata')),
};

const ofMessages = (chat: Cell, responses: Cell, google: Cell, more: Omit<FieldCells, 'cells'> = {}): FieldCells => ({
  cells: { 'openai-chat': chat, 'openai-responses': responses, 'google-generate': google },
  ...more,
});
const ALL = (cell: Cell): FieldCells => ofMessages(cell, cell, cell);

const FROM_MESSAGES: Readonly<Record<string, FieldCells>> = {
  model: ofMessages(same('model'), same('model'), IN_PATH),
  messages: ofMessages(
    as('messages.0', { role: 'user', content: 'hello' }),
    as('input'),
    as('contents.0', { role: 'user', parts: [{ text: 'hello' }] }),
  ),
  max_tokens: ofMessages(same('max_completion_tokens'), same('max_output_tokens'), config('maxOutputTokens')),
  system: ofMessages(
    as('messages.0', { role: 'system', content: 'be brief' }),
    same('instructions'),
    as('systemInstruction', { parts: [{ text: 'be brief' }] }),
  ),
  stream: ofMessages(same('stream'), same('stream'), IN_PATH),
  stop_sequences: ofMessages(same('stop'), no('stop_sequences'), config('stopSequences')),
  temperature: ofMessages(same('temperature'), same('temperature'), config('temperature')),
  top_p: ofMessages(same('top_p'), same('top_p'), config('topP')),
  top_k: ofMessages(left('top_k'), left('top_k'), config('topK')),
  thinking: ofMessages(
    left('thinking.budget_tokens'),
    as('reasoning.effort'),
    as('generationConfig.thinkingConfig', { thinkingBudget: 2048, includeThoughts: true }),
  ),
  output_config: ofMessages(
    as('reasoning_effort', 'high'),
    as('reasoning.effort', 'high'),
    as('generationConfig.thinkingConfig.thinkingLevel', 'HIGH'),
  ),
  output_format: ofMessages(
    as('response_format.type', 'json_schema'),
    as('text.format.type', 'json_schema'),
    as('generationConfig.responseJsonSchema', { type: 'object' }),
  ),
  tools: ofMessages(
    as('tools.0.function.name', 'look'),
    as('tools.0.name', 'look'),
    as('tools.0.functionDeclarations.0.name', 'look'),
  ),
  tool_choice: ofMessages(as('tool_choice', 'required'), as('tool_choice', 'required'), as(null), {
    beside: { tools: MESSAGES_FIELDS['tools']!.sample },
  }),
  metadata: ofMessages(as('user', 'user-7'), as('safety_identifier', 'user-7'), left('metadata.user_id')),
  service_tier: ofMessages(same('service_tier'), same('service_tier'), as(null)),
  cache_control: ALL(left('cache_control')),
  betas: ALL(left('betas')),
  context_management: ALL(left('context_management')),
  diagnostics: { ...ALL(left('diagnostics')), sample: { previous_message_id: 'msg_1' } },
  fallbacks: ALL(left('fallbacks')),
  fallback_credit_token: ALL(left('fallback_credit_token')),
  speed: ALL(left('speed')),
  user_profile_id: ALL(left('user_profile_id')),
  inference_geo: ALL(no('inference_geo')),
  workspace_id: ALL(no('workspace_id')),
  billing_policy: ALL(no('billing_policy')),
  container: ALL(no('container')),
  mcp_servers: ALL(no('mcp_servers')),
  thread: ALL(no('thread')),
  compaction: ALL(no('compaction')),
};

const ofGoogle = (chat: Cell, responses: Cell, messages: Cell, more: Omit<FieldCells, 'cells'> = {}): FieldCells => ({
  cells: { 'openai-chat': chat, 'openai-responses': responses, 'anthropic-messages': messages },
  ...more,
});
const THREE = (cell: Cell): FieldCells => ofGoogle(cell, cell, cell);
const GOOGLE_TOOLS = { tools: [{ functionDeclarations: [{ name: 'look' }] }] };
const ASKED = 'generationConfig.';

const FROM_GOOGLE: Readonly<Record<string, FieldCells>> = {
  contents: ofGoogle(
    as('messages.0', { role: 'user', content: 'hello' }),
    as('input.0.content'),
    as('messages.0', { role: 'user', content: 'hello' }),
  ),
  systemInstruction: ofGoogle(
    as('messages.0', { role: 'system', content: 'be brief' }),
    as('instructions', 'be brief'),
    as('system', 'be brief'),
  ),
  tools: ofGoogle(
    as('tools.0.function.parameters', { type: 'object', properties: { a: { type: 'string' } } }),
    as('tools.0.parameters', { type: 'object', properties: { a: { type: 'string' } } }),
    as('tools.0.input_schema', { type: 'object', properties: { a: { type: 'string' } } }),
  ),
  toolConfig: ofGoogle(
    as('tool_choice', 'required'),
    as('tool_choice', 'required'),
    as('tool_choice', { type: 'any' }),
    {
      beside: GOOGLE_TOOLS,
    },
  ),
  safetySettings: THREE(left('safetySettings')),
  cachedContent: THREE(no('cachedContent')),
  labels: THREE(left('labels')),
  serviceTier: ofGoogle(same('service_tier'), same('service_tier'), left('serviceTier')),
  store: ofGoogle(same('store'), same('store'), as(null)),
  modelArmorConfig: THREE(no('modelArmorConfig')),
  continuationToken: THREE(no('continuationToken')),
  automaticContinuation: THREE(left('automaticContinuation')),
  generationOutputConfig: THREE(no('generationOutputConfig')),
  'generationConfig.temperature': THREE(same('temperature')),
  'generationConfig.topP': THREE(same('top_p')),
  'generationConfig.topK': ofGoogle(left(`${ASKED}topK`), left(`${ASKED}topK`), same('top_k')),
  'generationConfig.candidateCount': ofGoogle(same('n'), no(`${ASKED}candidateCount`), no(`${ASKED}candidateCount`)),
  'generationConfig.maxOutputTokens': ofGoogle(
    same('max_completion_tokens'),
    same('max_output_tokens'),
    same('max_tokens'),
  ),
  'generationConfig.stopSequences': ofGoogle(same('stop'), no(`${ASKED}stopSequences`), same('stop_sequences')),
  'generationConfig.presencePenalty': ofGoogle(
    same('presence_penalty'),
    left(`${ASKED}presencePenalty`),
    left(`${ASKED}presencePenalty`),
  ),
  'generationConfig.frequencyPenalty': ofGoogle(
    same('frequency_penalty'),
    left(`${ASKED}frequencyPenalty`),
    left(`${ASKED}frequencyPenalty`),
  ),
  'generationConfig.seed': ofGoogle(same('seed'), left(`${ASKED}seed`), left(`${ASKED}seed`)),
  'generationConfig.responseLogprobs': ofGoogle(
    same('logprobs'),
    as('include', ['message.output_text.logprobs']),
    no(`${ASKED}logprobs`),
  ),
  'generationConfig.logprobs': ofGoogle(same('top_logprobs'), same('top_logprobs'), no(`${ASKED}logprobs`), {
    beside: { generationConfig: { responseLogprobs: true } },
  }),
  'generationConfig.responseMimeType': ofGoogle(
    as('response_format.type', 'json_object'),
    as('text.format.type', 'json_object'),
    no(`${ASKED}responseMimeType`),
  ),
  'generationConfig.responseSchema': ofGoogle(
    as('response_format.json_schema.schema', { type: 'object', properties: { a: { type: 'string' } } }),
    as('text.format.schema', { type: 'object', properties: { a: { type: 'string' } } }),
    as('output_config.format.schema', { type: 'object', properties: { a: { type: 'string' } } }),
  ),
  'generationConfig.responseJsonSchema': ofGoogle(
    same('response_format.json_schema.schema'),
    same('text.format.schema'),
    same('output_config.format.schema'),
  ),
  'generationConfig.responseFormat': THREE(no(`${ASKED}responseFormat`)),
  'generationConfig.responseModalities': THREE(no(`${ASKED}responseModalities`)),
  'generationConfig.thinkingConfig': ofGoogle(
    as('reasoning_effort', 'high'),
    as('reasoning.effort', 'high'),
    as('output_config.effort', 'high'),
  ),
  'generationConfig.mediaResolution': THREE(left(`${ASKED}mediaResolution`)),
  'generationConfig.speechConfig': THREE(no(`${ASKED}speechConfig`)),
  'generationConfig.imageConfig': THREE(no(`${ASKED}imageConfig`)),
  'generationConfig.audioTimestamp': THREE(left(`${ASKED}audioTimestamp`)),
  'generationConfig.audioTranscriptionConfig': THREE(no(`${ASKED}audioTranscriptionConfig`)),
  'generationConfig.translationConfig': THREE(no(`${ASKED}translationConfig`)),
  'generationConfig.enableAffectiveDialog': THREE(left(`${ASKED}enableAffectiveDialog`)),
  'generationConfig.enableEnhancedCivicAnswers': THREE(left(`${ASKED}enableEnhancedCivicAnswers`)),
  'generationConfig.routingConfig': THREE(left(`${ASKED}routingConfig`)),
  'generationConfig.modelSelectionConfig': THREE(left(`${ASKED}modelSelectionConfig`)),
};

/** Every top-level field of each source at each target. */
export const FIELD_TABLE: Readonly<Record<Crossable, readonly Row[]>> = {
  'openai-chat': rows(CHAT_FIELDS, FROM_CHAT, TO_CONVERSE['openai-chat']),
  'openai-responses': rows(RESPONSES_FIELDS, FROM_RESPONSES, TO_CONVERSE['openai-responses']),
  'anthropic-messages': rows(MESSAGES_FIELDS, FROM_MESSAGES, TO_CONVERSE['anthropic-messages']),
  'google-generate': rows(GENERATE_FIELDS, FROM_GOOGLE, TO_CONVERSE['google-generate']),
  'bedrock-converse': rows(CONVERSE_FIELDS, FROM_CONVERSE),
};
