/**
 * What an alert is, from look to look: `(state, readings, time that passed) -> [state, events]`. Time is what has
 * passed on the monotonic clock between two looks, never the difference of two wall clocks: a clock that jumps fires
 * nothing and resolves nothing.
 */
import { instanceOf, type Reading } from './reading.ts';

/** One thing that a rule has found. What holds no longer and never fired is no instance. */
export interface Instance {
  readonly labels: Readonly<Record<string, string>>;
  readonly phase: 'pending' | 'firing';
  /** So long it has held, in looks of ours. */
  readonly heldMs: number;
  /** So long it has not held since it last did; a firing one is resolved once it is long enough. */
  readonly overMs: number;
  /** Since the last message about it. */
  readonly quietMs: number;
  /** Wall clock of the first look that found it; for people. */
  readonly since: number;
  /** Wall clock at which it fired; null: it has not. */
  readonly firedAt: number | null;
  readonly value: number | null;
  readonly text: string;
}

export type Instances = Readonly<Record<string, Instance>>;

export type AlertEvent = 'firing' | 'repeat' | 'resolved';

export interface Change {
  readonly event: AlertEvent;
  readonly instance: Instance;
}

export interface RuleTimes {
  /** It must hold for so long before it fires, and be over for so long before it is resolved. */
  readonly forMs: number;
  readonly repeatMs: number;
}

export interface Look {
  readonly readings: readonly Reading[];
  /** Monotonic milliseconds since the look before; 0 for the first one of a process. */
  readonly passedMs: number;
  /** Wall clock, for people alone. */
  readonly now: number;
}

export interface Stepped {
  readonly instances: Instances;
  readonly changes: readonly Change[];
  /** Readings that held and found no room. */
  readonly leftOut: number;
}

/** Instances of one rule that are kept: a rule over keys may find thousands. */
export const MOST_INSTANCES = 200;

export function step(before: Instances, { readings, passedMs, now }: Look, times: RuleTimes): Stepped {
  const found = new Map(readings.map((reading) => [instanceOf(reading), reading]));
  const instances: Record<string, Instance> = {};
  const changes: Change[] = [];
  let [kept, leftOut] = [0, 0];
  const keep = (name: string, next: Instance | null, event: AlertEvent | null): void => {
    if (event) changes.push({ event, instance: next ?? { ...before[name]!, overMs: before[name]!.overMs + passedMs } });
    if (!next) return;
    instances[name] = next;
    kept += 1;
  };
  for (const [name, instance] of Object.entries(before)) {
    const [next, event] = advance(instance, found.get(name), passedMs, times);
    keep(name, next, event);
  }
  for (const [name, reading] of found) {
    if (name in before || !reading.breached) continue;
    if (kept >= MOST_INSTANCES) leftOut += 1;
    else {
      const [next, event] = appear(reading, now, times);
      keep(name, next, event);
    }
  }
  return { instances, changes, leftOut };
}

function appear({ labels, value, text }: Reading, now: number, { forMs }: RuleTimes): [Instance, AlertEvent | null] {
  const seen = { labels, value, text, heldMs: 0, overMs: 0, quietMs: 0, since: now };
  if (forMs > 0) return [{ ...seen, phase: 'pending', firedAt: null }, null];
  return [{ ...seen, phase: 'firing', firedAt: now }, 'firing'];
}

function advance(
  instance: Instance,
  reading: Reading | undefined,
  passedMs: number,
  times: RuleTimes,
): [Instance | null, AlertEvent | null] {
  const quietMs = instance.quietMs + passedMs;
  if (!reading?.breached) return fade({ ...instance, quietMs }, reading, passedMs, times);
  const held = {
    ...instance,
    heldMs: instance.heldMs + passedMs,
    overMs: 0,
    quietMs,
    value: reading.value,
    text: reading.text,
  };
  if (held.phase === 'pending') {
    if (held.heldMs < times.forMs) return [held, null];
    return [{ ...held, phase: 'firing', firedAt: held.since + held.heldMs, quietMs: 0 }, 'firing'];
  }
  return quietMs >= times.repeatMs ? [{ ...held, quietMs: 0 }, 'repeat'] : [held, null];
}

/** It does not hold now. What never fired is gone at once; what fired is over after as long as it took to fire. */
function fade(
  instance: Instance,
  reading: Reading | undefined,
  passedMs: number,
  { forMs }: RuleTimes,
): [Instance | null, AlertEvent | null] {
  if (instance.phase === 'pending') return [null, null];
  const overMs = instance.overMs + passedMs;
  // Too few calls to say anything: it stays as it is for a while longer, which a clock that jumped needs.
  const silent = reading === undefined || reading.value === null;
  if (overMs < Math.max(forMs, silent ? SILENT_MS : 0)) return [{ ...instance, overMs }, null];
  return [null, 'resolved'];
}

/** After this long without a word, a firing alert is over. */
export const SILENT_MS = 120_000;
