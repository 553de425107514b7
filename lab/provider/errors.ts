/** Whose error form. */
export type ErrorDialect = 'openai' | 'anthropic' | 'azure' | 'bedrock' | 'google';

/** A refusal in the words of the API. `type` and `code` as the real one has them. */
export class LabError extends Error {
  readonly status: number;
  readonly type: string;
  readonly code: string | null;
  readonly param: string | null;
  readonly headers: Readonly<Record<string, string>>;
  /** The whole body, where something in front of the API answers; null: the API's own form. */
  readonly body: object | null;

  constructor(
    status: number,
    message: string,
    more: { type?: string; code?: string; param?: string; headers?: Record<string, string>; body?: object } = {},
  ) {
    super(message);
    this.status = status;
    this.type = more.type ?? 'invalid_request_error';
    this.code = more.code ?? null;
    this.param = more.param ?? null;
    this.headers = more.headers ?? {};
    this.body = more.body ?? null;
  }
}

const OPENAI_TYPES: Readonly<Record<number, readonly [type: string, code: string | null, message: string]>> = {
  400: ['invalid_request_error', null, 'The request is not valid.'],
  401: [
    'invalid_request_error',
    'invalid_api_key',
    'Incorrect API key provided. You can find your API key at https://platform.openai.com/account/api-keys.',
  ],
  403: [
    'invalid_request_error',
    'unsupported_country_region_territory',
    'Country, region, or territory not supported.',
  ],
  404: ['invalid_request_error', 'not_found', 'Not found.'],
  429: ['requests', 'rate_limit_exceeded', 'Rate limit reached for requests. Please try again later.'],
  500: ['server_error', null, 'The server had an error while processing your request. Sorry about that!'],
  503: ['service_unavailable_error', null, 'The engine is currently overloaded, please try again later.'],
};

const ANTHROPIC_TYPES: Readonly<Record<number, readonly [type: string, message: string]>> = {
  400: ['invalid_request_error', 'The request is not valid.'],
  401: ['authentication_error', 'invalid x-api-key'],
  402: ['billing_error', 'Your credit balance is too low to access the Anthropic API.'],
  403: ['permission_error', 'Your API key does not have permission to use the specified resource.'],
  404: ['not_found_error', 'Not found'],
  413: ['request_too_large', 'Request exceeds the maximum size'],
  429: ['rate_limit_error', 'This request would exceed your account’s rate limit. Please try again later.'],
  500: ['api_error', 'Internal server error'],
  504: ['timeout_error', 'The request timed out.'],
  529: ['overloaded_error', 'Overloaded'],
};

/** Bedrock's runtime: the name stands in `x-amzn-errortype`, the body holds the message alone. */
const BEDROCK_TYPES: Readonly<Record<number, readonly [code: string, message: string]>> = {
  400: ['ValidationException', 'The provided request is not valid.'],
  403: ['AccessDeniedException', 'You don’t have access to the model with the specified model ID.'],
  404: ['ResourceNotFoundException', 'Could not resolve the foundation model from the provided model identifier.'],
  408: ['ModelTimeoutException', 'The model took too long.'],
  424: ['ModelErrorException', 'The model returned an error.'],
  429: ['ThrottlingException', 'Too many requests, please wait before trying again.'],
  500: [
    'InternalServerException',
    'The system encountered an unexpected error during processing. Try your request again.',
  ],
  503: ['ServiceUnavailableException', 'Bedrock is unable to process your request.'],
};
/** Status words of google.rpc.Code by HTTP status, with the texts of the real API. */
const GOOGLE_WORDS: Readonly<Record<number, readonly [word: string, message: string]>> = {
  400: ['INVALID_ARGUMENT', 'Request contains an invalid argument.'],
  401: ['UNAUTHENTICATED', 'Request had invalid authentication credentials.'],
  403: ['PERMISSION_DENIED', "Method doesn't allow unregistered callers."],
  404: ['NOT_FOUND', 'Requested entity was not found.'],
  429: ['RESOURCE_EXHAUSTED', 'You exceeded your current quota, please check your plan and billing details.'],
  500: ['INTERNAL', 'An internal error has occurred. Please retry or report in https://developers.generativeai.google'],
  503: ['UNAVAILABLE', 'The model is overloaded. Please try again later.'],
  504: ['DEADLINE_EXCEEDED', 'The request timed out. Please try again.'],
};
const googleWord = (status: number): string =>
  GOOGLE_WORDS[status]?.[0] ?? (status < 500 ? 'INVALID_ARGUMENT' : 'INTERNAL');

/** The wait stands in the body alone. */
function googleBody(error: LabError): object {
  const wait = error.headers['retry-after-ms'];
  const retry = { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: `${Number(wait) / 1000}s` };
  return {
    error: {
      code: error.status,
      message: error.message,
      status: googleWord(error.status),
      ...(wait !== undefined && { details: [retry] }),
    },
  };
}

/** The failure that a plain status stands for, as that API words it. */
export function statusError(dialect: ErrorDialect, status: number, headers: Record<string, string> = {}): LabError {
  if (dialect === 'bedrock') {
    const [code, message] = BEDROCK_TYPES[status] ?? ['InternalServerException', `HTTP ${status}`];
    return new LabError(status, message, { code, headers });
  }
  if (dialect === 'anthropic') {
    const [type, message] = ANTHROPIC_TYPES[status] ?? ['api_error', `HTTP ${status}`];
    return new LabError(status, message, { type, headers });
  }
  if (dialect === 'google') return new LabError(status, GOOGLE_WORDS[status]?.[1] ?? `HTTP ${status}`, { headers });
  const [type, code, message] = OPENAI_TYPES[status] ?? ['server_error', null, `HTTP ${status}`];
  return new LabError(status, message, { type, headers, ...(code === null ? {} : { code }) });
}

/** The body of an error answer. */
export function errorBody(dialect: ErrorDialect, error: LabError, requestId: string): object {
  if (error.body) return error.body;
  if (dialect === 'bedrock') return { message: error.message };
  if (dialect === 'anthropic') {
    return { type: 'error', error: { type: anthropicType(error), message: error.message }, request_id: requestId };
  }
  if (dialect === 'google') return googleBody(error);
  if (dialect === 'azure' && [401, 404].includes(error.status)) {
    return { error: { code: String(error.status), message: error.message } };
  }
  return { error: { message: error.message, type: error.type, param: error.param, code: error.code } };
}

const anthropicType = (error: LabError): string =>
  error.type === 'invalid_request_error' ? (ANTHROPIC_TYPES[error.status]?.[0] ?? error.type) : error.type;

/** Name of the exception that a refusal is at Bedrock. */
export const errorName = (error: LabError): string =>
  error.code ??
  BEDROCK_TYPES[error.status]?.[0] ??
  (error.status < 500 ? 'ValidationException' : 'InternalServerException');
