/** Answers of the admin API with their money in exact values. Pure. */
import { usdOrNull } from '#cli/connect/json-entry.ts';

/** Decimal dollars under a name in `Usd` become nano-dollars under the name in `NanoUsd`. */
export function moneyIn(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(moneyIn);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) =>
      name.endsWith('Usd') ? [name.replace(/Usd$/, 'NanoUsd'), usdOrNull(part)] : [name, moneyIn(part)],
    ),
  );
}
