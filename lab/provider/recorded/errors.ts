import type { ErrorResponse } from '@anthropic-ai/sdk/resources/shared.js';
import { type ErrorDialect, LabError } from '../errors.ts';
import { GOOGLE_ERRORS } from './google.ts';

/** OpenAI's error body; its SDK has no exported type for the envelope. */
interface OpenAIError {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string | null;
  };
}

/** Error bodies as both APIs word them, by what went wrong. For tests that must see them cross unchanged. */
export const OPENAI_ERRORS = {
  contextLength: {
    error: {
      message:
        "This model's maximum context length is 128000 tokens. However, your messages resulted in 130000 tokens.",
      type: 'invalid_request_error',
      param: 'messages',
      code: 'context_length_exceeded',
    },
  },
  unsupportedParameter: {
    error: {
      message:
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
      type: 'invalid_request_error',
      param: 'max_tokens',
      code: 'unsupported_parameter',
    },
  },
  quota: {
    error: {
      message: 'You exceeded your current quota, please check your plan and billing details.',
      type: 'insufficient_quota',
      param: null,
      code: 'insufficient_quota',
    },
  },
} as const satisfies Record<string, OpenAIError>;

export const ANTHROPIC_ERRORS = {
  overloaded: { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' }, request_id: 'req_lab1' },
  rateLimit: {
    type: 'error',
    error: { type: 'rate_limit_error', message: 'Number of request tokens has exceeded your rate limit.' },
    request_id: 'req_lab2',
  },
  billing: {
    type: 'error',
    error: { type: 'billing_error', message: 'Your credit balance is too low.' },
    request_id: 'req_lab3',
  },
  timeout: { type: 'error', error: { type: 'timeout_error', message: 'Request timed out.' }, request_id: 'req_lab4' },
  permission: { type: 'error', error: { type: 'permission_error', message: 'Not allowed.' }, request_id: 'req_lab5' },
  authentication: {
    type: 'error',
    error: { type: 'authentication_error', message: 'invalid x-api-key' },
    request_id: 'req_lab6',
  },
  notFound: {
    type: 'error',
    error: { type: 'not_found_error', message: 'model: claude-none' },
    request_id: 'req_lab7',
  },
  internal: { type: 'error', error: { type: 'api_error', message: 'Internal server error' }, request_id: 'req_lab8' },
  invalid: {
    type: 'error',
    error: { type: 'invalid_request_error', message: 'max_tokens: Field required' },
    request_id: null,
  },
} as const satisfies Record<string, ErrorResponse>;

const STATUS: Readonly<Record<string, number>> = {
  quota: 429,
  overloaded: 529,
  rateLimit: 429,
  billing: 402,
  timeout: 504,
  permission: 403,
  authentication: 401,
  notFound: 404,
  internal: 500,
};

const ERRORS: Readonly<Record<ErrorDialect, Readonly<Record<string, object>>>> = {
  openai: OPENAI_ERRORS,
  // Bedrock's errors are a message alone: a status says all there is.
  bedrock: {},
  azure: OPENAI_ERRORS,
  anthropic: ANTHROPIC_ERRORS,
  google: GOOGLE_ERRORS,
};

/** A recorded error body with its status (400 where none is stated); an unknown name is the lab user's mistake. */
export function recordedError(dialect: ErrorDialect, name: string): [status: number, body: object] {
  const bodies = ERRORS[dialect];
  const body = bodies[name];
  if (!body) throw new LabError(400, `no recorded error '${name}'; there are: ${Object.keys(bodies).join(', ')}`);
  const stated = dialect === 'google' ? (body as { error: { code: number } }).error.code : STATUS[name];
  return [stated ?? 400, body];
}
