import type { DialectName } from '../canonical.ts';

/** Encoders name what they cannot say in chat's words; a caller of another dialect wrote another word. */
const NAMES: Partial<Record<DialectName, Readonly<Record<string, string>>>> = {
  'ai-sdk-ui': {
    stop: 'stopSequences',
    top_p: 'topP',
    top_k: 'topK',
    presence_penalty: 'presencePenalty',
    frequency_penalty: 'frequencyPenalty',
    reasoning_effort: 'reasoning',
    tool_choice: 'toolChoice',
  },
  'openai-responses': {
    verbosity: 'text.verbosity',
    response_format: 'text.format',
    reasoning_effort: 'reasoning.effort',
    user: 'safety_identifier',
  },
  'anthropic-messages': {
    stop: 'stop_sequences',
    response_format: 'output_config.format',
    reasoning_effort: 'output_config.effort',
    reasoning: 'thinking',
    'reasoning.budgetTokens': 'thinking.budget_tokens',
    'reasoning.enabled': 'thinking.type',
    'reasoning.summary': 'thinking.display',
    parallel_tool_calls: 'tool_choice.disable_parallel_tool_use',
    user: 'metadata.user_id',
  },
  'bedrock-converse': {
    stop: 'inferenceConfig.stopSequences',
    temperature: 'inferenceConfig.temperature',
    top_k: 'additionalModelRequestFields.top_k',
    response_format: 'outputConfig.textFormat',
    reasoning_effort: 'outputConfig.effort',
    'reasoning.budgetTokens': 'additionalModelRequestFields.thinking.budget_tokens',
    'reasoning.enabled': 'additionalModelRequestFields.thinking.type',
    metadata: 'requestMetadata',
    service_tier: 'serviceTier',
    tool_choice: 'toolConfig.toolChoice',
    cache_control: 'cachePoint',
  },
  'google-generate': {
    n: 'generationConfig.candidateCount',
    stop: 'generationConfig.stopSequences',
    top_k: 'generationConfig.topK',
    seed: 'generationConfig.seed',
    presence_penalty: 'generationConfig.presencePenalty',
    frequency_penalty: 'generationConfig.frequencyPenalty',
    top_logprobs: 'generationConfig.logprobs',
    response_format: 'generationConfig.responseMimeType',
    reasoning_effort: 'generationConfig.thinkingConfig.thinkingLevel',
    reasoning: 'generationConfig.thinkingConfig',
    'reasoning.budgetTokens': 'generationConfig.thinkingConfig.thinkingBudget',
    'reasoning.enabled': 'generationConfig.thinkingConfig.thinkingBudget',
    'reasoning.summary': 'generationConfig.thinkingConfig.includeThoughts',
    service_tier: 'serviceTier',
  },
};

/** The field as the source dialect calls it; a name without another form stays. */
export function sourceField(from: DialectName, field: string): string {
  const names = NAMES[from];
  return names && Object.hasOwn(names, field) ? names[field]! : field;
}
