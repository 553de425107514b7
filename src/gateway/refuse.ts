import {
  anthropicErrorBody,
  awsErrorBody,
  awsErrorName,
  errorHeaders,
  googleErrorBody,
  openaiErrorBody,
} from '#kernel/error-render.ts';
import { HeadgateError } from '#kernel/errors.ts';
import type { Exchange } from './call.ts';
import type { ClientResponse } from './client.ts';
import type { Gate } from './gate.ts';
import type { Family } from './routes.ts';

const BODIES: Readonly<Record<Family, (error: HeadgateError, callId: string | null) => object>> = {
  openai: openaiErrorBody,
  anthropic: anthropicErrorBody,
  google: googleErrorBody,
  bedrock: awsErrorBody,
};

/** An error of ours as the client's own SDK expects it. Does nothing where the client has gone. */
export function refuse(
  response: ClientResponse,
  family: Family,
  error: HeadgateError,
  callId: string | null,
  more: readonly string[] = [],
): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const body = Buffer.from(JSON.stringify(BODIES[family](error, callId)));
  const headers = [
    ...Object.entries(errorHeaders(error)).flat(),
    ...(family === 'bedrock' ? ['x-amzn-errortype', awsErrorName(error)] : []),
    ...['content-type', 'application/json', 'content-length', String(body.length)],
    ...(callId === null ? [] : idHeaders(family, callId)),
    ...more,
  ];
  // The rest of an unread body would be taken for the next request.
  if (response.req?.complete === false) headers.push('connection', 'close');
  response.writeHead(error.row.status, headers);
  response.end(body);
}

const ID_HEADERS: Readonly<Record<Family, string>> = {
  openai: 'x-request-id',
  anthropic: 'request-id',
  google: 'x-request-id',
  bedrock: 'x-amzn-requestid',
};

/** The call id under Headgate's own name and under the one that the SDK shows, as a flat list of names and values. */
export const idHeaders = (family: Family, callId: string): readonly string[] => [
  'x-headgate-call-id',
  callId,
  ID_HEADERS[family],
  callId,
];

/** `x-ratelimit-…` of an admitted call to which limits apply. */
export const limitHeadersOf = (
  { clock }: Pick<Gate, 'clock'>,
  { reservation }: Pick<Exchange, 'reservation'>,
): readonly string[] => reservation?.limitHeaders(clock.now()) ?? [];

/** Anything thrown as an error of the table; what we did not expect is `internal`, and its text stays inside. */
export const asHeadgateError = (thrown: unknown): HeadgateError =>
  thrown instanceof HeadgateError ? thrown : new HeadgateError('internal', {}, thrown);
