/** How providers did of late, from the attempts of recent calls. Pure. */
import type { Attempt, LedgerEntry } from '#ports/entry.ts';

export interface ProviderHealth {
  readonly attempts: number;
  readonly failed: number;
  /** Time to the head of an answer; null: none came. */
  readonly headersMs: { readonly p50: number; readonly p99: number } | null;
  /** Newest first. */
  readonly lastErrors: readonly ProviderError[];
  readonly lastOkAt: string | null;
}

export interface ProviderError {
  readonly at: string;
  readonly call: string;
  readonly deployment: string;
  readonly status: string;
  readonly httpStatus: number | null;
  readonly errorCode: string | null;
}

const MOST_ERRORS = 5;
/** The caller left, or a limit of ours ended it: not the provider's doing. */
const NOT_ITS_FAULT: ReadonlySet<string> = new Set(['ok', 'cancelled', 'refused', 'interrupted', 'internal_error']);

interface Seen {
  readonly entry: LedgerEntry;
  readonly attempt: Attempt;
}

/** By provider; a call counts at each provider that it tried. `entries` newest first. */
export function healthOf(entries: readonly LedgerEntry[]): ReadonlyMap<string, ProviderHealth> {
  const seen = entries.flatMap((entry) => entry.attempts.map((attempt): Seen => ({ entry, attempt })));
  const byProvider = Map.groupBy(seen, ({ attempt }) => attempt.provider);
  return new Map([...byProvider].map(([provider, attempts]) => [provider, summary(attempts)]));
}

function summary(seen: readonly Seen[]): ProviderHealth {
  const failed = seen.filter(({ attempt }) => !NOT_ITS_FAULT.has(attempt.status));
  const ok = seen.find(({ attempt }) => attempt.status === 'ok');
  const headers = seen.flatMap(({ attempt }) => (attempt.timing.headersMs === null ? [] : [attempt.timing.headersMs]));
  return {
    attempts: seen.length,
    failed: failed.length,
    headersMs: quantiles(headers),
    lastErrors: failed.slice(0, MOST_ERRORS).map(errorOf),
    lastOkAt: ok ? momentOf(ok) : null,
  };
}

const momentOf = ({ entry, attempt }: Seen): string => new Date(entry.at + attempt.startedMs).toISOString();

const errorOf = (seen: Seen): ProviderError => ({
  at: momentOf(seen),
  call: seen.entry.id,
  deployment: seen.attempt.deployment,
  status: seen.attempt.status,
  httpStatus: seen.attempt.httpStatus,
  errorCode: seen.attempt.errorCode,
});

function quantiles(values: readonly number[]): { p50: number; p99: number } | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]!;
  return { p50: at(0.5), p99: at(0.99) };
}
