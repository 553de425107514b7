import { pipeline } from 'node:stream/promises';
import type { Provider } from '#providers/index.ts';
import { answerHeaders, maskKeys } from '../headers.ts';
import type { Mask } from '../prefix-cache/shown.ts';
import { UNHELD_HEAD } from '../streams/stream-head.ts';
import type { StoredExchange } from './exchange.ts';
import { shownStream } from './shown.ts';
import { collect, type UpstreamAnswer } from './upstream.ts';

/** Error bodies beyond this are no provider's. */
const ERROR_BODY_BYTES = 256 * 1024;
/** Of an answer's own description these cross, beside what `answerHeaders` lets through. */
const DESCRIPTION = ['content-type', 'content-length', 'content-disposition'] as const;

export const succeeded = ({ status }: UpstreamAnswer): boolean => status >= 200 && status < 300;

/** Passes a provider's answer on as it comes, as fast as the client reads it; with a mask, what is shown of it. */
export async function pass(
  exchange: StoredExchange,
  provider: Provider,
  answer: UpstreamAnswer,
  mask: Mask | null = null,
): Promise<void> {
  if (!succeeded(answer)) return passError(exchange, provider, answer);
  const { response } = exchange;
  const described = DESCRIPTION.flatMap((name) => {
    const value = answer.headers[name];
    return typeof value === 'string' && !(mask && name === 'content-length') ? [name, value] : [];
  });
  const type = String(answer.headers['content-type']);
  const streams = type.startsWith('text/event-stream');
  response.writeHead(answer.status, [
    ...described,
    ...(streams ? UNHELD_HEAD : []),
    ...headOf(exchange, provider, answer),
  ]);
  if (streams) response.flushHeaders();
  const passing = mask
    ? pipeline(answer.body, shownStream(mask, type, exchange.route.family), response)
    : pipeline(answer.body, response);
  await passing.catch(() => response.destroy());
}

/** The provider's own error, status and body, without fragments of the credential. A redirect is never passed on. */
export async function passError(exchange: StoredExchange, provider: Provider, answer: UpstreamAnswer): Promise<void> {
  const body = await collect(answer, ERROR_BODY_BYTES);
  const masked = Buffer.from(maskKeys(body.toString('latin1'), provider), 'latin1');
  const type = String(answer.headers['content-type'] ?? 'application/json');
  sendBytes(exchange, answer.status < 400 ? 502 : answer.status, masked, [
    ...['content-type', type, 'x-headgate-error-source', 'provider'],
    ...headOf(exchange, provider, answer),
  ]);
}

/** A whole body that was read, or made, here. */
export function sendJson(exchange: StoredExchange, body: Buffer | string, more: readonly string[] = []): void {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  sendBytes(exchange, 200, bytes, ['content-type', 'application/json', ...more]);
}

function sendBytes({ response }: StoredExchange, status: number, body: Buffer, head: readonly string[]): void {
  if (response.destroyed) return;
  response.writeHead(status, [...head, 'content-length', String(body.length)]);
  response.end(body);
}

/** Headers of the answer that cross to this caller. */
export const headOf = ({ caller }: StoredExchange, provider: Provider, { headers }: UpstreamAnswer): string[] =>
  answerHeaders(headers, provider, caller.key.operator);
