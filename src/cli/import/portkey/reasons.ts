import type { Reasons } from '../taken.ts';

const PASSED = 'a default for calls: here a call passes with the fields that its caller sent';
const GUARD = 'guardrails are not carried over';

/** Settings of a config or of one target, beside what is read. */
export const TARGET_REASONS: Reasons = {
  cache: ['left', 'answers are not cached'],
  metadata: ['left', 'a call is attributed by its key and by headers that the key may set'],
  forward_headers: ['left', 'which headers cross is the provider’s data'],
  on_status_codes: ['note', 'what is tried elsewhere is the provider’s data: 408, 429, 5xx and a few more'],
  input_guardrails: ['left', GUARD],
  output_guardrails: ['left', GUARD],
  before_request_hooks: ['left', GUARD],
  after_request_hooks: ['left', GUARD],
  default_input_guardrails: ['left', GUARD],
  default_output_guardrails: ['left', GUARD],
  strict_open_ai_compliance: ['note', 'in one dialect answers pass as they came'],
  '*': ['left', 'Headgate has no such setting of a target'],
};
export const PARAMS_REASONS: Reasons = { '*': ['left', PASSED] };
export const STRATEGY_REASONS: Reasons = {
  on_status_codes: TARGET_REASONS['on_status_codes']!,
  '*': ['left', 'Headgate has no such setting of a strategy'],
};
export const RETRY_REASONS: Reasons = {
  on_status_codes: TARGET_REASONS['on_status_codes']!,
  use_retry_after_header: ['note', 'a provider’s `retry-after` is always obeyed'],
  use_retry_after_headers: ['note', 'a provider’s `retry-after` is always obeyed'],
};
