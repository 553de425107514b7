/** Who can end the error: shown to people, and it decides the hint. */
export type Actor = 'caller' | 'operator' | 'provider' | 'us';

interface ErrorRow {
  /** HTTP status of a unary refusal. */
  readonly status: number;
  readonly actor: Actor;
  /** May the same request succeed later without a change? False sends `x-should-retry: false`. */
  readonly retryable: boolean;
  /** `error.type` of OpenAI's form. */
  readonly openai: string;
  /** `error.type` of Anthropic's form. */
  readonly anthropic: string;
  /** One plain sentence; the thrower's own message, where given, replaces it. */
  readonly message: string;
  /** How to mend it. */
  readonly hint: string;
}

const row = (
  status: number,
  actor: Actor,
  retryable: boolean,
  openai: string,
  anthropic: string,
  message: string,
  hint: string,
): ErrorRow => ({ status, actor, retryable, openai, anthropic, message, hint });

/**
 * Every error that Headgate itself makes. A provider's own errors pass unchanged where the dialect is the same
 * and are not rows of this table. docs/reference/errors.md is generated from it.
 */
export const ERRORS = {
  invalid_json: row(
    400,
    'caller',
    false,
    'invalid_request_error',
    'invalid_request_error',
    'The body is not valid JSON.',
    'Send one JSON object in UTF-8.',
  ),
  invalid_request: row(
    400,
    'caller',
    false,
    'invalid_request_error',
    'invalid_request_error',
    'The request is not valid.',
    'Correct the field that the message names.',
  ),
  duplicate_field: row(
    400,
    'caller',
    false,
    'invalid_request_error',
    'invalid_request_error',
    'A field appears twice.',
    'Send each field once: providers disagree on which of the two counts.',
  ),
  unsupported_field: row(
    400,
    'caller',
    false,
    'invalid_request_error',
    'invalid_request_error',
    'The target model cannot express a field of this request.',
    'Leave the field out, choose another model, or set `onUnsupported: drop`.',
  ),
  policy_refused: row(
    400,
    'caller',
    false,
    'invalid_request_error',
    'invalid_request_error',
    'A policy refuses this request.',
    'Ask the operator which policy applies to this key.',
  ),
  answer_withheld: row(
    403,
    'operator',
    false,
    'invalid_request_error',
    'permission_error',
    'The answer is withheld by a rule of the operator.',
    'Tell the operator the id of the call; its incident stands in the audit.',
  ),
  header_not_allowed: row(
    400,
    'caller',
    false,
    'invalid_request_error',
    'invalid_request_error',
    'This key may not set a header of this request.',
    'Leave the header out, or ask the owner of the key for the right to set it.',
  ),
  bad_encoding: row(
    415,
    'caller',
    false,
    'invalid_request_error',
    'invalid_request_error',
    'The content encoding is not supported.',
    'Use gzip, deflate, br or zstd, or none.',
  ),
  body_too_large: row(
    413,
    'caller',
    false,
    'invalid_request_error',
    'request_too_large',
    'The body is larger than the limit.',
    'Send a smaller body, or ask the operator to raise `limits.bodyBytes`.',
  ),
  slow_request: row(
    408,
    'caller',
    true,
    'invalid_request_error',
    'timeout_error',
    'The body did not arrive in time.',
    'Send the body at once, or ask the operator to raise `limits.bodyTimeout`.',
  ),
  invalid_api_key: row(
    401,
    'caller',
    false,
    'invalid_request_error',
    'authentication_error',
    'The API key is missing or not known.',
    'Send a Headgate key as `Authorization: Bearer hg_…`, `x-api-key` or `x-goog-api-key`.',
  ),
  key_expired: row(
    401,
    'caller',
    false,
    'invalid_request_error',
    'authentication_error',
    'The API key has expired.',
    'Ask the owner of the key for a new one.',
  ),
  key_revoked: row(
    401,
    'caller',
    false,
    'invalid_request_error',
    'authentication_error',
    'The API key was revoked.',
    'Ask the owner of the key for a new one.',
  ),
  credentials_conflict: row(
    401,
    'caller',
    false,
    'invalid_request_error',
    'authentication_error',
    'The request carries two different credentials.',
    'Send the key in one header only.',
  ),
  admin_unauthorized: row(
    401,
    'operator',
    false,
    'invalid_request_error',
    'authentication_error',
    'The admin token is missing or wrong.',
    'Send `Authorization: Bearer <token>`; the first start printed where the token lies.',
  ),
  forbidden: row(
    403,
    'caller',
    false,
    'permission_error',
    'permission_error',
    'This credential may not do that.',
    'Use a credential with the right scope.',
  ),
  budget_exceeded: row(
    402,
    'caller',
    false,
    'insufficient_quota',
    'billing_error',
    'The budget is spent.',
    'Ask whoever the message names for a raise, or wait for the reset.',
  ),
  budget_window: row(
    429,
    'caller',
    true,
    'insufficient_quota',
    'rate_limit_error',
    'The budget of this window is spent; it resets within a minute.',
    'Retry after the time in `retry-after`.',
  ),
  price_unknown: row(
    402,
    'operator',
    false,
    'insufficient_quota',
    'billing_error',
    'The model has no price, and this key is under a hard budget.',
    'Set a price with `headgate prices set`, a free model too, or under `prices:` in headgate.yaml.',
  ),
  not_found: row(
    404,
    'caller',
    false,
    'invalid_request_error',
    'not_found_error',
    'There is no such thing.',
    'Check the id.',
  ),
  model_not_found: row(
    404,
    'caller',
    false,
    'invalid_request_error',
    'not_found_error',
    'The model does not exist or this key may not call it.',
    'GET /v1/models lists the models of this key.',
  ),
  endpoint_not_found: row(
    404,
    'caller',
    false,
    'invalid_request_error',
    'not_found_error',
    'There is no such endpoint.',
    'The message lists the endpoints.',
  ),
  method_not_allowed: row(
    405,
    'caller',
    false,
    'invalid_request_error',
    'invalid_request_error',
    'The endpoint does not know this method.',
    'Use the method in the `allow` header.',
  ),
  conflict: row(
    409,
    'caller',
    false,
    'invalid_request_error',
    'invalid_request_error',
    'It exists already or is in another state.',
    'Look at its present state first.',
  ),
  declared_in_file: row(
    409,
    'operator',
    false,
    'invalid_request_error',
    'invalid_request_error',
    'It is declared in the configuration file, and is changed there.',
    'Change the file: a running gate takes it up within a second or two.',
  ),
  stream_gone: row(
    410,
    'caller',
    false,
    'invalid_request_error',
    'not_found_error',
    'The log of this stream is gone.',
    'The entry of the call has its end, usage and cost: `headgate calls show <id>`.',
  ),
  answer_gone: row(
    410,
    'caller',
    false,
    'invalid_request_error',
    'not_found_error',
    'The answer to this idempotency key is kept no longer.',
    'The entry of the call has its end, usage and cost: `headgate calls show <id>`. Use a new key for a new answer.',
  ),
  call_interrupted: row(
    409,
    'caller',
    false,
    'invalid_request_error',
    'api_error',
    'The call with this idempotency key was interrupted.',
    'What it cost is in its entry. Use a new key to ask again, which is paid again.',
  ),
  idempotency_conflict: row(
    409,
    'caller',
    false,
    'invalid_request_error',
    'invalid_request_error',
    'The idempotency key was used for another request.',
    'Use a new key for each request, and the same one only to repeat it.',
  ),
  deadline_exceeded: row(
    504,
    'caller',
    false,
    'invalid_request_error',
    'timeout_error',
    'The deadline that the client set is over.',
    'Give the call more time, or ask for a shorter answer.',
  ),
  capture_off: row(
    409,
    'operator',
    false,
    'invalid_request_error',
    'invalid_request_error',
    'Text of calls cannot be captured here.',
    'Set `capture.key` in headgate.yaml, and `capture.allowed` not to false.',
  ),
  capture_sealed: row(
    409,
    'operator',
    false,
    'invalid_request_error',
    'invalid_request_error',
    'The captured text cannot be opened.',
    'Name the key that sealed it under `capture.oldKeys`; without that key nobody can read it.',
  ),
  upgrade_required: row(
    426,
    'caller',
    false,
    'invalid_request_error',
    'invalid_request_error',
    'This endpoint does not serve WebSocket.',
    'Use HTTP with server-sent events.',
  ),
  rate_limited: row(
    429,
    'caller',
    true,
    'requests',
    'rate_limit_error',
    'The rate limit is reached.',
    'Retry after the time in `retry-after`.',
  ),
  limit_exceeded: row(
    429,
    'caller',
    false,
    'requests',
    'rate_limit_error',
    'A limit is used up, and makes no room for this call within a minute.',
    'Wait until the time that the message names, send a smaller call, or ask whoever it names for a raise.',
  ),
  account_busy: row(
    429,
    'operator',
    true,
    'requests',
    'rate_limit_error',
    'The account at the provider has no room, and other calls are before this one.',
    'Retry after the time in `retry-after`.',
  ),
  overloaded: row(
    429,
    'operator',
    true,
    'requests',
    'overloaded_error',
    'The gate is at its limit of calls in flight.',
    'Retry after the time in `retry-after`.',
  ),
  client_closed: row(
    499,
    'caller',
    false,
    'invalid_request_error',
    'api_error',
    'The client closed the connection.',
    'Nothing to mend unless the client did not mean to.',
  ),
  internal: row(
    500,
    'us',
    true,
    'server_error',
    'api_error',
    'Headgate made a mistake.',
    'Retry; report the call id if it stays.',
  ),
  provider_error: row(
    502,
    'provider',
    true,
    'server_error',
    'api_error',
    'The provider did not give a usable answer.',
    'Retry; `headgate calls show <id>` has the attempts.',
  ),
  provider_credential: row(
    503,
    'operator',
    true,
    'server_error',
    'api_error',
    'There is no credential for the provider now.',
    'Retry; the log and `GET /admin/providers` of the gate say what the credential chain answered.',
  ),
  stream_truncated: row(
    502,
    'provider',
    true,
    'server_error',
    'api_error',
    'The provider ended the stream before it was complete.',
    'The answer is cut: retry the call.',
  ),
  no_provider: row(
    503,
    'operator',
    true,
    'server_error',
    'overloaded_error',
    'No deployment of this model can serve the call now.',
    'Retry; `headgate calls show <id>` has the attempts.',
  ),
  drained: row(
    503,
    'operator',
    true,
    'server_error',
    'overloaded_error',
    'Everything that serves the model is drained.',
    'Retry after the time in `retry-after`, or call another model; `headgate drain list` says why.',
  ),
  draining: row(
    503,
    'operator',
    true,
    'server_error',
    'overloaded_error',
    'This node is going down.',
    'Retry: another node or the restarted one will answer.',
  ),
  store_unavailable: row(
    503,
    'operator',
    true,
    'server_error',
    'api_error',
    'The store is away.',
    'Retry; the log of the gate says when the store is back.',
  ),
  ledger_unavailable: row(
    503,
    'operator',
    true,
    'server_error',
    'api_error',
    'The ledger cannot be written, and `ledger.onDiskFull` is `stop`.',
    'Free disk space on the data folder.',
  ),
  provider_timeout: row(
    504,
    'provider',
    true,
    'server_error',
    'timeout_error',
    'The provider did not answer in time.',
    'Retry, or raise the timers of the deployment.',
  ),
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERRORS;

/** What the thrower knows beyond the table. Nothing here may hold a cause, a key or another tenant's data. */
export interface ErrorDetails {
  readonly message?: string;
  /** Path of the field at fault, as the caller wrote it (`messages[3].content`). */
  readonly field?: string;
  readonly retryAfterMs?: number;
  /** Machine-readable facts: scope, limit, used, reset. */
  readonly facts?: Readonly<Record<string, string | number | null>>;
  /** Stand beside the error in the answer. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** An expected refusal or failure with its row of {@link ERRORS}. `cause` is for logs and never rendered. */
export class HeadgateError extends Error {
  override readonly name = 'HeadgateError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;
  constructor(code: ErrorCode, details: ErrorDetails = {}, cause?: unknown) {
    super(details.message ?? ERRORS[code].message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.details = details;
  }
  get row(): ErrorRow {
    return ERRORS[this.code];
  }
}
