/** Health of providers, from the attempts that calls made at them. Pure. */
import type { Attempt, LedgerEntry } from '#ports/entry.ts';

export interface ProviderHealth {
  readonly attempts: number;
  /** Attempts that the provider or the way to it failed; a request that it refuses as wrong is none. */
  readonly failed: number;
  /** Median time to the first token of those that worked; null: none was measured. */
  readonly firstTokenP50Ms: number | null;
  /** What the failures were, the most frequent first: `529 overloaded_error`. */
  readonly errors: readonly { readonly what: string; readonly count: number }[];
  readonly lastError: {
    /** ISO time. */
    readonly at: string;
    readonly call: string;
    readonly status: Attempt['status'];
    readonly httpStatus: number | null;
    readonly code: string | null;
  } | null;
}

export type KeyState =
  /** The reference leads somewhere. */
  | 'present'
  /** The provider needs a key, and none is found from here. */
  | 'missing'
  /** The provider needs none, and none is configured. */
  | 'none';

export interface ProviderView {
  readonly name: string;
  readonly kind: string;
  readonly baseUrl: string | null;
  /** As the file writes it: `${env:OPENAI_API_KEY}`. Never the key. */
  readonly keyReference: string | null;
  readonly key: KeyState;
  /** Names that callers ask for and that it serves. */
  readonly models: readonly string[];
  readonly health: ProviderHealth;
}

const FAILED: ReadonlySet<Attempt['status']> = new Set(['provider_error', 'timeout', 'truncated', 'interrupted']);

/** What a provider says about the request itself. A refused key, a limit and a timeout are its state, and count. */
const ABOUT_THE_REQUEST: ReadonlySet<number> = new Set([400, 404, 405, 413, 415, 422]);
const hasFailed = ({ status, httpStatus }: Attempt): boolean =>
  FAILED.has(status) && !ABOUT_THE_REQUEST.has(httpStatus ?? 0);

export function healthOf(name: string, calls: readonly LedgerEntry[]): ProviderHealth {
  const made = calls.flatMap((entry) =>
    entry.attempts.filter(({ provider }) => provider === name).map((attempt) => ({ entry, attempt })),
  );
  const failed = made.filter(({ attempt }) => hasFailed(attempt));
  const last = failed.toSorted((a, b) => startOf(b) - startOf(a))[0];
  return {
    attempts: made.length,
    failed: failed.length,
    firstTokenP50Ms: median(made.flatMap(({ attempt }) => attempt.timing.firstTokenMs ?? [])),
    errors: errorsOf(failed),
    lastError: last
      ? {
          at: new Date(startOf(last)).toISOString(),
          call: last.entry.id,
          status: last.attempt.status,
          httpStatus: last.attempt.httpStatus,
          code: last.attempt.errorCode,
        }
      : null,
  };
}

export const errorText = ({
  httpStatus,
  status,
  errorCode,
}: Pick<Attempt, 'httpStatus' | 'status' | 'errorCode'>): string =>
  [httpStatus === null ? status : String(httpStatus), errorCode ?? ''].filter(Boolean).join(' ');

const errorsOf = (failed: readonly Made[]): ProviderHealth['errors'] =>
  [...Map.groupBy(failed, ({ attempt }) => errorText(attempt))]
    .map(([what, all]) => ({ what, count: all.length }))
    .sort((a, b) => b.count - a.count);

interface Made {
  readonly entry: LedgerEntry;
  readonly attempt: Attempt;
}
const startOf = ({ entry, attempt }: Made): number => entry.at + attempt.startedMs;

function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}
