import { as, left, no, same, type Cell, type FieldCells, type Row } from './cells.ts';

const of = (chat: Cell, responses: Cell, messages: Cell, google: Cell): FieldCells => ({
  cells: {
    'openai-chat': chat,
    'openai-responses': responses,
    'anthropic-messages': messages,
    'google-generate': google,
  },
});
const alike = (cell: Cell): FieldCells => of(cell, cell, cell, cell);

/** Every field of a Converse body at each other target. */
export const FROM_CONVERSE: Readonly<Record<string, FieldCells>> = {
  model: of(same('model'), same('model'), same('model'), as(null)),
  stream: of(same('stream'), same('stream'), same('stream'), as(null)),
  messages: of(
    as('messages.0', { role: 'user', content: 'hello' }),
    as('input'),
    as('messages.0', { role: 'user', content: 'hello' }),
    as('contents.0', { role: 'user', parts: [{ text: 'hello' }] }),
  ),
  system: of(
    as('messages.0', { role: 'system', content: 'be brief' }),
    as('instructions', 'be brief'),
    as('system', 'be brief'),
    as('systemInstruction', { parts: [{ text: 'be brief' }] }),
  ),
  inferenceConfig: of(
    as('max_completion_tokens', 64),
    as('max_output_tokens', 64),
    as('max_tokens', 64),
    as('generationConfig.maxOutputTokens', 64),
  ),
  toolConfig: of(
    as('tools.0.function.name', 'look'),
    as('tools.0.name', 'look'),
    as('tools.0.name', 'look'),
    as('tools.0.functionDeclarations.0.name', 'look'),
  ),
  outputConfig: of(
    as('reasoning_effort', 'high'),
    as('reasoning.effort', 'high'),
    as('output_config.effort', 'high'),
    as('generationConfig.thinkingConfig.thinkingLevel', 'HIGH'),
  ),
  requestMetadata: of(same('metadata'), same('metadata'), left('requestMetadata'), left('requestMetadata')),
  serviceTier: of(
    as('service_tier', 'default'),
    as('service_tier', 'default'),
    as('service_tier', 'standard_only'),
    as('serviceTier', 'standard'),
  ),
  performanceConfig: alike(left('performanceConfig')),
  guardrailConfig: alike(no('guardrailConfig')),
  additionalModelRequestFields: of(
    left('additionalModelRequestFields.thinking.budget_tokens'),
    as('reasoning.effort'),
    as('thinking', { type: 'enabled', budget_tokens: 2048 }),
    as('generationConfig.thinkingConfig.thinkingBudget', 2048),
  ),
  additionalModelResponseFieldPaths: alike(left('additionalModelResponseFieldPaths')),
  promptVariables: alike(no('promptVariables')),
};

const PNG = 'iVBORw0KGgo=';
const row = (
  field: string,
  content: unknown[],
  cells: readonly [chat: Cell, responses: Cell, messages: Cell, google: Cell],
): Row => ({
  field,
  body: { messages: [{ role: 'user', content }] },
  from: field,
  to: of(...cells).cells,
});

/** Shapes of its content. */
export const CONTENT_FROM_CONVERSE: readonly Row[] = [
  row(
    'image in the body',
    [{ image: { format: 'png', source: { bytes: PNG } } }],
    [
      as('messages.0.content.0.image_url.url', `data:image/png;base64,${PNG}`),
      as('input.0.content.0.image_url', `data:image/png;base64,${PNG}`),
      as('messages.0.content.0.source', { type: 'base64', media_type: 'image/png', data: PNG }),
      as('contents.0.parts.0', { inlineData: { mimeType: 'image/png', data: PNG } }),
    ],
  ),
  row(
    'image in S3',
    [{ image: { format: 'png', source: { s3Location: { uri: 's3://bucket/a.png' } } } }],
    [no('messages[0].content[0]'), no('content'), no('messages[0].content[0]'), no('messages[0].content[0]')],
  ),
  row(
    'tool result',
    [{ toolResult: { toolUseId: 'c1', content: [{ json: { a: 1 } }] } }],
    [
      as('messages.0', { role: 'tool', tool_call_id: 'c1', content: '{"a":1}' }),
      as('input.0.output', '{"a":1}'),
      as('messages.0.content.0', { type: 'tool_result', tool_use_id: 'c1', content: '{"a":1}' }),
      as('contents.0.parts.0.functionResponse.id', 'c1'),
    ],
  ),
  row(
    'cache point',
    [{ text: 'a' }, { cachePoint: { type: 'default' } }],
    [
      left('messages[0].cache'),
      left('cachePoint'),
      as('messages.0.content.0', { type: 'text', text: 'a', cache_control: { type: 'ephemeral' } }),
      left('messages[0].cache'),
    ],
  ),
];
