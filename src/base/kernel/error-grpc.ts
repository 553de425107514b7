import type { ErrorCode, HeadgateError } from './errors.ts';
import { messageOf, type Field } from './protobuf.ts';

/** Codes of google.rpc.Code (googleapis, google/rpc/code.proto). */
export const GRPC_CODES = {
  CANCELLED: 1,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  UNIMPLEMENTED: 12,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const;
export type GrpcCode = keyof typeof GRPC_CODES;

/** What clients may send again: with any other code they are right to give up. */
export const RETRYABLE_GRPC_CODES: ReadonlySet<GrpcCode> = new Set([
  'DEADLINE_EXCEEDED',
  'RESOURCE_EXHAUSTED',
  'UNAVAILABLE',
]);

const BY_STATUS: Readonly<Record<number, GrpcCode>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  // Spent money is mended first and retried then; RESOURCE_EXHAUSTED would be retried at once.
  402: 'FAILED_PRECONDITION',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  405: 'UNIMPLEMENTED',
  408: 'DEADLINE_EXCEEDED',
  409: 'ALREADY_EXISTS',
  410: 'NOT_FOUND',
  413: 'INVALID_ARGUMENT',
  415: 'INVALID_ARGUMENT',
  426: 'UNIMPLEMENTED',
  429: 'RESOURCE_EXHAUSTED',
  499: 'CANCELLED',
  // INTERNAL is never retried, and our own mistakes may be: the reason tells them apart.
  500: 'UNAVAILABLE',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};
const BY_CODE: Partial<Record<ErrorCode, GrpcCode>> = {
  declared_in_file: 'FAILED_PRECONDITION',
  // Room comes in hours or never; RESOURCE_EXHAUSTED would be retried at once.
  limit_exceeded: 'FAILED_PRECONDITION',
};

export const grpcCodeOf = ({ code, row }: HeadgateError): GrpcCode => BY_CODE[code] ?? BY_STATUS[row.status]!;

const TYPE = 'type.googleapis.com/google.rpc.';
const DOMAIN = 'headgate.dev';

/** A detail of google.rpc.Status in protobuf's JSON form (google/rpc/error_details.proto). */
export type GrpcDetail =
  | {
      readonly '@type': `${typeof TYPE}ErrorInfo`;
      readonly reason: string;
      readonly domain: string;
      readonly metadata: Readonly<Record<string, string>>;
    }
  | { readonly '@type': `${typeof TYPE}RetryInfo`; readonly retryDelay: string }
  | {
      readonly '@type': `${typeof TYPE}BadRequest`;
      readonly fieldViolations: readonly { readonly field: string; readonly description: string }[];
    };

export interface GrpcStatus {
  readonly code: number;
  readonly message: string;
  readonly details: readonly GrpcDetail[];
}

/** The error as google.rpc.Status: the table's code as the reason, the facts as its metadata, the wait, the field. */
export function grpcStatus(error: HeadgateError): GrpcStatus {
  const { field, retryAfterMs } = error.details;
  const details: GrpcDetail[] = [errorInfo(error)];
  if (retryAfterMs !== undefined && error.row.retryable)
    details.push({ '@type': `${TYPE}RetryInfo`, retryDelay: `${Math.ceil(retryAfterMs) / 1000}s` });
  if (field !== undefined)
    details.push({ '@type': `${TYPE}BadRequest`, fieldViolations: [{ field, description: error.message }] });
  return {
    code: GRPC_CODES[grpcCodeOf(error)],
    message: `${error.message} ${error.row.hint}`,
    details,
  };
}

/** Metadata in the order of its names, so that one error is always the same bytes. */
function errorInfo({ code, row, details }: HeadgateError): GrpcDetail {
  const facts = Object.entries({ ...details.facts, actor: row.actor }).filter(([, value]) => value !== null);
  const sorted = facts.map(([name, value]) => [name, String(value)] as const).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    '@type': `${TYPE}ErrorInfo`,
    reason: code.toUpperCase(),
    domain: DOMAIN,
    metadata: Object.fromEntries(sorted),
  };
}

/**
 * Trailers of a call that failed. `grpc-retry-pushback-ms` is what gRPC clients obey in the place of
 * `retry-after-ms`; -1 forbids the retry (grpc proposal A6).
 */
export function grpcTrailers(error: HeadgateError): Record<string, string> {
  const status = grpcStatus(error);
  const { retryable } = error.row;
  const waitMs = error.details.retryAfterMs;
  return {
    'grpc-status': String(status.code),
    'grpc-message': percentEncoded(status.message),
    'grpc-status-details-bin': Buffer.from(statusBytes(status)).toString('base64'),
    ...(!retryable && { 'grpc-retry-pushback-ms': '-1' }),
    ...(retryable && waitMs !== undefined && { 'grpc-retry-pushback-ms': String(Math.ceil(waitMs)) }),
  };
}

/** Everything but visible ASCII and blanks is %XX of its UTF-8, and so is % (gRPC over HTTP/2, Status-Message). */
const percentEncoded = (text: string): string =>
  [...Buffer.from(text)]
    .map((byte) =>
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
    )
    .join('');

/** google.rpc.Status as protobuf: code 1, message 2, details 3 (each an Any: type_url 1, value 2). */
export const statusBytes = ({ code, message, details }: GrpcStatus): Uint8Array =>
  messageOf([
    [1, code],
    [2, message],
    ...details.map((detail): Field => [
      3,
      messageOf([
        [1, detail['@type']],
        [2, messageOf(fieldsOf(detail))],
      ]),
    ]),
  ]);

function fieldsOf(detail: GrpcDetail): readonly Field[] {
  if ('reason' in detail)
    return [
      [1, detail.reason],
      [2, detail.domain],
      ...Object.entries(detail.metadata).map(([name, value]): Field => [
        3,
        messageOf([
          [1, name],
          [2, value],
        ]),
      ]),
    ];
  if ('retryDelay' in detail) return [[1, durationOf(Number(detail.retryDelay.slice(0, -1)))]];
  return detail.fieldViolations.map(({ field, description }): Field => [
    1,
    messageOf([
      [1, field],
      [2, description],
    ]),
  ]);
}

/** google.protobuf.Duration: whole seconds 1, nanos 2. */
function durationOf(seconds: number): Uint8Array {
  const whole = Math.floor(seconds);
  return messageOf([
    [1, whole],
    [2, Math.round((seconds - whole) * 1e3) * 1e6],
  ]);
}
