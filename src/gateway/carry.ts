import { HeadgateError } from '#kernel/errors.ts';
import type { Exchange } from './call.ts';
import type { ClientResponse } from './client.ts';
import type { Gate } from './gate.ts';
import { serveCall } from './pipeline.ts';
import { asHeadgateError, limitHeadersOf, refuse } from './refuse.ts';
import type { Family } from './routes.ts';

/** Takes a call from its head to its end, whatever protocol brought it: every failure becomes an answer. */
export async function carry(gate: Gate, exchange: Exchange): Promise<void> {
  try {
    if (exchange.route.refused) throw exchange.route.refused;
    if (gate.draining) throw new HeadgateError('draining', { retryAfterMs: 1_000 });
    await serveCall(gate, exchange);
  } catch (thrown) {
    fail(gate, exchange.response, exchange.route.family, thrown, exchange);
  }
}

const NOBODY = { callId: null, tenant: null, reservation: null } as const;

/** Answers what was thrown in the words of the client's own SDK, and counts it. */
export function fail(
  gate: Gate,
  response: ClientResponse,
  family: Family,
  thrown: unknown,
  exchange: Pick<Exchange, 'callId' | 'tenant' | 'reservation'> = NOBODY,
): void {
  const error = asHeadgateError(thrown);
  gate.meter.refused(error.code, exchange.tenant, gate.clock.now());
  if (error.code === 'internal') gate.log.error({ err: thrown }, 'a call failed by a mistake of ours');
  if (gate.draining && !response.headersSent) response.setHeader('connection', 'close');
  refuse(response, family, error, exchange.callId, limitHeadersOf(gate, exchange));
}
