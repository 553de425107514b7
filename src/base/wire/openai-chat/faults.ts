import type { ProviderFault } from '#wire/canonical.ts';
import { isObject, isUnset, textOf, type JsonObject } from '#wire/json/read.ts';

type FaultType = ProviderFault['type'];

/** What an HTTP status of a provider means; 529 is Anthropic's overload, 498 Groq's, 524 Cloudflare's timeout. */
const BY_STATUS: ReadonlyMap<number, FaultType> = new Map<number, FaultType>([
  [401, 'authentication'],
  [402, 'billing'],
  [403, 'permission'],
  [404, 'not_found'],
  [408, 'timeout'],
  [413, 'too_large'],
  [429, 'rate_limit'],
  [498, 'overloaded'],
  [503, 'overloaded'],
  [504, 'timeout'],
  [524, 'timeout'],
  [529, 'overloaded'],
]);

/** Words of `error.type` or `error.code` that say more than the status, or stand where there is no status. */
const BY_WORD: ReadonlyMap<string, FaultType> = new Map<string, FaultType>([
  ['insufficient_quota', 'billing'],
  ['billing_error', 'billing'],
  ['billing_hard_limit_reached', 'billing'],
  ['rate_limit_exceeded', 'rate_limit'],
  ['rate_limit_error', 'rate_limit'],
  ['requests', 'rate_limit'],
  ['tokens', 'rate_limit'],
  ['overloaded_error', 'overloaded'],
  ['timeout', 'timeout'],
  ['timeout_error', 'timeout'],
  ['invalid_request_error', 'invalid_request'],
  ['authentication_error', 'authentication'],
  ['invalid_api_key', 'authentication'],
  ['permission_error', 'permission'],
  ['not_found_error', 'not_found'],
  ['model_not_found', 'not_found'],
  ['server_error', 'server'],
  ['api_error', 'server'],
]);

function faultType(status: number | null, words: readonly (string | null)[]): FaultType {
  const named = words.map((word) => (word === null ? undefined : BY_WORD.get(word))).find((type) => type !== undefined);
  if (named === 'billing') return named;
  if (status === null || status < 400) return named ?? 'server';
  return BY_STATUS.get(status) ?? (status < 500 ? 'invalid_request' : 'server');
}

/** A provider's page of text or HTML is cut here: enough to recognise it, too short to fill a log. */
const MAX_MESSAGE_CHARS = 2_000;

/**
 * An error body in one shape: `{error: {…}}`, `{error: "…"}`, `{message}`, `{detail}` (FastAPI), a list of one of
 * them (Google), text or HTML. `status` null: the error stood inside a stream.
 */
export function readFault(status: number | null, body: unknown): ProviderFault {
  const source = errorObject(Array.isArray(body) ? body[0] : body);
  const code = textOf(source['code']) ?? (typeof source['code'] === 'number' ? String(source['code']) : null);
  // OpenRouter and Google put an HTTP status into `code`; inside a stream it is the only status there is.
  const inBand = status ?? httpStatus(source['code']) ?? httpStatus(source['status_code']);
  return {
    type: faultType(inBand, [code, textOf(source['type'])]),
    status: inBand,
    message: (messageOf(source, body) ?? `The provider answered ${inBand ?? 'with an error'}.`).slice(
      0,
      MAX_MESSAGE_CHARS,
    ),
    code: code ?? textOf(source['type']),
    field: textOf(source['param']),
  };
}

const httpStatus = (value: unknown): number | null =>
  typeof value === 'number' && Number.isInteger(value) && value >= 400 && value <= 599 ? value : null;

function errorObject(body: unknown): JsonObject {
  if (!isObject(body)) return {};
  const error = body['error'];
  if (isObject(error)) return error;
  return typeof error === 'string' ? { ...body, message: textOf(body['message']) ?? error } : body;
}

function messageOf(source: JsonObject, body: unknown): string | null {
  for (const name of ['message', 'detail', 'error_message', 'msg']) {
    const value = source[name];
    if (typeof value === 'string' && value !== '') return value;
    if (!isUnset(value) && typeof value !== 'string') return JSON.stringify(value);
  }
  if (typeof body !== 'string') return null;
  return plainText(body) || null;
}

// Proxies answer with HTML pages; its title and text say what happened.
const plainText = (body: string): string =>
  body
    .slice(0, 4 * MAX_MESSAGE_CHARS)
    .replace(/<(script|style)[^>]*>[^]*?<\/\1>/gi, ' ')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();

interface FaultForm {
  readonly status: number;
  readonly type: string;
}

/** OpenAI's status and `error.type` of each fault; the SDK chooses its error class by the status. */
const FORMS: Readonly<Record<FaultType, FaultForm>> = {
  invalid_request: { status: 400, type: 'invalid_request_error' },
  authentication: { status: 401, type: 'invalid_request_error' },
  permission: { status: 403, type: 'permission_error' },
  not_found: { status: 404, type: 'invalid_request_error' },
  too_large: { status: 413, type: 'invalid_request_error' },
  rate_limit: { status: 429, type: 'requests' },
  // OpenAI answers a spent account with 429 too, and its code tells the two apart.
  billing: { status: 429, type: 'insufficient_quota' },
  overloaded: { status: 503, type: 'server_error' },
  timeout: { status: 504, type: 'server_error' },
  server: { status: 500, type: 'server_error' },
};

const errorBody = (fault: ProviderFault): object => ({
  error: {
    message: fault.message,
    type: FORMS[fault.type].type,
    param: fault.field,
    code: fault.type === 'billing' ? 'insufficient_quota' : fault.code,
  },
});

/** A foreign provider's fault as an OpenAI answer. A status that OpenAI itself uses stays as the provider sent it. */
export function encodeFault(fault: ProviderFault): { readonly status: number; readonly body: object } {
  const kept = fault.status !== null && fault.status >= 400 && fault.status < 600 && fault.status !== 529;
  return { status: kept ? fault.status! : FORMS[fault.type].status, body: errorBody(fault) };
}

/** The OpenAI SDK throws on a data object with `error` (gateways.md 4); no `[DONE]` follows. */
export const streamFault = (fault: ProviderFault): string => `data: ${JSON.stringify(errorBody(fault))}\n\n`;
