/** Whether a way passes events on as they are sent, from when each was sent and when it came. Pure. */
import { median, type Arrival, type StreamSample } from './sample.ts';

/**
 * - `streams`: each event comes as it is sent.
 * - `whole`: nothing comes before the origin has sent its last event.
 * - `batches`: events come in groups, throughout the stream.
 * - `offset`: every event is held for the same time, as long as the stream goes on: gaps between tokens look right,
 *   and the time to the first token is wrong by that much.
 * - `first_held`: the first events are held for a while, the rest is on time.
 * - `late`: every event is later than an answer of one piece on the same way.
 * - `mixed`: some streams are held whole and others are not: there is more than one hop at that place.
 * - `nothing`: the answer came, and no event of it within the time of the probe.
 * - `cut`: the stream ended before its last event, though the origin sent it.
 * - `stalls`: some events came, and then none.
 */
export type DeliveryKind =
  | 'streams'
  | 'whole'
  | 'batches'
  | 'offset'
  | 'first_held'
  | 'late'
  | 'mixed'
  | 'nothing'
  | 'cut'
  | 'stalls'
  | 'unknown';

export interface Delivery {
  readonly kind: DeliveryKind;
  /** How long the first event was held; null where none came. */
  readonly firstHeldMs: number | null;
  readonly worstHeldMs: number | null;
  /** By how much every event is later than the round trip. */
  readonly addedMs: number | null;
  readonly headersMs: number | null;
  /** Groups in which the events came. */
  readonly bursts: number | null;
  readonly events: number;
  readonly samples: number;
}

/** A busy machine delays an event by some tens of milliseconds; what hops do on purpose is 200 ms and more. */
export const TOLERANCE_MS = 100;

/** A stream that is held whole is told from a machine that stood still when it is longer than this. */
const LONG_MS = 1_500;

const NONE = { firstHeldMs: null, worstHeldMs: null, addedMs: null, headersMs: null, bursts: null, events: 0 };

/**
 * Samples of the same question, `expected` events each. `roundTripMs` is that of a small answer; null: not measured,
 * and a constant delay cannot be told from a long way.
 */
export function deliveryOf(
  samples: readonly StreamSample[],
  { expected, roundTripMs }: { readonly expected: number; readonly roundTripMs: number | null },
): Delivery {
  const answered = samples.filter(({ status }) => status === 200);
  const whole = answered.filter(({ events }) => events.length === expected && expected > 1);
  // One whole stream among broken ones is luck.
  if (whole.length * 2 <= answered.length) return { ...NONE, kind: brokenKind(answered), samples: answered.length };
  // A busy machine delays an event now and then: the least of all samples is free of that. Where a hop does hold events,
  // a late origin makes a held one early, and the middle is what the hop does.
  const best = shapeOf(whole, { expected, roundTripMs, of: (values) => Math.min(...values) });
  const isFree = best.kind === 'streams' || best.kind === 'late';
  const { kind, ...shape } = isFree ? best : shapeOf(whole, { expected, roundTripMs, of: (values) => median(values)! });
  return {
    kind: kind === 'streams' && whole.some(isHeldWhole) ? 'mixed' : kind,
    ...shape,
    headersMs: median(whole.flatMap(({ headersMs }) => headersMs ?? [])),
    events: expected,
    samples: whole.length,
  };
}

interface ShapeAsk {
  readonly expected: number;
  readonly roundTripMs: number | null;
  /** One value of event n from those of all samples. */
  readonly of: (values: readonly number[]) => number;
}

function shapeOf(samples: readonly StreamSample[], { expected, roundTripMs, of }: ShapeAsk) {
  const each = (take: (arrival: Arrival) => number): number[] =>
    Array.from({ length: expected }, (_, n) => of(samples.map(({ events }) => take(events[n]!))));
  const sent = each(({ sentMs }) => sentMs);
  const lag = each(({ sentMs, gotMs }) => gotMs - sentMs);
  const base = Math.min(...lag);
  const held = lag.map((value) => value - base);
  const got = sent.map((at, n) => at + held[n]!);
  const groups = burstsOf(got, sent);
  const addedMs = roundTripMs === null ? null : Math.max(0, base - roundTripMs);
  const kind = kindOf({ sent, held, got, groups, addedMs });
  return { kind, firstHeldMs: held[0]!, worstHeldMs: Math.max(...held), addedMs, bursts: groups.length };
}

function brokenKind(answered: readonly StreamSample[]): DeliveryKind {
  const short = answered.filter(({ end }) => end !== 'complete');
  if (short.length === 0) return 'unknown';
  if (short.every(({ end }) => end === 'aborted' || end === 'clean')) return 'cut';
  return short.every(({ events }) => events.length === 0) ? 'nothing' : 'stalls';
}

/** Nothing before the origin's last event: no noise of a machine looks so. */
function isHeldWhole({ events }: StreamSample): boolean {
  const lastSent = events.at(-1)!.sentMs;
  const wayMs = Math.min(...events.map(({ sentMs, gotMs }) => gotMs - sentMs));
  return lastSent - events[0]!.sentMs > LONG_MS && events[0]!.gotMs - wayMs >= lastSent;
}

/** Indexes of the events by the groups in which they came. */
function burstsOf(got: readonly number[], sent: readonly number[]): number[][] {
  const groups: number[][] = [[0]];
  for (let n = 1; n < got.length; n++) {
    const apart = got[n]! - got[n - 1]!;
    // Sent together is no group of a hop's making.
    if (apart < (sent[n]! - sent[n - 1]!) / 4) groups.at(-1)!.push(n);
    else groups.push([n]);
  }
  return groups;
}

interface Measured {
  readonly sent: readonly number[];
  readonly held: readonly number[];
  readonly got: readonly number[];
  readonly groups: readonly (readonly number[])[];
  readonly addedMs: number | null;
}

function kindOf({ sent, held, got, groups, addedMs }: Measured): DeliveryKind {
  if (Math.max(...held) <= TOLERANCE_MS) return addedMs !== null && addedMs > TOLERANCE_MS ? 'late' : 'streams';
  const lastSent = sent.at(-1)!;
  if (lastSent - sent[0]! > 2 * TOLERANCE_MS && got[0]! >= lastSent - TOLERANCE_MS) return 'whole';
  if (isOffset(held)) return 'offset';
  const first = groups[0]!;
  const rest = held.slice(first.length);
  if (rest.length > 0 && rest.every((ms) => ms <= TOLERANCE_MS)) return 'first_held';
  return 'batches';
}

/** A timer of a hop's or of its kernel's (TCP_CORK: 200 ms). The end of the stream releases what waits with it. */
function isOffset(held: readonly number[]): boolean {
  const going = held.slice(0, -1);
  const usual = median(going)!;
  return usual > TOLERANCE_MS && going.every((ms) => Math.abs(ms - usual) <= TOLERANCE_MS / 2);
}
