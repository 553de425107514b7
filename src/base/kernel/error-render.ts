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

/** Message and hint in one text, since SDKs show the message alone. */
const sentence = (error: HeadgateError): string => `${error.message} ${error.row.hint}`;

/** SDKs obey `x-should-retry`, `retry-after-ms` and `retry-after` (whole seconds, rounded up). */
export function errorHeaders(error: HeadgateError): Record<string, string> {
  const headers: Record<string, string> = { 'x-headgate-error-source': 'gateway', 'x-headgate-error-code': error.code };
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
