import type { ProviderFault } from '../canonical.ts';
import { faultMessage, faultTypeAt } from '../fault-parts.ts';
import { isObject, objectOf, textOf } from '../json/read.ts';
import { parsed } from './parsed.ts';

/**
 * Anthropic's error types with the status each comes with (SDK 1.12.0 `ErrorType`, `shared.d.ts`; statuses from
 * https://platform.claude.com/docs/en/api/errors: 402 billing, 413 too large, 504 timeout, 529 overloaded).
 */
const BY_TYPE: Readonly<Record<string, ProviderFault['type']>> = {
  invalid_request_error: 'invalid_request',
  authentication_error: 'authentication',
  permission_error: 'permission',
  not_found_error: 'not_found',
  request_too_large: 'too_large',
  rate_limit_error: 'rate_limit',
  overloaded_error: 'overloaded',
  timeout_error: 'timeout',
  billing_error: 'billing',
  api_error: 'server',
  conflict_error: 'invalid_request',
  memory_precondition_failed_error: 'invalid_request',
  memory_path_conflict_error: 'invalid_request',
};

const BY_STATUS: ReadonlyMap<number, ProviderFault['type']> = new Map([
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

const OUT: Readonly<Record<ProviderFault['type'], { readonly type: string; readonly status: number }>> = {
  invalid_request: { type: 'invalid_request_error', status: 400 },
  authentication: { type: 'authentication_error', status: 401 },
  permission: { type: 'permission_error', status: 403 },
  not_found: { type: 'not_found_error', status: 404 },
  too_large: { type: 'request_too_large', status: 413 },
  rate_limit: { type: 'rate_limit_error', status: 429 },
  overloaded: { type: 'overloaded_error', status: 529 },
  timeout: { type: 'timeout_error', status: 504 },
  billing: { type: 'billing_error', status: 402 },
  server: { type: 'api_error', status: 500 },
};

/** An error body as Anthropic or something in front of it wrote it. `status` null: it came inside a stream. */
export function readFaultAt(status: number | null, body: unknown): ProviderFault {
  const value = typeof body === 'string' ? (parsed(body) ?? body) : body;
  const inner = objectOf(isObject(value) ? (isObject(value['error']) ? value['error'] : value) : null);
  const named = textOf(inner['type']);
  return {
    type:
      (named !== null && Object.hasOwn(BY_TYPE, named) ? BY_TYPE[named] : undefined) ?? faultTypeAt(status, BY_STATUS),
    status,
    message: messageOf(value, inner, status),
    code: textOf(objectOf(inner['details'])['error_code']) ?? textOf(inner['code']),
    field: textOf(inner['param']),
  };
}

function messageOf(value: unknown, inner: Readonly<Record<string, unknown>>, status: number | null): string {
  const text =
    textOf(inner['message']) ?? textOf(objectOf(value)['error']) ?? (typeof value === 'string' ? value : null);
  return faultMessage(text, status);
}

/** The status of a fault here: the table's, but a refusal or failure keeps the more exact one that it came with. */
function statusOf(fault: ProviderFault): number {
  const { status } = OUT[fault.type];
  const came = fault.status;
  const exact =
    came !== null && (fault.type === 'invalid_request' ? came >= 400 && came < 500 : came >= 500 && came < 600);
  return exact && (fault.type === 'invalid_request' || fault.type === 'server') ? came : status;
}

const faultBody = (fault: ProviderFault, requestId: string) => ({
  type: 'error' as const,
  error: {
    type: OUT[fault.type].type,
    message: fault.message,
    ...(fault.field !== null && { param: fault.field }),
    ...(fault.code !== null && { details: { error_code: fault.code } }),
  },
  request_id: requestId,
});

export const encodeFault = (fault: ProviderFault, requestId: string) => ({
  status: statusOf(fault),
  body: faultBody(fault, requestId),
});

/** `event: error`: the SDK throws an `APIError` at it. */
export const streamFault = (fault: ProviderFault, requestId: string): string =>
  `event: error\ndata: ${JSON.stringify(faultBody(fault, requestId))}\n\n`;
