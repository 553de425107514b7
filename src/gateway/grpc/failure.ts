import { GRPC_CODES, grpcCodeOf, grpcStatus, grpcTrailers, statusBytes, type GrpcCode } from '#kernel/error-grpc.ts';
import { ERRORS, HeadgateError, type ErrorCode } from '#kernel/errors.ts';
import type { CarriedAnswer } from '../streams/carried.ts';

/** A failure as each protocol says it. */
export interface Failure {
  readonly trailers: Readonly<Record<string, string>>;
  readonly connect: object;
  /** Of Connect's calls in one piece. */
  readonly httpStatus: number;
}

/** Connect's HTTP statuses of its codes (connectrpc.com/docs/protocol). */
const HTTP: Partial<Record<GrpcCode, number>> = {
  CANCELLED: 499,
  INVALID_ARGUMENT: 400,
  DEADLINE_EXCEEDED: 504,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  PERMISSION_DENIED: 403,
  RESOURCE_EXHAUSTED: 429,
  FAILED_PRECONDITION: 400,
  UNIMPLEMENTED: 501,
  UNAVAILABLE: 503,
  UNAUTHENTICATED: 401,
};
/** Connect's word where it is not gRPC's in lower case. */
const connectWord = (code: GrpcCode): string => (code === 'CANCELLED' ? 'canceled' : code.toLowerCase());

export function failureOf(error: HeadgateError): Failure {
  const status = grpcStatus(error);
  const code = grpcCodeOf(error);
  return {
    trailers: grpcTrailers(error),
    connect: { code: connectWord(code), message: status.message, details: connectDetails(error) },
    httpStatus: HTTP[code] ?? 500,
  };
}

/** The whole status in one detail of Connect's: what gRPC has in `grpc-status-details-bin`. */
const connectDetails = (error: HeadgateError): readonly object[] => [
  {
    type: 'google.rpc.Status',
    value: Buffer.from(statusBytes(grpcStatus(error)))
      .toString('base64')
      .replace(/=+$/, ''),
  },
];

/** A failure by its code and words alone. */
export function plainFailure(code: GrpcCode, message: string): Failure {
  const text = encodeURIComponent(message).replaceAll('%20', ' ');
  return {
    trailers: { 'grpc-status': String(GRPC_CODES[code]), 'grpc-message': text },
    connect: { code: connectWord(code), message },
    httpStatus: HTTP[code] ?? 500,
  };
}

const BY_STATUS: Readonly<Record<number, GrpcCode>> = {
  401: 'UNAUTHENTICATED',
  402: 'FAILED_PRECONDITION',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  408: 'DEADLINE_EXCEEDED',
  409: 'ALREADY_EXISTS',
  429: 'RESOURCE_EXHAUSTED',
  504: 'DEADLINE_EXCEEDED',
};

/** What a plain client would have been answered, as a failure: an error of ours by its row, a provider's by its status. */
export function failureOfAnswer({ status, headers, body }: CarriedAnswer): Failure {
  const said = errorIn(body);
  const code = headers['x-headgate-error-code'];
  if (code !== undefined && code in ERRORS) {
    const { hint } = ERRORS[code as ErrorCode];
    const wait = headers['retry-after-ms'];
    return failureOf(
      new HeadgateError(code as ErrorCode, {
        message: said.message.endsWith(hint) ? said.message.slice(0, -hint.length).trimEnd() : said.message,
        ...(typeof said.param === 'string' && { field: said.param }),
        ...(wait !== undefined && { retryAfterMs: Number(wait) }),
      }),
    );
  }
  return plainFailure(BY_STATUS[status] ?? (status < 500 ? 'INVALID_ARGUMENT' : 'UNAVAILABLE'), said.message);
}

function errorIn(body: Buffer): { readonly message: string; readonly param?: unknown } {
  try {
    const { error } = JSON.parse(body.toString()) as { error?: { message?: unknown; param?: unknown } };
    return { message: String(error?.message ?? 'The provider failed.').slice(0, 2_000), param: error?.param };
  } catch {
    return { message: 'The provider failed.' };
  }
}
