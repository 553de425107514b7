import type { StreamRedrive } from '#ports/stream-log.ts';
import { protocolOf, type Call } from '../call.ts';
import type { Gate } from '../gate.ts';
import { keptHeaders, sealRequest } from './kept-request.ts';

/** Does the caller, or else its feature, want another gate to go on where this one dies? */
function wantsRedrive({ exchange: { request, config }, facts: { attribution } }: Call): boolean {
  const asked = request.headers['x-headgate-resume'];
  if (asked !== undefined) return asked === 'redrive';
  const { feature } = attribution;
  return feature !== null && config.file.features[feature]?.resume === 'redrive';
}

/** The request, sealed for another gate; null: nobody is to go on with this stream, or it is too large to be kept. */
export function redriveOf(gate: Gate, call: Call, sent: Uint8Array): StreamRedrive | null {
  const { exchange, facts } = call;
  const { times, requestBytes } = exchange.config.file.stream.resume.redrive;
  // A caller's own login is kept nowhere.
  if (gate.streams.shared === null || times === 0 || facts.login !== null || !wantsRedrive(call)) return null;
  if (sent.length > requestBytes) return null;
  const { route, query, request, deadlineMono } = exchange;
  const protocol = protocolOf(exchange, true);
  const kept = {
    ...{ route, query, headers: keptHeaders(request.headers), body: Buffer.from(sent) },
    protocol: protocol === 'http' ? 'sse' : protocol,
    deadlineAt: deadlineMono === null ? null : gate.clock.now() + deadlineMono - gate.clock.mono(),
    estimatedInputTokens: facts.reservation.estimatedInputTokens,
  } as const;
  const sealed = sealRequest(kept, facts.caller.tenant.secret, call.id);
  return { request: sealed, times };
}
