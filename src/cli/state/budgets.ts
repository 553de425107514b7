import { shortId } from '#kernel/ids.ts';
import { usdOrNull } from '../connect/json-entry.ts';
import type { StateView } from '../connect/source.ts';
import type { CliContext } from '../context.ts';
import type { CommonFlags } from '../flags.ts';
import { dateTime, duration, money, ratioOf, share, UNKNOWN } from '../format.ts';
import type { Cell } from '../table.ts';
import { change, day, given, keptText, listed, scopeText, source, SOURCE, word } from './change.ts';

export interface BudgetCreateFlags extends CommonFlags {
  readonly level: 'operator' | 'tenant' | 'team' | 'feature' | 'key' | 'end_user';
  readonly tenant?: string;
  readonly id?: string;
  readonly limit: string;
  readonly window?: string;
  readonly timeZone?: string;
  readonly mode?: 'bounded' | 'strict';
  readonly endWhenSpent: boolean;
  readonly warnAt?: readonly number[];
  readonly unknownPrice?: string;
  readonly contact?: string;
}
export interface BudgetListFlags extends CommonFlags {
  readonly tenant?: string;
}
export interface BudgetRaiseFlags extends CommonFlags {
  readonly by: string;
  readonly for: string;
  readonly reason: string;
}

const path = (id: string): string => `/budgets/${encodeURIComponent(id)}`;
const usdText = (value: unknown): string => money(usdOrNull(value));

export function createBudget(this: CliContext, flags: BudgetCreateFlags): Promise<void> {
  const { level, tenant, id, limit, window, timeZone, mode, endWhenSpent, warnAt, unknownPrice, contact } = flags;
  const optional = given({ tenant, id, window, timeZone, mode, warnAt, contact, unknownPriceUsd: unknownPrice });
  return change(this, flags, {
    ...{
      method: 'POST',
      path: '/budgets',
      body: { level, limitUsd: limit, ...optional, ...(endWhenSpent && { endWhenSpent }) },
    },
    done: (budget) =>
      `created budget ${word(budget['id'])}: ${usdText(budget['limitUsd'])} ${windowText(budget)} for ${scopeText(budget)}`,
  });
}

export function raiseBudget(this: CliContext, flags: BudgetRaiseFlags, id: string): Promise<void> {
  return change(this, flags, {
    ...{ method: 'POST', path: `${path(id)}/raise`, body: { byUsd: flags.by, for: flags.for, reason: flags.reason } },
    done: (budget) => {
      const raise = budget['raise'] as { byUsd?: unknown; until?: string } | null;
      const until = raise?.until ? ` until ${dateTime(Date.parse(raise.until), this.zone)}` : '';
      return `raised budget ${word(budget['id'])} by ${usdText(raise?.byUsd ?? flags.by)}${until}: the limit is ${usdText(budget['limitUsd'])}${keptText(budget)}`;
    },
  });
}

export function removeBudget(this: CliContext, flags: CommonFlags, id: string): Promise<void> {
  return change(this, flags, {
    method: 'DELETE',
    path: path(id),
    done: (budget) => `removed budget ${word(budget['id'])}`,
  });
}

export function listBudgets(this: CliContext, { tenant, ...flags }: BudgetListFlags): Promise<void> {
  const wholeIds = !this.terminal.isTerminal || this.terminal.width >= 150;
  const right = { align: 'right' } as const;
  return listed(this, flags, {
    kind: 'budgets',
    filter: given({ tenant }),
    columns: [
      { title: 'budget' },
      { title: 'for', shrinkTo: 12 },
      { title: 'window' },
      { title: 'mode', leaves: 3 },
      { title: 'limit', ...right },
      { title: 'spent', ...right },
      { title: 'reserved', ...right, leaves: 2 },
      { title: 'used', ...right },
      { title: 'resets', leaves: 1 },
      SOURCE,
    ],
    row: (budget) => [
      wholeIds ? word(budget['id']) : shortId(word(budget['id'])),
      scopeText(budget),
      windowText(budget),
      word(budget['mode']),
      usdText(budget['limitUsd']),
      spentText(budget),
      usdText(budget['reservedUsd']),
      usedCell(this, budget),
      resetText(this, budget),
      source(budget),
    ],
    notes: openingNotes,
    empty: 'No budgets: nothing limits what calls may cost.',
    hint: 'headgate budgets create --tenant <id> --limit 100 --window month',
  });
}

/** A store that no gate serves does not say when a calendar window ends. */
function resetText(context: CliContext, budget: StateView): string {
  const { kind } = budget['window'] as { kind: string };
  if (kind === 'total') return 'never';
  return kind === 'rolling' ? 'bit by bit' : day(context, budget['resetsAt']);
}

interface Opening {
  readonly spentUsd: unknown;
  readonly source: string;
  readonly counts: boolean | null;
}
const openingOf = (budget: StateView): Opening | null => {
  const opening = (budget['opening'] ?? null) as Opening | null;
  return opening?.counts ? opening : null;
};

/** `$12.00 *`: part of it was counted by an earlier gateway. */
const spentText = (budget: StateView): string => `${usdText(budget['spentUsd'])}${openingOf(budget) ? ' *' : ''}`;

function openingNotes(budgets: readonly StateView[]): string[] {
  const openings = budgets.flatMap((budget) => openingOf(budget) ?? []);
  if (openings.length === 0) return [];
  const sources = [...new Set(openings.map(({ source }) => word(source)))].join(', ');
  const sum = openings.reduce((all, { spentUsd }) => all + (usdOrNull(spentUsd) ?? 0n), 0n);
  return [`* with ${money(sum)} of opening balances from ${sources}, which headgate spend does not know`];
}

function windowText(budget: StateView): string {
  const window = budget['window'] as { kind: string; unit?: string; timeZone?: string; ms?: number };
  if (window.kind === 'rolling') return `per ${duration(window.ms ?? null)}`;
  if (window.kind === 'total') return 'in all';
  return `a ${window.unit}${window.timeZone === 'UTC' ? '' : ` (${word(window.timeZone)})`}`;
}

function usedCell({ terminal: { paint } }: CliContext, budget: StateView): Cell {
  const [spent, limit] = [usdOrNull(budget['spentUsd']), usdOrNull(budget['limitUsd'])];
  if (spent === null || limit === null) return UNKNOWN;
  const used = ratioOf(spent, limit);
  if (used === null) return UNKNOWN;
  if (used >= 1) return { text: `${share(used)} spent`, tone: paint.bad };
  const warnAt = Math.min(1, ...((budget['warnAt'] as number[] | undefined) ?? []));
  return used >= warnAt ? { text: `${share(used)} warned`, tone: paint.warn } : share(used);
}
