import { addUsd, maxUsd, subUsd, ZERO_USD, type NanoUsd } from '#kernel/money.ts';
import type { Budget } from '#ports/state-store.ts';
import { largestAmount } from './core/reservation.ts';
import type { OpenReservation } from './open-reservation.ts';

/** How far `bounded` budgets may be overspent by the calls in flight, at the most. */
export interface Overshoot {
  readonly callsInFlight: number;
  /** Calls whose model has no price: their part is not known. */
  readonly unpricedCalls: number;
  readonly totalNanoUsd: NanoUsd;
  readonly budgets: readonly { readonly budget: Budget; readonly calls: number; readonly overshootNanoUsd: NanoUsd }[];
}

interface Part {
  readonly budget: Budget;
  calls: number;
  overshootNanoUsd: NanoUsd;
}

/** Sum over the calls in flight of what their largest answer costs beyond what is held. */
export function overshootOf(open: Iterable<OpenReservation>): Overshoot {
  const parts = new Map<string, Part>();
  let [callsInFlight, unpricedCalls, totalNanoUsd] = [0, 0, ZERO_USD];
  for (const one of open) {
    callsInFlight++;
    const worst = largestAmount(one.call.size, one.call.serving);
    if (worst === null && one.hold) unpricedCalls++;
    if (worst === null || !one.hold) continue;
    totalNanoUsd = addUsd(totalNanoUsd, addCall(parts, one, worst));
  }
  return { callsInFlight, unpricedCalls, totalNanoUsd, budgets: [...parts.values()] };
}

/** Adds one call to each of its bounded budgets; returns its largest part. */
function addCall(parts: Map<string, Part>, { budgets, hold }: OpenReservation, worst: NanoUsd): NanoUsd {
  let largest = ZERO_USD;
  budgets.forEach(({ budget, pot }, i) => {
    if (budget.mode === 'strict') return;
    const over = maxUsd(ZERO_USD, subUsd(worst, hold!.pots[i]!.heldNanoUsd));
    const part = parts.get(pot) ?? { budget, calls: 0, overshootNanoUsd: ZERO_USD };
    part.calls++;
    part.overshootNanoUsd = addUsd(part.overshootNanoUsd, over);
    parts.set(pot, part);
    largest = maxUsd(largest, over);
  });
  return largest;
}
