import type { OutcomeStatus } from '#ports/entry.ts';
import type { SpendRow } from '#ports/ledger-store.ts';
import type { LedgerEvidence } from '../evidence.ts';
import type { Recent } from '../../recent.ts';
import type { FailingDeployment } from '../report.ts';
import { attemptFailed, Counts, failingOf, type Failing } from './failing.ts';
import { onsetOf, type Minute } from './judge.ts';

/** From the ledger: attempts of the newest calls, how the newest failures failed, and since when. */
export function failingFromLedger({ calls, failed, bits }: LedgerEvidence): FailingDeployment[] {
  const sampled = failingOf(calls);
  const ways = new Map(failingOf(failed).map((one) => [one.deployment, one]));
  const exact = outcomesOf(bits);
  const last = Map.groupBy(failed, ({ deployment }) => deployment ?? '');
  const names = new Set([...sampled.map(({ deployment }) => deployment), ...ways.keys()]);
  return [...names]
    .map((name) => {
      const seen = sampled.find(({ deployment }) => deployment === name);
      const summed = whole(ways.get(name), exact.get(name), last.get(name)?.length ?? 0);
      const best = larger(seen, summed);
      return { ...best, since: sinceOf(exact.get(name)?.minutes ?? []) };
    })
    .sort((a, b) => b.failed - a.failed);
}

/** Whichever rests on more attempts: the newest calls with what fallbacks saved, or the sums of the whole window. */
const larger = (sampled: Failing | undefined, summed: Failing | undefined): Failing =>
  !summed || (sampled && sampled.attempts >= summed.attempts) ? sampled! : summed;

interface Exact {
  calls: number;
  errors: number;
  readonly minutes: Minute[];
}

/** Ways are of a sample, of which a part may be the callers' own fault: their counts grow to what the sums say. */
function whole(ways: Failing | undefined, exact: Exact | undefined, sampled: number): Failing | undefined {
  if (!ways || !exact || sampled === 0) return ways;
  const failed = Math.max(ways.failed, Math.round(exact.errors * Math.min(1, ways.failed / sampled)));
  const scale = failed / ways.failed;
  const scaled = ways.ways.map((way) => ({ ...way, count: Math.round(way.count * scale) }));
  return { ...ways, attempts: Math.max(exact.calls, failed), failed, ways: scaled };
}

const FAILURES: ReadonlySet<string> = new Set(['provider_error', 'timeout', 'truncated']);

/** Rows are by bucket, deployment and outcome. */
function outcomesOf(bits: readonly SpendRow[]): Map<string, Exact> {
  const found = new Map<string, Exact>();
  const minutes = new Map<string, { at: number; calls: number; errors: number }>();
  for (const { by, calls, errors } of bits) {
    const [at, deployment, outcome] = [Number(by[0]), by[1], by[2]];
    if (!deployment) continue;
    const bad = FAILURES.has(outcome ?? '') ? errors : 0;
    const one = found.get(deployment) ?? { calls: 0, errors: 0, minutes: [] };
    found.set(deployment, one);
    one.calls += calls;
    one.errors += bad;
    const key = `${at} ${deployment}`;
    let minute = minutes.get(key);
    if (!minute) {
      minutes.set(key, (minute = { at, calls: 0, errors: 0 }));
      one.minutes.push(minute);
    }
    minute.calls += calls;
    minute.errors += bad;
  }
  for (const { minutes: own } of found.values()) own.sort((a, b) => a.at - b.at);
  return found;
}

/** From the node's own counts, while the ledger is away. */
export function failingFromNode({ deployments, failures }: Recent): FailingDeployment[] {
  const counts = new Counts();
  for (const [deployment, { calls }] of deployments)
    counts.made({ deployment, provider: providerOf(deployment) }, calls);
  for (const [name, count] of failures) {
    const way = parsed(name);
    if (way === null || !deployments.has(way[0])) continue;
    const [deployment, status, httpStatus, errorCode] = way;
    if (!attemptFailed(status, httpStatus)) continue;
    counts.failed({ deployment, provider: providerOf(deployment), status, httpStatus, errorCode }, count);
  }
  return counts.list().map((one) => ({ ...one, since: null }));
}

const providerOf = (deployment: string): string => deployment.slice(0, Math.max(0, deployment.indexOf('/')));

type Way = [deployment: string, status: OutcomeStatus, httpStatus: number | null, errorCode: string | null];

function parsed(name: string): Way | null {
  try {
    return JSON.parse(name) as Way;
  } catch {
    // The sum of what had no room.
    return null;
  }
}

function sinceOf(minutes: readonly Minute[]): FailingDeployment['since'] {
  const at = onsetOf(minutes);
  if (at === null) return null;
  const after = minutes.filter((minute) => minute.at >= at);
  return {
    at: new Date(at).toISOString(),
    attempts: after.reduce((sum, { calls }) => sum + calls, 0),
    failed: after.reduce((sum, { errors }) => sum + errors, 0),
  };
}
