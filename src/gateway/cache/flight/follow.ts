import type { AttemptEnd } from '../../attempt.ts';
import { recordAdmission } from '../../admission.ts';
import type { Call } from '../../call.ts';
import type { Gate } from '../../gate.ts';
import type { Flight } from './flight.ts';
import { StreamFollowing } from './stream-following.ts';
import { WholeFollowing } from './whole-following.ts';

/** What came of waiting. `asks`: the call asks the provider after all. Null: its client left. */
export type Came = AttemptEnd | 'asks' | null;

/** Waits for the answer of another call, and gives it as it comes. The call has an entry of its own from here on. */
export async function follow(gate: Gate, call: Call, flight: Flight): Promise<Came> {
  const following = call.facts.view.stream
    ? new StreamFollowing(gate, call, flight)
    : new WholeFollowing(gate, call, flight);
  flight.join(following);
  try {
    await recordAdmission(gate, call, null);
    following.start();
    return await following.came;
  } finally {
    following.stop();
    flight.leave(following);
  }
}
