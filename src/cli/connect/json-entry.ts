/** The admin API's JSON back to the types of the ledger. */
import { parseUsd, type NanoUsd } from '#kernel/money.ts';
import type { Cost, LedgerEntry } from '#ports/entry.ts';
import type { SpendRow } from '#ports/ledger-store.ts';
import { CliFailure } from '../failure.ts';

type Json = Record<string, unknown>;

/** Decimal dollars to nano-dollars. */
export function usdOf(value: unknown): NanoUsd {
  const amount = typeof value === 'string' ? parseUsd(value) : null;
  if (amount !== null) return amount;
  throw new CliFailure({
    code: 'gate_answer',
    message: `The gate sent ${JSON.stringify(value)} where an amount of money belongs.`,
    hint: 'the gate and this command may be of different versions: compare `headgate version`',
  });
}

export const usdOrNull = (value: unknown): NanoUsd | null =>
  value === null || value === undefined ? null : usdOf(value);

const costOf = (value: unknown): Cost | null =>
  value === null || value === undefined
    ? null
    : (Object.fromEntries(
        Object.entries(value as Json).map(([part, amount]) => [part, usdOf(amount)]),
      ) as unknown as Cost);

export function entryOf(json: unknown): LedgerEntry {
  const { reservedUsd, savedCostUsd, moveCostUsd, cost, attempts, cacheHit, ...rest } = json as Json & {
    attempts: Json[];
    cacheHit: Json | null | undefined;
  };
  return {
    ...rest,
    cost: costOf(cost),
    savedCostNanoUsd: usdOrNull(savedCostUsd),
    moveCostNanoUsd: usdOrNull(moveCostUsd),
    reservedNanoUsd: usdOf(reservedUsd),
    cacheHit: cacheHit ? { ...cacheHit, cost: costOf(cacheHit['cost']) } : null,
    attempts: attempts.map((attempt) => ({ ...attempt, cost: costOf(attempt['cost']) })),
  } as unknown as LedgerEntry;
}

export function spendRowOf(json: unknown): SpendRow {
  const { costUsd, estimatedUsd, savedUsd, ...rest } = json as Json;
  return {
    ...rest,
    costNanoUsd: usdOf(costUsd),
    estimatedNanoUsd: usdOf(estimatedUsd),
    savedNanoUsd: usdOf(savedUsd),
  } as unknown as SpendRow;
}
