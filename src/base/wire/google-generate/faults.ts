import type { ProviderFault } from '../canonical.ts';
import { faultMessage, faultTypeAt } from '../fault-parts.ts';
import { isObject, listOf, numberOf, objectOf, textOf, type JsonObject } from '../json/read.ts';

type FaultType = ProviderFault['type'];

/** Status words of google.rpc.Code with what they mean here and the HTTP status that Google sends them with. */
const WORDS: ReadonlyMap<string, FaultType> = new Map<string, FaultType>([
  ['INVALID_ARGUMENT', 'invalid_request'],
  ['FAILED_PRECONDITION', 'invalid_request'],
  ['OUT_OF_RANGE', 'invalid_request'],
  ['ALREADY_EXISTS', 'invalid_request'],
  ['UNIMPLEMENTED', 'invalid_request'],
  ['UNAUTHENTICATED', 'authentication'],
  ['PERMISSION_DENIED', 'permission'],
  ['NOT_FOUND', 'not_found'],
  ['RESOURCE_EXHAUSTED', 'rate_limit'],
  ['UNAVAILABLE', 'overloaded'],
  ['DEADLINE_EXCEEDED', 'timeout'],
  ['ABORTED', 'server'],
  ['CANCELLED', 'server'],
  ['INTERNAL', 'server'],
  ['UNKNOWN', 'server'],
  ['DATA_LOSS', 'server'],
]);

const BY_STATUS: ReadonlyMap<number, FaultType> = new Map<number, FaultType>([
  [401, 'authentication'],
  [402, 'billing'],
  [403, 'permission'],
  [404, 'not_found'],
  [408, 'timeout'],
  [413, 'too_large'],
  [429, 'rate_limit'],
  [503, 'overloaded'],
  [504, 'timeout'],
  [529, 'overloaded'],
]);

const OUT: Readonly<Record<FaultType, { readonly status: number; readonly word: string }>> = {
  invalid_request: { status: 400, word: 'INVALID_ARGUMENT' },
  authentication: { status: 401, word: 'UNAUTHENTICATED' },
  permission: { status: 403, word: 'PERMISSION_DENIED' },
  not_found: { status: 404, word: 'NOT_FOUND' },
  too_large: { status: 413, word: 'INVALID_ARGUMENT' },
  rate_limit: { status: 429, word: 'RESOURCE_EXHAUSTED' },
  billing: { status: 402, word: 'FAILED_PRECONDITION' },
  overloaded: { status: 503, word: 'UNAVAILABLE' },
  timeout: { status: 504, word: 'DEADLINE_EXCEEDED' },
  server: { status: 500, word: 'INTERNAL' },
};

function typeOf(status: number | null, word: string | null, details: readonly JsonObject[]): FaultType {
  // A wrong key comes as a 400 whose details say so.
  if (details.some((one) => one['reason'] === 'API_KEY_INVALID')) return 'authentication';
  const named = word === null ? undefined : WORDS.get(word);
  return named ?? faultTypeAt(status, BY_STATUS);
}

/** `{error: {code, message, status, details}}`, alone or in an array of one; or a text. `status` null: in a stream. */
export function readFault(status: number | null, body: unknown): ProviderFault {
  const first: unknown = Array.isArray(body) ? body[0] : body;
  const value = isObject(first) ? first : {};
  const error = isObject(value['error']) ? value['error'] : value;
  const details = listOf(error['details']).map(objectOf);
  const word = textOf(error['status']);
  const stated = numberOf(error['code']);
  const inBand = status ?? (stated !== null && stated >= 400 && stated < 600 ? stated : null);
  const text = textOf(error['message']) ?? textOf(value['error']) ?? textOf(body);
  return {
    type: typeOf(inBand, word, details),
    status: inBand,
    message: faultMessage(text, inBand),
    code: details.map((one) => textOf(one['reason'])).find((reason) => reason !== null) ?? word,
    field: violation(details),
  };
}

function violation(details: readonly JsonObject[]): string | null {
  const first = details.flatMap((one) => listOf(one['fieldViolations']))[0];
  return textOf(objectOf(first)['field']);
}

const DURATION = /^(\d{1,9}(?:\.\d+)?)s$/;

/** Milliseconds that a `RetryInfo` of an error body asks for (`"retryDelay": "34s"`), or null. */
export function retryDelayMs(body: unknown): number | null {
  const first: unknown = Array.isArray(body) ? body[0] : body;
  for (const detail of listOf(objectOf(objectOf(first)['error'])['details'])) {
    const seconds = DURATION.exec(textOf(objectOf(detail)['retryDelay']) ?? '')?.[1];
    if (seconds !== undefined) return Math.ceil(Number(seconds) * 1000);
  }
  return null;
}

const exact = (type: FaultType, came: number | null): came is number =>
  came !== null &&
  ((type === 'invalid_request' && came >= 400 && came < 500) || (type === 'server' && came >= 500 && came < 600));

const retryInfo = (ms: number): object => ({
  '@type': 'type.googleapis.com/google.rpc.RetryInfo',
  retryDelay: `${ms / 1000}s`,
});

function faultBody(fault: ProviderFault, requestId: string, retryAfterMs: number | null = null) {
  const { status, word } = OUT[fault.type];
  return {
    error: {
      code: exact(fault.type, fault.status) ? fault.status : status,
      message: fault.message,
      status: word,
      details: [
        {
          '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
          reason: fault.code ?? word,
          domain: 'headgate',
          metadata: { callId: requestId, ...(fault.field !== null && { field: fault.field }) },
        },
        ...(retryAfterMs === null ? [] : [retryInfo(retryAfterMs)]),
      ],
    },
  };
}

export function encodeFault(fault: ProviderFault, requestId: string, retryAfterMs?: number | null) {
  const body = faultBody(fault, requestId, retryAfterMs);
  return { status: body.error.code, body };
}

/** The SDK throws its `ApiError` at a data object with `error` (@google/genai 3.3.0, `throwIfStreamErrorChunk`). */
export const streamFault = (fault: ProviderFault, requestId: string): string =>
  `data: ${JSON.stringify(faultBody(fault, requestId))}\n\n`;
