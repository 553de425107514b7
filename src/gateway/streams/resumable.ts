import type { Attribution } from '#capabilities/tenants/index.ts';
import type { OutcomeStatus } from '#ports/entry.ts';
import type { PolicyView } from '#wire/dialect.ts';
import type { Call, Exchange } from '../call.ts';
import type { Gate } from '../gate.ts';

/** A stream is kept to be read again where the caller or its feature asks for it; nobody else pays for a log. */
export function wantsResume({ request, config, route }: Exchange, { feature }: Attribution, view: PolicyView): boolean {
  // What is read again is read as events in text.
  if (!view.stream || route.framing !== undefined) return false;
  const asked = request.headers['x-headgate-resume'];
  if (asked !== undefined) return asked === 'true' || asked === '1';
  return feature !== null && config.file.features[feature]?.resume === true;
}

/** Opens the log of a call's answer. Its id is the call's. */
export function openStream(gate: Gate, call: Call): void {
  const { tenant, key } = call.facts.caller;
  const end = (why: 'client_cancelled' | 'abandoned'): void => {
    call.ending ??= why;
    call.cancel?.();
  };
  call.stream = gate.streams.open(
    call.id,
    { tenant: tenant.id, key: key.id },
    { cancel: () => end('client_cancelled'), abandoned: () => end('abandoned') },
  );
}

/** A call that failed before it had an answer to read again: whoever waits is told, and the entry has the rest. */
export function endUnread(gate: Gate, call: Call, status: OutcomeStatus): void {
  if (call.stream === null) return;
  call.stream.finish(status);
  gate.streams.forget(call.id);
}
