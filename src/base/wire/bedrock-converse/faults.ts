import type { ProviderFault } from '../canonical.ts';
import { faultMessage, faultTypeAt } from '../fault-parts.ts';
import { objectOf, textOf } from '../json/read.ts';

/** Exceptions of Bedrock's runtime and of AWS's front door, without `Exception` and in lower case. */
const BY_NAME: Readonly<Record<string, ProviderFault['type']>> = {
  throttling: 'rate_limit',
  servicequotaexceeded: 'rate_limit',
  serviceunavailable: 'overloaded',
  modelnotready: 'overloaded',
  modeltimeout: 'timeout',
  modelerror: 'server',
  modelstreamerror: 'server',
  internalserver: 'server',
  validation: 'invalid_request',
  conflict: 'invalid_request',
  accessdenied: 'permission',
  resourcenotfound: 'not_found',
  unrecognizedclient: 'authentication',
  expiredtoken: 'authentication',
  invalidsignature: 'authentication',
  missingauthenticationtoken: 'authentication',
};

const BY_STATUS: ReadonlyMap<number, ProviderFault['type']> = new Map([
  [401, 'authentication'],
  [403, 'permission'],
  [404, 'not_found'],
  [408, 'timeout'],
  [413, 'too_large'],
  [424, 'server'],
  [429, 'rate_limit'],
  [503, 'overloaded'],
  [504, 'timeout'],
]);

const OUT: Readonly<Record<ProviderFault['type'], { readonly name: string; readonly status: number }>> = {
  invalid_request: { name: 'ValidationException', status: 400 },
  authentication: { name: 'UnrecognizedClientException', status: 403 },
  permission: { name: 'AccessDeniedException', status: 403 },
  not_found: { name: 'ResourceNotFoundException', status: 404 },
  too_large: { name: 'ValidationException', status: 400 },
  rate_limit: { name: 'ThrottlingException', status: 429 },
  overloaded: { name: 'ServiceUnavailableException', status: 503 },
  timeout: { name: 'ModelTimeoutException', status: 408 },
  billing: { name: 'AccessDeniedException', status: 403 },
  server: { name: 'InternalServerException', status: 500 },
};

/**
 * A body of `{"message"}` with its exception's name in `__type`, where the header `x-amzn-errortype` or the frame of a
 * stream gave it. The name may have a namespace before and a link behind: `ns#ThrottlingException:http://…`.
 */
export function readFault(status: number | null, body: unknown): ProviderFault {
  const value = objectOf(body);
  const name = textOf(value['__type'])?.split(':')[0]!.split('#').at(-1) ?? null;
  const key = name?.replace(/Exception$/, '').toLowerCase() ?? '';
  const message = textOf(value['message']) ?? textOf(value['Message']) ?? textOf(body);
  return {
    type: (Object.hasOwn(BY_NAME, key) ? BY_NAME[key] : undefined) ?? faultTypeAt(status, BY_STATUS),
    status,
    message: faultMessage(message, status),
    code: name,
    field: null,
  };
}

export const encodeFault = (fault: ProviderFault) => ({
  status: OUT[fault.type].status,
  body: { __type: OUT[fault.type].name, message: fault.message },
});

/** As an event of that name; the binary framing makes an exception frame of it. */
export const streamFault = (fault: ProviderFault): string =>
  `event: exception\ndata: ${JSON.stringify(encodeFault(fault).body)}\n\n`;
