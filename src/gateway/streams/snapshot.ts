import { setImmediate as nextTurn } from 'node:timers/promises';
import { Snapshot, type LiveStream, type SnapshotState } from '#capabilities/streams/index.ts';

/** Events that are read in one turn of the loop: a log of a hundred thousand must not hold up everybody else. */
const EVENTS_A_TURN = 256;

/**
 * What a stream's answer is after its first `upTo` events: what a reader needs that comes without the events before,
 * and goes on with the rest. Null: the log does not have them.
 */
export async function snapshotOf(stream: LiveStream, upTo: number): Promise<SnapshotState | null> {
  const snapshot = new Snapshot();
  let events = 0;
  for (const steps of stream.stepsUpTo(upTo)) {
    for (const step of steps) snapshot.take(step);
    if (++events % EVENTS_A_TURN === 0) await nextTurn();
  }
  return events === upTo ? snapshot.get() : null;
}
