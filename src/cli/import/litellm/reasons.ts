/** Why a setting of LiteLLM stays behind, by its name: what the reader of a plan needs to decide, no more. */
import type { Reasons } from '../taken.ts';

const LIMIT = 'Headgate limits money, not requests; providers’ own limits are answered by fallback';
const PASSED = 'a default for calls: here a call passes with the fields that its caller sent';
const GONE = 'it has no effect here';

/** `litellm_params` beside what is read. */
export const PARAM_REASONS: Reasons = {
  max_parallel_requests: ['left', LIMIT],
  max_retries: ['left', 'retries are set for all calls: `retry.attempts`'],
  cooldown_time: ['left', 'a failed deployment is tried again by the next call'],
  temperature: ['left', PASSED],
  max_tokens: ['left', PASSED],
  top_p: ['left', PASSED],
  tags: ['left', 'calls are not routed by tag', 'give the models names of their own'],
  base_model: ['left', 'a price is set by `prices` for the deployment’s own name'],
  drop_params: ['left', 'it is read from `litellm_settings` alone', 'set `onUnsupported: drop` on the deployment'],
  additional_drop_params: ['left', 'fields are dropped by what the target cannot express, not by name'],
  mock_response: ['left', 'a made-up answer is no answer of a provider', 'the kind `lab` simulates one'],
  use_in_pass_through: ['left', 'only metered endpoints are served'],
  guardrails: ['left', 'guardrails are not carried over'],
  region_name: ['left', 'nothing is routed by region'],
  '*': ['left', 'Headgate has no such setting of a deployment'],
};

export const INFO_REASONS: Reasons = {
  id: ['note', 'deployments are named provider/model here'],
  description: ['note', 'descriptions are not kept'],
  mode: ['note', 'the path of a call says what it is: chat, responses, messages, embeddings'],
  base_model: [
    'left',
    'a price is set by `prices` for the deployment’s own name',
    'check `headgate spend` for unknown prices',
  ],
  supported_environments: ['left', 'an environment is a gate of its own here'],
  health_check_model: ['left', 'there is no background health check of models'],
  disable_background_health_check: ['note', GONE],
  team_id: ['left', 'models are kept from callers by the lists of their keys'],
  '*': ['note', 'facts of a model come from the price list and the provider’s data file'],
};

export const ROUTER_REASONS: Reasons = {
  allowed_fails: ['left', 'a failed deployment is tried again by the next call'],
  allowed_fails_policy: ['left', 'a failed deployment is tried again by the next call'],
  cooldown_time: ['left', 'a failed deployment is tried again by the next call'],
  disable_cooldowns: ['note', GONE],
  retry_after: ['note', 'a provider’s `retry-after` is obeyed; otherwise `retry.backoff`'],
  retry_policy: ['left', 'what is retried is the provider’s data, the same for all kinds of error'],
  context_window_fallbacks: ['left', 'a fallback by the length of the prompt is not served'],
  content_policy_fallbacks: ['left', 'a refusal of a content filter goes to the caller'],
  enable_pre_call_checks: ['left', 'deployments are not chosen by the length of the prompt'],
  enable_tag_filtering: ['left', 'calls are not routed by tag'],
  model_group_retry_policy: ['left', 'retries are set for all calls: `retry.attempts`'],
  max_fallbacks: ['note', '`retry.attempts` bounds retries and fallbacks together'],
  redis_host: ['left', 'nodes do not share state by Redis in this version'],
  redis_port: ['left', 'nodes do not share state by Redis in this version'],
  redis_password: ['left', 'nodes do not share state by Redis in this version'],
  redis_url: ['left', 'nodes do not share state by Redis in this version'],
  cache_responses: ['left', 'answers are not cached'],
  set_verbose: ['note', '`log.level` says how much is logged'],
  '*': ['left', 'Headgate has no such setting of the router'],
};

export const LITELLM_REASONS: Reasons = {
  set_verbose: ['note', '`log.level` says how much is logged'],
  json_logs: ['note', 'logs are JSON'],
  callbacks: ['left', 'calls stand in the ledger; nothing is sent elsewhere'],
  success_callback: ['left', 'calls stand in the ledger; nothing is sent elsewhere'],
  failure_callback: ['left', 'calls stand in the ledger; nothing is sent elsewhere'],
  service_callback: ['left', 'metrics are at `/metrics`'],
  cache: ['left', 'answers are not cached'],
  cache_params: ['left', 'answers are not cached'],
  max_budget: [
    'left',
    'a budget of the whole proxy is a budget of the operator',
    'headgate budgets create --level operator --limit …',
  ],
  budget_duration: ['left', 'it belongs to `max_budget`'],
  max_end_user_budget: [
    'left',
    'end users have a budget by tenant',
    'headgate budgets create --level end_user --tenant … --limit …',
  ],
  default_team_settings: ['left', 'callbacks of a team are not carried over'],
  default_internal_user_params: ['left', 'people have no accounts here'],
  context_window_fallbacks: ['left', 'a fallback by the length of the prompt is not served'],
  content_policy_fallbacks: ['left', 'a refusal of a content filter goes to the caller'],
  redact_user_api_key_info: ['note', 'keys are never logged'],
  turn_off_message_logging: ['note', 'no text of a call is kept'],
  timezone: ['note', 'budgets are made in this time zone'],
  telemetry: ['note', 'nothing is sent home'],
  modify_params: ['left', 'a request is not changed to suit a provider, beyond what crossing dialects needs'],
  allowed_fails: ['left', 'a failed deployment is tried again by the next call'],
  guardrails: ['left', 'guardrails are not carried over'],
  '*': ['left', 'Headgate has no such setting'],
};

export const GENERAL_REASONS: Reasons = {
  master_key: [
    'left',
    'the admin token is another secret and makes no model calls',
    'callers that use the master key need a key of their own',
  ],
  database_url: ['note', 'keys, teams and budgets come from there with --database-url'],
  salt_key: ['note', GONE],
  store_model_in_db: ['left', 'models stand in headgate.yaml; those in the database are encrypted and stay there'],
  alerting: ['left', 'there are no alerts to chat or mail'],
  alerting_args: ['left', 'there are no alerts to chat or mail'],
  user_header_mappings: [
    'left',
    'headers of attribution are fixed; `attribution.aliases` adds LiteLLM’s and Helicone’s',
  ],
  user_header_name: ['left', 'headers of attribution are fixed; `attribution.aliases` adds LiteLLM’s and Helicone’s'],
  pass_through_endpoints: ['left', 'only metered endpoints are served'],
  max_parallel_requests: ['left', LIMIT],
  global_max_parallel_requests: ['left', '`limits.inFlight` bounds calls in flight'],
  proxy_batch_write_at: ['note', GONE],
  proxy_budget_rescheduler_min_time: ['note', 'no job resets budgets here'],
  proxy_budget_rescheduler_max_time: ['note', 'no job resets budgets here'],
  disable_spend_logs: ['left', 'every call has its entry'],
  enable_jwt_auth: ['left', 'callers identify themselves by key'],
  '*': ['left', 'Headgate has no such setting'],
};

/** Sections of the file beside those that are read. */
export const FILE_REASONS: Reasons = {
  environment_variables: ['left', 'a configuration sets no environment', 'set them where the gate is started'],
  guardrails: ['left', 'guardrails are not carried over'],
  mcp_servers: ['left', 'MCP servers are not behind the gate'],
  mcp_tools: ['left', 'MCP servers are not behind the gate'],
  vector_store_registry: ['left', 'vector stores are not behind the gate'],
  search_tools: ['left', 'search tools are not behind the gate'],
  prompts: ['left', 'prompts are the application’s'],
  callback_settings: ['left', 'calls stand in the ledger; nothing is sent elsewhere'],
  finetune_settings: ['left', 'fine-tuning is not behind the gate'],
  files_settings: ['left', 'files are not behind the gate'],
  include: ['left', 'included files are not followed', 'import each of them'],
  '*': ['left', 'Headgate has no such section'],
};
