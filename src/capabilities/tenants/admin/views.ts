import type { EpochMs } from '#kernel/brand.ts';
import { usdDecimal } from '#kernel/money.ts';

export const isoOrNull = (at: EpochMs | null): string | null => (at === null ? null : new Date(at).toISOString());

/** A value for JSON: money under a name in `NanoUsd` becomes decimal dollars under the name in `Usd`. */
export function jsonView(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(jsonView);
  if (typeof value === 'bigint') return usdDecimal(value as never);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [name.replace(/NanoUsd$/, 'Usd'), jsonView(part)]),
  );
}
