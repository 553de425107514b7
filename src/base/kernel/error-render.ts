import type { HeadgateError } from './errors.ts';

/** What a rendered refusal adds to the response: the caller adds call id and content type. */
export interface RenderedError {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: object;
}

/** OpenAI's error object: `{error: {message, type, param, code}}` (openai 7.57.0 `APIError`). */
export const openaiErrorBody = (error: HeadgateError): object => ({
  error: {
    message: sentence(error),
    type: error.row.openai,
    param: error.details.field ?? null,
    code: error.code,
    ...(error.details.facts && { headgate: error.details.facts }),
  },
});

/** Anthropic's error object; `request_id` is the call id (@anthropic-ai/sdk 1.12.0 `ErrorResponse`). */
export const anthropicErrorBody = (error: HeadgateError, requestId: string | null): object => ({
  type: 'error',
  error: {
    type: error.row.anthropic,
    message: sentence(error),
    code: error.code,
    ...(error.details.field !== undefined && { param: error.details.field }),
    ...(error.details.facts && { headgate: error.details.facts }),
  },
  request_id: requestId,
});

/** Exceptions of Bedrock's runtime by the status that they come with (client-bedrock-runtime 3.1164.0 `errors.d.ts`). */
const AWS_NAMES: Readonly<Record<number, string>> = {
  401: 'AccessDeniedException',
  402: 'ServiceQuotaExceededException',
  403: 'AccessDeniedException',
  404: 'ResourceNotFoundException',
  408: 'ModelTimeoutException',
  429: 'ThrottlingException',
  503: 'ServiceUnavailableException',
  504: 'ModelTimeoutException',
};

/** Name of the exception that AWS's SDKs throw. */
export const awsErrorName = ({ row: { status } }: HeadgateError): string =>
  AWS_NAMES[status] ?? (status < 500 ? 'ValidationException' : 'InternalServerException');

/** AWS's error object; the name stands in `x-amzn-errortype` as well. */
export const awsErrorBody = (error: HeadgateError): object => ({
  __type: awsErrorName(error),
  message: sentence(error),
});
/** Words of google.rpc.Code for our statuses; Google has none for spent money. */
const GOOGLE_WORDS: ReadonlyMap<number, string> = new Map([
  [400, 'INVALID_ARGUMENT'],
  [401, 'UNAUTHENTICATED'],
  [402, 'FAILED_PRECONDITION'],
  [403, 'PERMISSION_DENIED'],
  [404, 'NOT_FOUND'],
  [405, 'UNIMPLEMENTED'],
  [408, 'DEADLINE_EXCEEDED'],
  [409, 'ABORTED'],
  [413, 'INVALID_ARGUMENT'],
  [415, 'INVALID_ARGUMENT'],
  [429, 'RESOURCE_EXHAUSTED'],
  [502, 'UNAVAILABLE'],
  [503, 'UNAVAILABLE'],
  [504, 'DEADLINE_EXCEEDED'],
]);

/** Google's error object with details of google.rpc (`ErrorInfo`, `RetryInfo`); its SDK throws `ApiError`. */
export function googleErrorBody(error: HeadgateError, callId: string | null): object {
  const { status } = error.row;
  const { field, retryAfterMs, facts } = error.details;
  const info = {
    '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
    reason: error.code.toUpperCase(),
    domain: 'headgate',
    metadata: { ...(callId !== null && { callId }), ...(field !== undefined && { field }) },
    ...(facts && { headgate: facts }),
  };
  const retry = { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: `${(retryAfterMs ?? 0) / 1000}s` };
  return {
    error: {
      code: status,
      message: sentence(error),
      status: GOOGLE_WORDS.get(status) ?? 'INTERNAL',
      details: retryAfterMs === undefined ? [info] : [info, retry],
    },
  };
}

/** Message and hint in one text, since SDKs show the message alone. */
const sentence = (error: HeadgateError): string => `${error.message} ${error.row.hint}`;

/** SDKs obey `x-should-retry`, `retry-after-ms` and `retry-after` (whole seconds, rounded up). */
export function errorHeaders(error: HeadgateError): Record<string, string> {
  const headers: Record<string, string> = {
    ...{ 'x-headgate-error-source': 'gateway', 'x-headgate-error-code': error.code },
    ...error.details.headers,
  };
  if (!error.row.retryable) headers['x-should-retry'] = 'false';
  const waitMs = error.details.retryAfterMs;
  if (waitMs !== undefined) {
    headers['retry-after-ms'] = String(Math.ceil(waitMs));
    headers['retry-after'] = String(Math.ceil(waitMs / 1000));
  }
  return headers;
}

/** The terminal's form: what, where, hint; `headgate help errors` has the page of the code. */
export const cliError = (error: HeadgateError): string =>
  [
    `error ${error.code}: ${error.message}`,
    ...(error.details.field ? [`  at ${error.details.field}`] : []),
    `hint: ${error.row.hint}`,
  ].join('\n');
