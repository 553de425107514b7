import { HeadgateError } from '#kernel/errors.ts';
import type { AttemptEnd } from '../../attempt.ts';
import type { Call } from '../../call.ts';
import type { Gate } from '../../gate.ts';
import { directives } from '../rules.ts';
import { cacheOf, countsOf } from '../turn.ts';
import { follow, type Came } from './follow.ts';

/** A client of less patience than this leads nobody: its time would be over in the middle of another's answer. */
const PATIENT_S = 60;

/** Takes the call to an answer that is being made; null: there is none, and from now on it makes one that others may wait for. */
export function takeOff(gate: Gate, call: Call): Promise<Came> | null {
  const draft = call.cache?.draft ?? null;
  if (draft === null) return null;
  const { singleFlight, maxEntryBytes } = cacheOf(call)!;
  const flight = singleFlight && !isAnew(call) ? gate.cache.flights.find(draft.key) : null;
  if (flight !== null) return follow(gate, call, flight);
  countsOf(gate, call).misses += 1;
  if (singleFlight && isPatient(call))
    call.flight = draft.tap = gate.cache.flights.lead(draft.key, call.id, maxEntryBytes);
  return null;
}

/** The caller wants none that was begun before it asked. */
function isAnew({ exchange: { request } }: Call): boolean {
  const { noCache, maxAgeS } = directives(request.headers['cache-control']);
  return noCache || maxAgeS === 0;
}

function isPatient({ exchange: { request, deadlineMono } }: Call): boolean {
  const seconds = Number(request.headers['x-stainless-timeout'] ?? NaN);
  return deadlineMono === null && !(seconds < PATIENT_S);
}

/** Tells those who wait for a call that it failed: one of them tries, or it is the failure of all. */
export function passFailureOn({ id, flight, attempts }: Call, end: AttemptEnd & { delivered: false }): void {
  flight?.failed(id, { end, record: attempts.at(-1)! }, isOfRequest(end));
}

export function passThrownOn({ id, flight }: Call, thrown: unknown): void {
  const error = thrown instanceof HeadgateError ? thrown : new HeadgateError('internal', {}, thrown);
  flight?.failed(id, { thrown: error }, error.row.status < 500 && !error.row.retryable);
}

/** The same bytes would fail again: nobody has to try. */
const isOfRequest = ({ failure, failed }: AttemptEnd & { delivered: false }): boolean =>
  failed.kind === 'network' ? failed.error.code === 'answer_withheld' : !failure.retryable;
