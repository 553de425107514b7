import type { Attempt, LedgerEntry } from '#ports/entry.ts';

/** One way in which attempts at a deployment fail. */
export interface FailingWay {
  readonly deployment: string;
  readonly provider: string;
  readonly status: string;
  readonly httpStatus: number | null;
  readonly errorCode: string | null;
  readonly count: number;
}

/** A deployment of which attempts failed. */
export interface Failing {
  readonly deployment: string;
  readonly provider: string;
  readonly attempts: number;
  readonly failed: number;
  /** The most frequent first. */
  readonly ways: readonly FailingWay[];
}

/** What a provider says about the request itself is the caller's to mend; a limit or a refused key is its state. */
const ABOUT_THE_REQUEST: ReadonlySet<number> = new Set([400, 404, 405, 413, 415, 422]);
const NOT_ITS_FAULT: ReadonlySet<string> = new Set(['ok', 'cancelled', 'refused', 'interrupted', 'internal_error']);

export const attemptFailed = (status: string, httpStatus: number | null): boolean =>
  !NOT_ITS_FAULT.has(status) && !(status === 'provider_error' && ABOUT_THE_REQUEST.has(httpStatus ?? 0));

/** From calls, also those that a fallback has saved. */
export function failingOf(calls: readonly LedgerEntry[]): Failing[] {
  const counts = new Counts();
  for (const { attempts } of calls) for (const attempt of attempts) counts.add(attempt, 1);
  return counts.list();
}

type Way = Pick<Attempt, 'deployment' | 'provider' | 'status' | 'httpStatus' | 'errorCode'>;

/** Attempts by deployment, and the ways in which they failed. */
export class Counts {
  readonly #deployments = new Map<string, { provider: string; attempts: number; failed: number }>();
  readonly #ways = new Map<string, { way: Way; count: number }>();

  add(way: Way, count: number): void {
    this.made(way, count);
    if (attemptFailed(way.status, way.httpStatus)) this.failed(way, count);
  }
  made({ deployment, provider }: Pick<Way, 'deployment' | 'provider'>, count: number): void {
    const one = this.#deployments.get(deployment) ?? { provider, attempts: 0, failed: 0 };
    one.attempts += count;
    this.#deployments.set(deployment, one);
  }
  failed(way: Way, count: number): void {
    const { deployment, status, httpStatus, errorCode } = way;
    this.#deployments.get(deployment)!.failed += count;
    const key = JSON.stringify([deployment, status, httpStatus, errorCode]);
    const one = this.#ways.get(key) ?? { way, count: 0 };
    one.count += count;
    this.#ways.set(key, one);
  }
  /** Those that failed, the worst first. */
  list(): Failing[] {
    const ways = [...this.#ways.values()].sort((a, b) => b.count - a.count);
    return [...this.#deployments]
      .filter(([, { failed }]) => failed > 0)
      .map(([deployment, { provider, attempts, failed }]) => ({
        ...{ deployment, provider, attempts, failed },
        ways: ways.filter(({ way }) => way.deployment === deployment).map(wayOf),
      }))
      .sort((a, b) => b.failed - a.failed);
  }
}

const wayOf = ({ way, count }: { readonly way: Way; readonly count: number }): FailingWay => ({
  deployment: way.deployment,
  provider: way.provider,
  status: way.status,
  httpStatus: way.httpStatus,
  errorCode: way.errorCode,
  count,
});
