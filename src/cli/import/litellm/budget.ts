/** A budget of LiteLLM as one of ours: its window, and what was spent in it. Pure. */
import { epochMs } from '#kernel/brand.ts';
import { parseDuration } from '#kernel/config/quantities.ts';
import { parseUsd, usdDecimal } from '#kernel/money.ts';
import { windowBounds } from '#capabilities/tenants/index.ts';
import type { Findings, WantedBudget } from '../plan.ts';
import type { Row } from './tables.ts';

export interface BudgetReading {
  readonly now: number;
  readonly timeZone: string;
  /** Reserved for a call whose model has no price; null: such a call is refused. */
  readonly unknownPriceUsd: string | null;
  readonly findings: Findings;
}

/** Whose budget, and where LiteLLM keeps it. */
export interface BudgetSubject {
  readonly level: WantedBudget['level'];
  readonly tenant: string;
  readonly subject: string | null;
  readonly place: string;
}

interface Window {
  readonly text: string;
  /** Length of a rolling window; null: a calendar window, or one that never resets. */
  readonly rollingMs: number | null;
  readonly unit: 'day' | 'week' | 'month' | null;
}

/** LiteLLM's own names of calendar windows: one day, seven days to Monday, 30 days to the first of the month. */
const CALENDAR: Readonly<Record<string, 'day' | 'week' | 'month'>> = {
  ...{ '1d': 'day', '24h': 'day', '7d': 'week', '1w': 'week', '30d': 'month', '1mo': 'month' },
  ...{ daily: 'day', weekly: 'week', monthly: 'month' },
};
const SHORTEST_MS = 60_000;
const LONGEST_MS = 366 * 86_400_000;

/** Null where the row sets no limit. `spent` stands with the owner even where the limit is a shared row's. */
export function wantedBudget(
  limits: Row,
  spent: unknown,
  subject: BudgetSubject,
  reading: BudgetReading,
): WantedBudget | null {
  const { place, ...whose } = subject;
  const limit = parseUsd(String(limits['max_budget'] ?? ''));
  if (limit === null || limit < 0n) return null;
  const window = windowOf(limits['budget_duration'], place, reading);
  return {
    ...whose,
    limitUsd: usdDecimal(limit),
    window: window.text,
    timeZone: reading.timeZone,
    unknownPriceUsd: reading.unknownPriceUsd,
    warnAt: warnAt(limits['soft_budget'], limits['max_budget']),
    opening: openingOf(limits['budget_reset_at'], spent, { window, place, reading }),
  };
}

function windowOf(duration: unknown, place: string, { findings }: BudgetReading): Window {
  const text = typeof duration === 'string' ? duration.trim().toLowerCase() : '';
  if (text === '') return { text: 'total', rollingMs: null, unit: null };
  const unit = CALENDAR[text];
  if (unit) return { text: unit, rollingMs: null, unit };
  const weeks = /^(\d+)w$/.exec(text)?.[1];
  const ms = parseDuration(weeks ? `${Number(weeks) * 7}d` : text);
  const changed = (why: string): void => findings.add('changed', place, `budget_duration: ${text}`, [why]);
  if (ms === null) {
    changed('it is no duration that can be read: a calendar day, as LiteLLM takes it');
    return { text: 'day', rollingMs: null, unit: 'day' };
  }
  if (ms > LONGEST_MS) {
    changed('longer than 366 days: the budget never resets');
    return { text: 'total', rollingMs: null, unit: null };
  }
  changed('it reset as a whole; here it is a rolling window, from which spending leaves as it gets old');
  const rollingMs = Math.max(SHORTEST_MS, ms);
  return { text: `${Math.round(rollingMs / 1000)}s`, rollingMs, unit: null };
}

const timeOf = (value: unknown): number | null =>
  value instanceof Date && !Number.isNaN(value.getTime()) ? value.getTime() : null;

interface OpeningFacts {
  readonly window: Window;
  readonly place: string;
  readonly reading: BudgetReading;
}

function openingOf(reset: unknown, spent: unknown, { window, place, reading }: OpeningFacts): WantedBudget['opening'] {
  const { now, findings } = reading;
  const amount = parseUsd(String(spent ?? '0'));
  const resetsAt = window.text === 'total' ? null : timeOf(reset);
  if (amount === null || amount <= 0n) return null;
  if (resetsAt !== null && resetsAt <= now) {
    findings.add('note', place, `spend $${usdDecimal(amount)}`, [
      `it belongs to a window that ended at ${new Date(resetsAt).toISOString()}: the new one begins at zero`,
    ]);
    return null;
  }
  listOtherReset(resetsAt, { window, place, reading });
  // The amount leaves a rolling window when LiteLLM would have reset it.
  const at = window.rollingMs === null || resetsAt === null ? now : Math.min(now, resetsAt - window.rollingMs);
  return { spentUsd: usdDecimal(amount), at: new Date(at).toISOString(), source: 'litellm' };
}

/** A window that would have ended at another time than ours. */
function listOtherReset(resetsAt: number | null, { window, place, reading }: OpeningFacts): void {
  if (window.unit === null || resetsAt === null) return;
  const { timeZone, now, findings } = reading;
  const ours = windowBounds({ kind: 'calendar', unit: window.unit, timeZone }, epochMs(now)).resetsAt!;
  if (Math.abs(ours - resetsAt) < SHORTEST_MS) return;
  const [theirs, own] = [resetsAt, ours].map((at) => new Date(at).toISOString());
  findings.add('changed', place, `budget_reset_at: ${theirs}`, [
    `the calendar ${window.unit} (${timeZone}) ends at ${own}`,
  ]);
}

/** A soft budget is a warning. */
function warnAt(soft: unknown, max: unknown): number[] | null {
  const share = Number(soft) / Number(max);
  return soft !== null && soft !== undefined && share > 0 && share <= 1 ? [share] : null;
}
