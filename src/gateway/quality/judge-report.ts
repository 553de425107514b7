import type { EpochMs } from '#kernel/brand.ts';
import { iso } from '#kernel/clock.ts';
import { nanoUsd, sumUsd, usdDecimal } from '#kernel/money.ts';
import type { JudgeCounts } from '#capabilities/tenants/index.ts';
import { namedOr } from '#kernel/whose.ts';
import type { LedgerStore, SpendRow } from '#ports/ledger-store.ts';
import type { Gate } from '../gate.ts';
import { purposeOf } from './judges.ts';

/** A judge of a feature: what it was asked, what came of it, and what it cost. */
export interface JudgeLine {
  readonly feature: string;
  /** Its scores have this name. */
  readonly judge: string;
  readonly model: string;
  readonly version: string;
  /** Share of calls that it draws; null: it stands in the file no more. */
  readonly sample: number | null;
  /** Since this gate's data folder was made: asked, how it ended, why it was not asked. */
  readonly counts: JudgeCounts;
  /** Of its own budget, this day of UTC, at this gate; null where one tenant asks. */
  readonly todayUsd: string | null;
  readonly budgetPerDayUsd: string | null;
  /** By the ledger; null: the store is away. */
  readonly cost: {
    readonly from: string;
    readonly calls: number;
    readonly usd: string;
    /** Calls whose cost nobody knows: in no sum. */
    readonly unknown: number;
  } | null;
}

const COST_MS = 30 * 86_400_000;

interface Asked {
  readonly tenant?: string | undefined;
  readonly feature?: string | undefined;
  readonly score?: string | undefined;
}

/** All judges of the file, and those that have left it with what they did. */
export async function judgeLines(
  gate: Gate,
  ledger: Pick<LedgerStore, 'spend'>,
  { tenant, feature, score }: Asked,
): Promise<JudgeLine[]> {
  const now = gate.clock.now();
  const { tally } = gate.judges.journal;
  const counted = tally.counts().filter((one) => tenant === undefined || one.tenant === tenant);
  const inFile = Object.entries(gate.config.file.features).flatMap(([name, { quality }]) =>
    Object.keys(quality?.judges ?? {}).map((judge) => ({ feature: name, judge })),
  );
  const names = new Set([...inFile, ...counted].map((one) => JSON.stringify([one.feature, one.judge])));
  const wanted = [...names]
    .map((name) => JSON.parse(name) as [string, string])
    .filter((one) => (feature === undefined || one[0] === feature) && (score === undefined || one[1] === score));
  if (wanted.length === 0) return [];
  const from = (now - COST_MS) as EpochMs;
  const rows = await spent(ledger, { from, to: (now + 1) as EpochMs, tenant });
  return wanted.map(([of, judge]): JudgeLine => {
    const config = gate.config.file.features[of]?.quality?.judges[judge];
    const own = rows?.filter(({ by }) => by[0] === of && by[1] === purposeOf(judge));
    return {
      ...{ feature: of, judge, model: config?.model ?? '–', version: config?.version ?? '–' },
      sample: config?.sample ?? null,
      counts: summed(counted.filter((one) => one.feature === of && one.judge === judge).map(({ counts }) => counts)),
      todayUsd: tenant === undefined ? usdDecimal(nanoUsd(tally.spentToday({ feature: of, judge }, now))) : null,
      budgetPerDayUsd: tenant === undefined && config ? usdDecimal(config.budgetPerDay) : null,
      cost: own ? { from: iso(from), ...costOf(own) } : null,
    };
  });
}

interface Window {
  readonly from: EpochMs;
  readonly to: EpochMs;
  readonly tenant: string | undefined;
}

const spent = (ledger: Pick<LedgerStore, 'spend'>, { from, to, tenant }: Window): Promise<readonly SpendRow[] | null> =>
  ledger
    .spend({
      ...{ from, to, by: ['feature', 'purpose'], kind: 'eval', sketches: false },
      whose: namedOr(tenant, 'the operator asks what judges cost'),
    })
    .catch(() => null);

const costOf = (rows: readonly SpendRow[]) => ({
  calls: rows.reduce((sum, { calls }) => sum + calls, 0),
  usd: usdDecimal(sumUsd(rows.map(({ costNanoUsd }) => costNanoUsd))),
  unknown: rows.reduce((sum, { unknownCostCalls }) => sum + unknownCostCalls, 0),
});

function summed(all: readonly JudgeCounts[]): JudgeCounts {
  const sums: Record<string, number> = {};
  for (const counts of all) for (const [name, count] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + count;
  return sums;
}
