import type { Attribution } from '#capabilities/tenants/index.ts';
import type { OutcomeStatus } from '#ports/entry.ts';
import type { PolicyView } from '#wire/dialect.ts';
import { protocolOf, type Call, type Exchange } from '../call.ts';
import type { Gate } from '../gate.ts';
import { shownUsage } from '../prefix-cache/shown.ts';
import { redriveOf } from '../redrive/keep.ts';

/** A stream is kept to be read again where the caller or its feature asks for it. */
function wantsResume({ request, config, route }: Exchange, { feature }: Attribution, view: PolicyView): boolean {
  // What is read again is read as events in text.
  if (!view.stream || route.framing !== undefined) return false;
  if (request.headers['idempotency-key'] !== undefined) return true;
  const asked = request.headers['x-headgate-resume'];
  if (asked !== undefined) return asked === 'true' || asked === '1' || asked === 'redrive';
  return feature !== null && (config.file.features[feature]?.resume ?? false) !== false;
}

/** Opens the log of an answer that is to be read again, or that goes out over another protocol; nobody else pays for one. */
export function openStream(gate: Gate, call: Call, sent: Uint8Array): void {
  const { exchange, facts } = call;
  if (exchange.redrive) return exchange.redrive.begun(call);
  const resumable = wantsResume(exchange, facts.attribution, facts.view);
  if (!resumable && (exchange.carrier === null || !facts.view.stream)) return;
  const { tenant, key } = call.facts.caller;
  const end = (why: NonNullable<Call['ending']>): void => {
    call.ending ??= why;
    call.cancel?.();
  };
  call.stream = gate.streams.open({
    id: call.id,
    owner: { tenant: tenant.id, key: key.id },
    resumable,
    redrive: resumable ? redriveOf(gate, call, sent) : null,
    dialect: facts.dialect,
    // `useChat` takes a stream up again by the name of its chat.
    chat: facts.dialect.name === 'ai-sdk-ui' ? facts.view.sessionHint : null,
    about: {
      model: facts.view.model,
      feature: facts.attribution.feature,
      client: facts.attribution.client,
      protocol: protocolOf(exchange, true),
      startedAt: facts.at,
    },
    hooks: {
      usage: () => shownUsage(gate, call),
      cancel: (by) => end(by === 'operator' ? 'operator_cancelled' : 'client_cancelled'),
      fenced: () => end('fenced'),
      abandoned: () => end(resumable ? 'abandoned' : 'client_closed'),
    },
  });
  facts.once?.answer.passThrough(call.stream);
}

/** A call that failed before it had an answer to read again: whoever waits is told, and the entry has the rest. */
export function endUnread(gate: Gate, call: Call, status: OutcomeStatus): void {
  if (call.exchange.redrive) return call.exchange.redrive.failed();
  if (call.stream === null) return;
  call.stream.finish(status);
  gate.streams.forget(call.id);
}
