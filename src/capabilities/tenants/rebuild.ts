import type { CallId, EpochMs, TenantId } from '#kernel/brand.ts';
import { nanoUsd, subUsd, type NanoUsd } from '#kernel/money.ts';
import { everyTenant } from '#kernel/whose.ts';
import type { CallKind, LedgerEntry } from '#ports/entry.ts';
import type { LedgerFilter, LedgerStore, SpendRow } from '#ports/ledger-store.ts';
import type { Slot, SlotSpend } from '#ports/shared-state.ts';
import type { Budget, BudgetLevel, BudgetWindow } from '#ports/state-store.ts';
import { potOf, type AppliedBudget, type BudgetIndex } from './core/budget.ts';
import { isEach, whoseScope, type Payer } from './core/scope-index.ts';
import { slotAt, windowBounds, windowTag } from './core/windows.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** A longer rolling window is read by hours: minute rollups are kept for days only. It then counts up to an hour more. */
const READ_BY_MINUTES_MS = 48 * HOUR_MS;

const ALL_POTS = everyTenant('a start counts the pots of all budgets');

type SpendReader = Pick<LedgerStore, 'spend'>;

/** How a window's spending is asked for. */
interface Reading {
  readonly from: EpochMs;
  readonly to: EpochMs;
  readonly bucket: 'minute' | 'hour' | null;
}

function readingOf(window: BudgetWindow, now: EpochMs): Reading {
  const from = Math.max(0, windowBounds(window, now).start) as EpochMs;
  // Clocks of nodes differ: an entry may be a little younger than now.
  const to = (now + MINUTE_MS) as EpochMs;
  if (window.kind !== 'rolling') return { from, to, bucket: null };
  return { from, to, bucket: window.ms <= READ_BY_MINUTES_MS ? 'minute' : 'hour' };
}

/** The slot in which a row's money counts. */
function slotOf(window: BudgetWindow, bucket: Reading['bucket'], row: SpendRow, now: EpochMs): Slot {
  if (window.kind !== 'rolling' || bucket === null) return slotAt(window, now);
  const start = Number(row.by[0]);
  const lengthMs = bucket === 'hour' ? HOUR_MS : MINUTE_MS;
  return { start: start as EpochMs, expiresAt: (start + lengthMs + window.ms) as EpochMs };
}

/** Known money of a row and the ceiling of each call whose price was unknown. */
const moneyOf = (row: SpendRow, { unknownPriceNanoUsd }: Budget): NanoUsd =>
  nanoUsd(row.costNanoUsd + BigInt(row.unknownCostCalls) * (unknownPriceNanoUsd ?? 0n));

/** One pot, with someone who pays into it. */
export interface PotQuestion {
  readonly applied: AppliedBudget;
  readonly payer: Payer;
  readonly now: EpochMs;
  /** Only entries admitted before: later ones are counted already. */
  readonly before?: EpochMs;
}

/** What the ledger's store knows of one pot. A pot without spending gets a slot of zero, which makes it known. */
export async function potSpend(
  ledger: SpendReader,
  { applied, payer, now, before }: PotQuestion,
): Promise<SlotSpend[]> {
  const { budget, pot } = applied;
  const { bucket, from, to } = readingOf(budget.window, now);
  const span = { from, to: before ?? to };
  const question = { ...span, ...filterOf(budget, payer), by: [], sketches: false };
  const rows = await ledger.spend({ ...question, ...(bucket && { bucket }) });
  const slots = rows.map((row) => ({
    pot,
    slot: slotOf(budget.window, bucket, row, now),
    spentNanoUsd: moneyOf(row, budget),
  }));
  return [...slots, emptySlot(applied, now), ...openingSpend(applied, now)];
}

const emptySlot = ({ budget, pot }: AppliedBudget, now: EpochMs): SlotSpend => ({
  pot,
  slot: slotAt(budget.window, now),
  spentNanoUsd: nanoUsd(0n),
});

/** What an earlier gateway counted, while the window still holds the instant at which it counts. */
export function openingSpend({ budget: { opening, window }, pot }: AppliedBudget, now: EpochMs): SlotSpend[] {
  if (!opening) return [];
  const slot = slotAt(window, opening.at);
  return slot.expiresAt > now ? [{ pot, slot, spentNanoUsd: opening.spentNanoUsd }] : [];
}

function filterOf({ scope }: Budget, payer: Payer): Omit<LedgerFilter, 'from' | 'to'> {
  const { level } = scope;
  const own = { whose: whoseScope(scope) };
  if (level === 'operator') return own;
  if (level === 'tenant') return own;
  if (level === 'end_user') return { ...own, endUser: payer.endUser! };
  return { ...own, [level]: payer[level]! };
}

/**
 * Spending of every budget that names its scope, one question for each distinct window however many budgets there
 * are. Pots of end users are not here: each is read when its user comes.
 */
export async function namedSpend(
  ledger: SpendReader,
  budgets: readonly Budget[],
  index: BudgetIndex,
  now: EpochMs,
): Promise<SlotSpend[]> {
  const named = budgets.filter(({ scope }) => scope.level !== 'end_user');
  const windows = new Map(named.map(({ window }) => [windowTag(window), window]));
  const out = named
    .filter(({ scope }) => !isEach(scope))
    .flatMap((budget) => {
      const applied = { budget, pot: potOf(budget) };
      return [emptySlot(applied, now), ...openingSpend(applied, now)];
    });
  for (const [tag, window] of windows) {
    const { bucket, ...span } = readingOf(window, now);
    const by = dimensionsOf(named.map(({ scope }) => scope.level));
    const rows = await ledger.spend({ ...span, whose: ALL_POTS, by, sketches: false, ...(bucket && { bucket }) });
    for (const row of rows) {
      for (const { budget, pot } of index.of(payerOf(bucket === null ? row.by : row.by.slice(1), by))) {
        if (windowTag(budget.window) !== tag) continue;
        out.push({ pot, slot: slotOf(window, bucket, row, now), spentNanoUsd: moneyOf(row, budget) });
      }
    }
  }
  return out;
}

const FINER = ['team', 'feature', 'key'] as const;

/** By which sums are asked for, so that each row is of one payer as far as these levels go: a group more is a row more. */
export const dimensionsOf = (levels: readonly BudgetLevel[]): readonly ('tenant' | (typeof FINER)[number])[] => [
  'tenant',
  ...FINER.filter((name) => levels.includes(name)),
];

/** Who paid what stands in a row by these dimensions; what they leave out is nobody. */
export function payerOf(values: SpendRow['by'], by: readonly string[]): Payer {
  const of = (name: string): string | null => values[by.indexOf(name)] ?? null;
  const [tenant, key] = [of('tenant') as TenantId, of('key') ?? ''];
  return { tenant, team: of('team'), feature: of('feature'), key, endUser: null };
}

/** Money and tokens of an entry that the store does not hold yet. */
export interface UnshippedMoney {
  readonly id: CallId;
  readonly at: EpochMs;
  readonly tenant: TenantId;
  readonly team: string | null;
  readonly feature: string | null;
  readonly key: string;
  readonly endUser: string | null;
  readonly kind: CallKind;
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly reservedNanoUsd: NanoUsd;
  /** Null: the price is not known. */
  readonly costNanoUsd: NanoUsd | null;
}

/** The pots that an unshipped entry is charged to, in the windows of its admission. */
export function unshippedSpend(entry: UnshippedMoney, applied: readonly AppliedBudget[], now: EpochMs): SlotSpend[] {
  return applied
    .map(({ budget, pot }) => ({
      pot,
      slot: slotAt(budget.window, entry.at),
      spentNanoUsd: entry.costNanoUsd ?? budget.unknownPriceNanoUsd ?? entry.reservedNanoUsd,
    }))
    .filter(({ slot }) => slot.expiresAt > now);
}

/** What a correction moves in the pots of its call: the difference, which is negative where the first row said too much. */
export function movedSpend(
  { before, after }: { readonly before: LedgerEntry; readonly after: LedgerEntry },
  applied: readonly AppliedBudget[],
  now: EpochMs,
): SlotSpend[] {
  const [old, fresh] = [before, after].map((entry) =>
    unshippedSpend({ ...entry, ...entry.usage, costNanoUsd: entry.cost?.total ?? null }, applied, now),
  );
  return fresh!.map((one, i) => ({ ...one, spentNanoUsd: subUsd(one.spentNanoUsd, old![i]!.spentNanoUsd) }));
}
