import { MESSAGES_FIELDS } from '../anthropic-messages/index.ts';
import { CONVERSE_FIELDS } from '../bedrock-converse/index.ts';
import { CHAT_FIELDS } from '../openai-chat/index.ts';
import { RESPONSES_FIELDS } from '../openai-responses/index.ts';
import { as, left, no, same, type Cell, type Crossable, type FieldCells, type Row } from './cells.ts';
import { FROM_CONVERSE } from './from-converse.ts';
import { TO_CONVERSE } from './to-converse.ts';

export { CROSSABLE, type Cell, type Crossable, type Row } from './cells.ts';

type Samples = Readonly<Record<string, { readonly sample: unknown }>>;
/** `converse`: the cells of the fourth target, from a table of its own. */
function rows(
  samples: Samples,
  fields: Readonly<Record<string, FieldCells>>,
  converse: Readonly<Record<string, Cell>> = {},
): Row[] {
  return Object.entries(fields).map(([field, { cells, beside, sample }]) => ({
    field,
    body: { ...beside, [field]: sample ?? samples[field]?.sample },
    from: field,
    to: converse[field] ? { ...cells, 'bedrock-converse': converse[field] } : cells,
  }));
}

const ofChat = (responses: Cell, messages: Cell, more: Omit<FieldCells, 'cells'> = {}): FieldCells => ({
  cells: { 'openai-responses': responses, 'anthropic-messages': messages },
  ...more,
});
const CHAT_TOOL = { type: 'function', function: { name: 'weather', parameters: { type: 'object', properties: {} } } };
const EVERYWHERE = (cell: Cell): FieldCells => ofChat(cell, cell);

const FROM_CHAT: Readonly<Record<string, FieldCells>> = {
  model: EVERYWHERE(same('model')),
  messages: ofChat(as('input'), as('messages')),
  audio: EVERYWHERE(no('audio')),
  frequency_penalty: EVERYWHERE(left('frequency_penalty')),
  function_call: EVERYWHERE(no('function_call')),
  functions: EVERYWHERE(no('functions')),
  logit_bias: EVERYWHERE(no('logit_bias')),
  logprobs: ofChat(as('include', ['message.output_text.logprobs']), no('top_logprobs')),
  max_completion_tokens: ofChat(same('max_output_tokens'), same('max_tokens')),
  max_tokens: ofChat(same('max_output_tokens'), same('max_tokens')),
  metadata: ofChat(same('metadata'), left('metadata')),
  modalities: EVERYWHERE(no('modalities')),
  moderation: ofChat(same('moderation'), no('moderation')),
  n: EVERYWHERE(no('n')),
  parallel_tool_calls: ofChat(same('parallel_tool_calls'), as('tool_choice.disable_parallel_tool_use', true), {
    beside: { tools: [CHAT_TOOL] },
  }),
  prediction: EVERYWHERE(no('prediction')),
  presence_penalty: EVERYWHERE(left('presence_penalty')),
  prompt_cache_key: ofChat(same('prompt_cache_key'), left('prompt_cache_key')),
  prompt_cache_options: ofChat(same('prompt_cache_options'), left('prompt_cache_options')),
  prompt_cache_retention: ofChat(same('prompt_cache_retention'), left('prompt_cache_retention')),
  reasoning_effort: ofChat(same('reasoning.effort'), same('output_config.effort')),
  response_format: ofChat(as('text.format.name', 'city'), as('output_config.format.type', 'json_schema')),
  safety_identifier: ofChat(same('safety_identifier'), same('metadata.user_id')),
  seed: EVERYWHERE(left('seed')),
  service_tier: ofChat(same('service_tier'), left('service_tier')),
  stop: ofChat(no('stop'), same('stop_sequences')),
  // Nothing is stored at Anthropic.
  store: ofChat(same('store'), as(null)),
  stream: EVERYWHERE(same('stream')),
  stream_options: ofChat(as('stream_options.include_obfuscation', false), left('stream_options.include_obfuscation')),
  temperature: EVERYWHERE(same('temperature')),
  tool_choice: ofChat(as('tool_choice.name', 'weather'), as('tool_choice', { type: 'tool', name: 'weather' }), {
    beside: { tools: [CHAT_TOOL] },
  }),
  tools: ofChat(as('tools.1.type', 'custom'), no('tools[1]')),
  top_logprobs: ofChat(same('top_logprobs'), no('top_logprobs'), { beside: { logprobs: true } }),
  top_p: EVERYWHERE(same('top_p')),
  user: ofChat(same('safety_identifier'), same('metadata.user_id')),
  verbosity: ofChat(same('text.verbosity'), left('verbosity')),
  web_search_options: ofChat(no('tools.web_search_options'), no('tools[0]')),
};

const ofResponses = (chat: Cell, messages: Cell, more: Omit<FieldCells, 'cells'> = {}): FieldCells => ({
  cells: { 'openai-chat': chat, 'anthropic-messages': messages },
  ...more,
});
const ALIKE = (cell: Cell): FieldCells => ofResponses(cell, cell);
const RESPONSES_TOOL = { type: 'function', name: 'weather', parameters: { type: 'object' }, strict: false };

const FROM_RESPONSES: Readonly<Record<string, FieldCells>> = {
  access_programs: ALIKE(left('access_programs')),
  background: ALIKE(no('background')),
  context_management: ALIKE(left('context_management')),
  conversation: ALIKE(no('conversation')),
  image: ALIKE(left('image')),
  include: ALIKE(left('include')),
  input: ALIKE(as('messages.0', { role: 'user', content: 'Hello' })),
  instructions: ofResponses(as('messages.0', { role: 'system', content: 'Be brief.' }), same('system')),
  max_output_tokens: ofResponses(same('max_completion_tokens'), same('max_tokens')),
  max_tool_calls: ALIKE(left('max_tool_calls')),
  metadata: ofResponses(same('metadata'), left('metadata')),
  model: ALIKE(same('model')),
  moderation: ofResponses(same('moderation'), no('moderation')),
  parallel_tool_calls: ofResponses(same('parallel_tool_calls'), as('tool_choice.disable_parallel_tool_use', true), {
    beside: { tools: [RESPONSES_TOOL] },
  }),
  previous_response_id: ALIKE(no('previous_response_id')),
  prompt: ALIKE(no('prompt')),
  prompt_cache_key: ofResponses(same('prompt_cache_key'), left('prompt_cache_key')),
  prompt_cache_options: ofResponses(same('prompt_cache_options'), left('prompt_cache_options')),
  prompt_cache_retention: ofResponses(same('prompt_cache_retention'), left('prompt_cache_retention')),
  reasoning: ofResponses(left('reasoning.summary'), as('thinking', { type: 'adaptive', display: 'summarized' })),
  safety_identifier: ofResponses(same('user'), same('metadata.user_id')),
  service_tier: ofResponses(same('service_tier'), left('service_tier')),
  store: ofResponses(same('store'), as(null)),
  stream: ALIKE(same('stream')),
  stream_options: ALIKE(left('stream_options')),
  temperature: ALIKE(same('temperature')),
  text: ofResponses(as('response_format', { type: 'json_object' }), no('text.format')),
  tool_choice: ofResponses(
    as('tool_choice.function.name', 'weather'),
    as('tool_choice', { type: 'tool', name: 'weather' }),
    { beside: { tools: [RESPONSES_TOOL] } },
  ),
  tools: ofResponses(as('tools.0.function.name', 'weather'), as('tools.0.name', 'weather')),
  top_logprobs: ofResponses(same('top_logprobs'), no('top_logprobs')),
  top_p: ALIKE(same('top_p')),
  truncation: ALIKE(left('truncation')),
  user: ofResponses(same('user'), same('metadata.user_id')),
  client_metadata: ALIKE(left('client_metadata')),
};

const ofMessages = (chat: Cell, responses: Cell, more: Omit<FieldCells, 'cells'> = {}): FieldCells => ({
  cells: { 'openai-chat': chat, 'openai-responses': responses },
  ...more,
});
const BOTH = (cell: Cell): FieldCells => ofMessages(cell, cell);

const FROM_MESSAGES: Readonly<Record<string, FieldCells>> = {
  model: BOTH(same('model')),
  messages: ofMessages(as('messages.0', { role: 'user', content: 'hello' }), as('input')),
  max_tokens: ofMessages(same('max_completion_tokens'), same('max_output_tokens')),
  system: ofMessages(as('messages.0', { role: 'system', content: 'be brief' }), same('instructions')),
  stream: BOTH(same('stream')),
  stop_sequences: ofMessages(same('stop'), no('stop_sequences')),
  temperature: BOTH(same('temperature')),
  top_p: BOTH(same('top_p')),
  top_k: BOTH(left('top_k')),
  thinking: ofMessages(left('thinking.budget_tokens'), as('reasoning.effort')),
  output_config: ofMessages(as('reasoning_effort', 'high'), as('reasoning.effort', 'high')),
  output_format: ofMessages(as('response_format.type', 'json_schema'), as('text.format.type', 'json_schema')),
  tools: ofMessages(as('tools.0.function.name', 'look'), as('tools.0.name', 'look')),
  tool_choice: { ...BOTH(as('tool_choice', 'required')), beside: { tools: MESSAGES_FIELDS['tools']!.sample } },
  metadata: ofMessages(as('user', 'user-7'), as('safety_identifier', 'user-7')),
  service_tier: BOTH(same('service_tier')),
  cache_control: BOTH(left('cache_control')),
  betas: BOTH(left('betas')),
  context_management: BOTH(left('context_management')),
  diagnostics: { ...BOTH(left('diagnostics')), sample: { previous_message_id: 'msg_1' } },
  fallbacks: BOTH(left('fallbacks')),
  fallback_credit_token: BOTH(left('fallback_credit_token')),
  speed: BOTH(left('speed')),
  user_profile_id: BOTH(left('user_profile_id')),
  inference_geo: BOTH(no('inference_geo')),
  workspace_id: BOTH(no('workspace_id')),
  billing_policy: BOTH(no('billing_policy')),
  container: BOTH(no('container')),
  mcp_servers: BOTH(no('mcp_servers')),
  thread: BOTH(no('thread')),
  compaction: BOTH(no('compaction')),
};

/** Every top-level field of each source at each target. */
export const FIELD_TABLE: Readonly<Record<Crossable, readonly Row[]>> = {
  'openai-chat': rows(CHAT_FIELDS, FROM_CHAT, TO_CONVERSE['openai-chat']),
  'openai-responses': rows(RESPONSES_FIELDS, FROM_RESPONSES, TO_CONVERSE['openai-responses']),
  'anthropic-messages': rows(MESSAGES_FIELDS, FROM_MESSAGES, TO_CONVERSE['anthropic-messages']),
  'bedrock-converse': rows(CONVERSE_FIELDS, FROM_CONVERSE),
};
