import { Readable } from 'node:stream';
import { HeadgateError } from '#kernel/errors.ts';
import {
  headersOf,
  storedPathOf,
  type Provider,
  type UpstreamFailure,
  type UpstreamRequest,
} from '#providers/index.ts';
import type { UpstreamHeaders } from '../attempt.ts';
import type { Gate } from '../gate.ts';
import type { StoredFamily } from './routes.ts';

/** A request to a provider about something that it keeps. */
export interface StoredRequest {
  readonly provider: Provider;
  readonly family: StoredFamily;
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** After the base URL, without a query. */
  readonly path: string;
  /** The client's own query; '' where the request is the gate's own. */
  readonly query?: string;
  /** Headers of the client: those on the provider's list cross. */
  readonly headers?: UpstreamHeaders;
  readonly body?: Uint8Array | Readable | null;
  /** Default: JSON where there is a body. */
  readonly contentType?: string;
}

/** A provider's answer from its headers on. The body waits until it is read. */
export interface UpstreamAnswer {
  readonly status: number;
  readonly headers: UpstreamHeaders;
  readonly body: Readable;
}

/** Sends a request and resolves with the head of its answer. Rejects with a HeadgateError where none came. */
export function ask(gate: Gate, request: StoredRequest): Promise<UpstreamAnswer> {
  return new Promise((resolve, reject) => {
    let body: Readable | null = null;
    const control = gate.transport.send(upstreamRequest(request), {
      connected: () => undefined,
      headers: (status, headers) => {
        body = new Readable({
          read: () => control.resume(),
          destroy: (error, done) => {
            control.abort();
            done(error);
          },
        });
        resolve({ status, headers, body });
      },
      data: (chunk) => body!.push(chunk),
      end: () => void body!.push(null),
      fail: (failure) => (body ? body.destroy(errorOf(failure)) : reject(errorOf(failure))),
    });
  });
}

function upstreamRequest({ provider, family, query = '', headers = {}, ...request }: StoredRequest): UpstreamRequest {
  const body = request.body ?? null;
  return {
    origin: provider.origin,
    path: storedPathOf(provider, request.path, query),
    method: request.method,
    headers: headersFor(headersOf(provider, headers), family, body === null ? null : request.contentType),
    body,
    timers: provider.timers,
  };
}

/** The provider's headers with the body's own type, and without those of the other family (the lab speaks both). */
function headersFor(flat: readonly string[], family: StoredFamily, contentType: string | null | undefined): string[] {
  const out: string[] = [];
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i]!;
    if (name === 'content-type' || (family === 'openai' && name.startsWith('anthropic-'))) continue;
    out.push(name, flat[i + 1]!);
  }
  if (contentType !== null) out.push('content-type', contentType ?? 'application/json');
  return out;
}

function errorOf(failure: UpstreamFailure): HeadgateError {
  const timeout = failure.kind === 'timeout';
  const message = timeout
    ? `The provider did not answer in time (${failure.code} timer).`
    : failure.kind === 'connect'
      ? 'The provider cannot be reached.'
      : 'The provider closed the connection before it answered.';
  return new HeadgateError(timeout ? 'provider_timeout' : 'provider_error', { message }, failure);
}

/** Was the request on the wire before it failed, so that the provider may have done what it asks? */
export const maybeSent = (error: unknown): boolean =>
  (error as { cause?: Partial<UpstreamFailure> }).cause?.sent !== false;

/** The body whole, at most `limit` bytes; more is a `provider_error`. */
export async function collect(answer: UpstreamAnswer, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer.body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > limit) {
      answer.body.destroy();
      throw new HeadgateError('provider_error', { message: 'The answer is too large.' });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
