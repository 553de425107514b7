/** What an answer means for the events of a request. Pure. */
import type { Feed } from '#ports/feeds.ts';

export interface FeedAnswer {
  /** Null: no answer came. */
  readonly status: number | null;
  readonly retryAfter: string | null;
  /** Start of the body; '' where there is none. */
  readonly body: string;
}

export type FeedVerdict =
  /** All of them arrived. */
  | { readonly is: 'taken' }
  /** The receiver has these already, by their place in the request; the others are not taken yet. */
  | { readonly is: 'known'; readonly places: ReadonlySet<number> }
  /** Something among them is refused for good: alone it will be seen which. */
  | { readonly is: 'refused' }
  | { readonly is: 'again' };

/** The request itself is at fault. All else passes, or waits for the operator: a wrong token loses no entry. */
const REFUSED: ReadonlySet<number> = new Set([400, 413, 422]);

export function verdictOf({ kind }: Pick<Feed, 'kind'>, { status, body }: FeedAnswer): FeedVerdict {
  if (status !== null && status >= 200 && status < 300) return { is: 'taken' };
  if (status === null || !REFUSED.has(status)) return { is: 'again' };
  const places = kind === 'lago' && status === 422 ? knownPlaces(body) : new Set<number>();
  return places.size > 0 ? { is: 'known', places } : { is: 'refused' };
}

/**
 * Lago refuses a whole batch for an event that it has:
 * `{"error_details": {"3": {"transaction_id": ["value_already_exist"]}}}`.
 */
function knownPlaces(body: string): Set<number> {
  const known = new Set<number>();
  try {
    const { error_details: details } = JSON.parse(body) as { error_details?: Record<string, unknown> };
    for (const [place, fields] of Object.entries(details ?? {})) {
      const { transaction_id: why } = (fields ?? {}) as { transaction_id?: unknown };
      if (/^\d+$/.test(place) && Array.isArray(why) && why.includes('value_already_exist')) known.add(Number(place));
    }
  } catch {
    // No word of Lago's: it counts as any refusal.
  }
  return known;
}

const FIRST_MS = 500;
const LONGEST_MS = 60_000;
/** A receiver may ask for longer than our own back-off, and not for a day. */
const LONGEST_ASKED_MS = 300_000;

/**
 * @param failures requests for these events that have failed, this one among them
 * @param random in [0, 1)
 */
export function pauseMs({ retryAfter }: FeedAnswer, failures: number, random: number): number {
  const seconds = retryAfter === null ? NaN : Number(retryAfter);
  if (Number.isFinite(seconds) && seconds >= 0) return Math.min(seconds * 1000, LONGEST_ASKED_MS);
  const longest = Math.min(FIRST_MS * 2 ** Math.min(failures - 1, 10), LONGEST_MS);
  return longest / 2 + (longest / 2) * random;
}
