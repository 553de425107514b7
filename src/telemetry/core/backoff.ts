/** What to do after a request to a collector, as OTLP/HTTP says (https://opentelemetry.io/docs/specs/otlp/#failures). */
export type Verdict =
  | { readonly is: 'ok' }
  /** The collector refuses this data for good. */
  | { readonly is: 'rejected' }
  | { readonly is: 'retry'; readonly afterMs: number };

export interface Answered {
  /** Null: no answer came. */
  readonly status: number | null;
  readonly retryAfter: string | null;
}

const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);
const FIRST_MS = 1_000;
const LONGEST_MS = 30_000;
/** A collector may ask for longer than our own back-off, and not for a day. */
const LONGEST_ASKED_MS = 300_000;

/**
 * @param failures requests for this data that have failed before
 * @param random in [0, 1): spreads nodes that lost the same collector at the same moment
 */
export function verdictOf({ status, retryAfter }: Answered, failures: number, nowMs: number, random: number): Verdict {
  if (status !== null && status >= 200 && status < 300) return { is: 'ok' };
  if (status !== null && !RETRYABLE.has(status)) return { is: 'rejected' };
  const asked = retryAfter === null ? null : askedMs(retryAfter, nowMs);
  const own = Math.min(FIRST_MS * 2 ** Math.min(failures, 10), LONGEST_MS);
  return { is: 'retry', afterMs: asked ?? own / 2 + (own / 2) * random };
}

/** Seconds or an HTTP date; null where it is neither. */
function askedMs(text: string, nowMs: number): number | null {
  const seconds = Number(text);
  const wait = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(text) - nowMs;
  return Number.isFinite(wait) ? Math.min(Math.max(wait, 0), LONGEST_ASKED_MS) : null;
}
