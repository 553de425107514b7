import type { EpochMs } from '#kernel/brand.ts';
import { everyTenant } from '#kernel/whose.ts';
import type { LedgerStore, SpendRow } from '#ports/ledger-store.ts';
import type { LimitUse } from '#ports/shared-state.ts';
import { claimOf, WINDOWS, type AppliedLimits, type LimitIndex } from './core/limit.ts';
import type { Payer } from './core/scope-index.ts';
import { dimensionsOf, payerOf, type UnshippedMoney } from './rebuild.ts';

const HOUR_MS = 3_600_000;

const ALL_USES = everyTenant('a start counts the limits of all scopes');

/**
 * What calls of the last day used, by hours, for the limits of every level but the end user's: one question an hour,
 * whatever there are, so that no answer is larger than an hour's. The hour in which a call was is all that is known, so
 * that it counts up to an hour longer.
 */
export async function ledgerUses(
  ledger: Pick<LedgerStore, 'spend'>,
  index: LimitIndex,
  now: EpochMs,
): Promise<LimitUse[]> {
  if (!index.hasDays) return [];
  const { spanMs, stepMs } = WINDOWS.day;
  const [first, to] = [Math.max(0, now - spanMs - stepMs), now + HOUR_MS];
  const by = [...dimensionsOf(index.dayLevels), 'kind'] as const;
  const uses: LimitUse[] = [];
  for (let hour = first - (first % HOUR_MS); hour < to; hour += HOUR_MS) {
    const span = { from: Math.max(first, hour) as EpochMs, to: Math.min(to, hour + HOUR_MS) as EpochMs };
    const rows = await ledger.spend({ ...span, whose: ALL_USES, by, sketches: false });
    const times = { from: hour as EpochMs, to: (hour + HOUR_MS) as EpochMs };
    for (const row of rows)
      uses.push(...usesOf(index, payerOf(row.by, by), { ...times, amounts: amountsOf(row.by.at(-1), row), now }));
  }
  return uses;
}

interface Use extends Omit<LimitUse, 'claim'> {
  readonly now: EpochMs;
}

const usesOf = (index: LimitIndex, payer: Payer, { now, ...use }: Use): LimitUse[] =>
  index.of(payer).map((applied) => ({ ...use, claim: claimOf(applied, now) }));

function hourOf({ by: [start] }: SpendRow): Pick<LimitUse, 'from' | 'to'> {
  const from = Number(start);
  return { from: from as EpochMs, to: (from + HOUR_MS) as EpochMs };
}

type Sums = Pick<SpendRow, 'calls' | 'inputTokens' | 'outputTokens'>;

/** What the gate asks of itself takes no place in limits, and counting tokens uses none. */
function amountsOf(kind: string | null | undefined, { calls, inputTokens, outputTokens }: Sums): number[] {
  if (kind === 'eval') return [0, 0, 0, 0, 0];
  const [input, output] = kind === 'count' ? [0, 0] : [inputTokens, outputTokens];
  return [calls, input, output, input + output, 0];
}

interface EndUserQuestion {
  readonly own: AppliedLimits;
  readonly payer: Payer;
  /** Calls that were admitted from here on are counted already. */
  readonly before: EpochMs;
  readonly now: EpochMs;
}

/** What one end user used in the last day, by hours. */
export async function endUserUses(
  ledger: Pick<LedgerStore, 'spend'>,
  { own, payer, before, now }: EndUserQuestion,
): Promise<LimitUse[]> {
  const { spanMs, stepMs } = WINDOWS.day;
  const span = { from: Math.max(0, now - spanMs - stepMs) as EpochMs, to: before };
  const whose = { whose: payer.tenant, endUser: payer.endUser! };
  const rows = await ledger.spend({ ...span, ...whose, by: ['kind'], bucket: 'hour', sketches: false });
  return rows
    .toSorted((a, b) => Number(a.by[0]) - Number(b.by[0]))
    .map((row) => ({ ...hourOf(row), amounts: amountsOf(row.by.at(-1), row), claim: claimOf(own, now) }));
}

/** The same of an entry that the store does not hold yet; to the millisecond, so that a minute's limit has it too. */
export function unshippedUses(entry: UnshippedMoney, index: LimitIndex, now: EpochMs): LimitUse[] {
  const amounts = amountsOf(entry.kind, {
    calls: 1,
    inputTokens: entry.inputTokens ?? 0,
    outputTokens: entry.outputTokens ?? 0,
  });
  return usesOf(index, entry, { from: entry.at, to: entry.at, amounts, now });
}
