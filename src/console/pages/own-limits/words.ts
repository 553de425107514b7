/** A limit in words, as the command line has them. Pure. */
import { duration } from '#kernel/format.ts';

/** As `/admin/limits` answers it. */
export interface LimitLine {
  readonly id: string;
  readonly scope: { readonly level: string; readonly tenant: string | null; readonly id: string | null };
  readonly unit: 'requests' | 'input_tokens' | 'output_tokens' | 'total_tokens' | 'concurrency';
  readonly window: 'minute' | 'day' | null;
  /** With a raise that holds. */
  readonly limit: number;
  /** Null: one for each of many, which has no one figure. */
  readonly used: number | null;
  /** By calls in flight. */
  readonly reserved: number | null;
  readonly contact: string | null;
  readonly raise: { readonly by: number; readonly until: string; readonly reason: string } | null;
}

/** `requests a minute`, `calls in flight`. */
export function unitText({ unit, window }: Pick<LimitLine, 'unit' | 'window'>): string {
  if (unit === 'concurrency') return 'calls in flight';
  return `${unit === 'total_tokens' ? 'tokens' : unit.replace('_', ' ')} a ${window}`;
}

/** Used and reserved of the limit, 0..; null: there is no one figure. A limit of nothing is full. */
export function fullness({ limit, used, reserved }: LimitLine): number | null {
  if (used === null) return null;
  return limit > 0 ? (used + (reserved ?? 0)) / limit : 1;
}

/** When a used-up limit has room again: its window rolls. */
export const rollsText = ({ window }: Pick<LimitLine, 'window'>): string =>
  window === null ? 'as calls end' : `within ${duration(window === 'minute' ? 60_000 : 86_400_000)}`;
