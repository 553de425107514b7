/** Which protocol to use on a way, and under which conditions. Pure. */
import { duration } from '#kernel/format.ts';
import type { Delivery } from './delivery.ts';
import type { Heartbeat } from './heartbeat.ts';
import type { Idle } from './idle.ts';
import type { Measured, SseFacts } from './measured.ts';

export interface Recommendation {
  readonly protocol: 'sse' | 'websocket' | 'none';
  readonly says: string;
  /** What has to be done for it to hold. */
  readonly conditions: readonly string[];
}

/** Inter-token times are right with these. */
const USABLE: ReadonlySet<Delivery['kind']> = new Set(['streams', 'late', 'offset', 'first_held']);
/** Shorter than every idle time that is known of (streams.md 1c). */
const USUAL_BEAT_MS = 15_000;

export function recommend({ http, sse, websocket, http2 }: Measured): Recommendation {
  // What is told to readers holds for browsers and SDKs alike.
  const all = [sse, ...(http2 === null ? [] : [http2.sse])];
  const is = (holds: (one: SseFacts) => boolean): boolean => all.every(holds);
  const always = is(({ truncation }) => truncation.close === 'seen' && truncation.reset === 'seen')
    ? []
    : ['take no stream without its terminal event for whole'];
  const browsers =
    http.offersHttp2 === false
      ? ['browsers open six streams to an origin over HTTP/1.1: let the first hop speak HTTP/2']
      : [];
  const worst = all.toSorted((a, b) => (a.idle.cutAtMs ?? Infinity) - (b.idle.cutAtMs ?? Infinity))[0]!;
  const isHeld = all.find(({ heartbeat }) => heartbeat.kind !== 'reach') ?? worst;
  const beats = beatCondition(
    worst.idle,
    isHeld.heartbeat,
    is(({ cancel }) => cancel.kind === 'at_once'),
  );
  if (is(({ delivery }) => USABLE.has(delivery.kind))) {
    const offset = all.some(({ delivery }) => delivery.kind === 'offset')
      ? ['expect the first token late by what every event is held']
      : [];
    const conditions = [...beats, ...always, ...offset, ...browsers];
    return {
      protocol: 'sse',
      says: 'server-sent events: they come as they are sent, and every SDK speaks them',
      conditions,
    };
  }
  if (is(({ withHeader }) => USABLE.has(withHeader.kind))) {
    const header = 'send `X-Accel-Buffering: no`, without which they are held back';
    return {
      protocol: 'sse',
      says: 'server-sent events, with a header',
      conditions: [header, ...beats, ...always, ...browsers],
    };
  }
  if (websocket.upgrade.kind === 'opens' && websocket.delivery !== null && USABLE.has(websocket.delivery.kind)) {
    const pings = beatCondition(websocket.idle!, websocket.heartbeat!, websocket.cancel?.kind === 'at_once');
    return {
      protocol: 'websocket',
      says: 'WebSocket: server-sent events are held back here',
      conditions: [...pings, 'make calls over `/v1/stream`, since answers over plain HTTP are held back'],
    };
  }
  return { protocol: 'none', says: 'none as the way is: mend what holds events back first', conditions: [] };
}

function beatCondition({ kind, cutAtMs }: Idle, { kind: reach }: Heartbeat, learnsAtOnce: boolean): string[] {
  if (kind !== 'cut' && learnsAtOnce) return [];
  // Three chances before the cut.
  const everyMs = kind === 'cut' ? Math.min(USUAL_BEAT_MS, Math.floor(cutAtMs! / 3)) : USUAL_BEAT_MS;
  const why = kind === 'cut' ? `silence is cut after ${duration(cutAtMs)}` : 'a cancel in silence is not heard';
  const doubt = reach === 'reach' ? '' : ', and see that they reach the reader';
  return [`write a heartbeat every ${duration(everyMs)} (${why})${doubt}`];
}
