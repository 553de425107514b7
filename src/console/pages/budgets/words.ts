/** A budget in words. Pure. */
import { duration, ratioOf } from '#kernel/format.ts';
import type { BudgetView } from '../../state/questions.ts';

/** Spent and held of the limit, 0..; null: it is a budget for each of many, which has no one figure. */
export const usedShare = ({ spent, reserved, limit }: BudgetView): number | null =>
  spent === null ? null : ratioOf(spent + (reserved ?? 0n), limit);

export function scopeText({ level, tenant, id }: BudgetView['scope']): string {
  if (level === 'operator') return 'everything';
  if (level === 'tenant') return `tenant ${tenant}`;
  const of = level === 'team' || level === 'key' ? '' : ` of ${tenant}`;
  return id === null ? `each ${level.replace('_', ' ')} of ${tenant}` : `${level.replace('_', ' ')} ${id}${of}`;
}

export function windowText(window: unknown): string {
  const { kind, unit, timeZone, ms } = window as { kind: string; unit?: string; timeZone?: string; ms?: number };
  if (kind === 'calendar') return `${unit} (${timeZone})`;
  return kind === 'rolling' ? `last ${duration(ms ?? null)}` : 'in all';
}
