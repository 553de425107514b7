import { z } from 'zod';
import type { EpochMs } from '#kernel/brand.ts';
import { HeadgateError } from '#kernel/errors.ts';
import type { Budget } from '#ports/state-store.ts';
import { potOf } from '../core/budget.ts';
import { isEach } from '../core/scope-index.ts';
import { openingSpend } from '../rebuild.ts';
import { time, usd } from './fields.ts';
import { isoOrNull, jsonView } from './views.ts';

/** Only at creation: a pot that has been charged already would have to be counted anew. */
export const openingField = z
  .strictObject({
    spentUsd: usd,
    at: time.optional().describe('The instant at which it counts as spent; default: now.'),
    source: z.string().trim().min(1).max(64).describe('Who counted it.'),
  })
  .nullable()
  .default(null)
  .describe('Spent already by the count of an earlier gateway. It leaves the budget as spending of that instant does.');

export const openingOf = (given: z.output<typeof openingField>, now: EpochMs): Budget['opening'] =>
  given && { spentNanoUsd: given.spentUsd, at: given.at ?? now, source: given.source };

/** Throws a 400 where there is no one pot to count it in, or it is of the future. */
export function checkOpening({ opening, scope }: Budget, now: EpochMs): void {
  if (!opening) return;
  const wrong = (message: string) => new HeadgateError('invalid_request', { field: 'opening', message });
  if (isEach(scope)) throw wrong('A budget that is a pot for each of many has no one opening balance.');
  if (opening.at > now) throw wrong('opening.at: an opening balance was spent in the past.');
}

/** `counts`: still part of what is spent. */
export function openingView(budget: Budget, now: EpochMs): object | null {
  if (!budget.opening) return null;
  const counts = openingSpend({ budget, pot: potOf(budget) }, now).length > 0;
  return jsonView({ ...budget.opening, at: isoOrNull(budget.opening.at), counts }) as object;
}
