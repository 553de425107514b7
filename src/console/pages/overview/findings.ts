/** What needs somebody: the gate’s own report of this moment, and what the window shows. The worst first. Pure. */
import { count, dateTime, share } from '#kernel/format.ts';
import type { BudgetView } from '../../state/questions.ts';
import { scopeText, usedShare, windowText } from '../budgets/words.ts';
import type { NowFinding, NowReport } from './view.ts';

export interface Finding {
  readonly grade: 'bad' | 'warn';
  readonly text: string;
  /** What it rests on, a line each. */
  readonly evidence: readonly string[];
  /** What to type next, the first first. */
  readonly next: readonly string[];
  /** The page where it is mended or explained, below /console/. */
  readonly page: string;
  readonly asked: Readonly<Record<string, string>>;
  readonly link: string;
}

export interface Evidence {
  /** Of the last hour, as `headgate now` says it; null: not read yet. */
  readonly now: NowReport | null;
  /** A tenant's own, where the report of this moment, which has everybody's, is not open. */
  readonly budgets: readonly BudgetView[];
  /** Of the window that the page shows. */
  readonly total: { readonly calls: number; readonly errors: number; readonly unknownCostCalls: number } | null;
  /** IANA name of the reader's time zone. */
  readonly zone: string;
}

/** A few calls that fail are no rate yet. */
const LEAST_CALLS = 20;
const ERRORS = { warn: 0.02, bad: 0.1 } as const;

export function findingsOf({ now, budgets, total, zone }: Evidence): readonly Finding[] {
  const all = [
    ...(now?.findings ?? []).map((one) => ofNow(one, zone)),
    ...ofBudgets(budgets),
    ...ofErrors(total),
    ...ofPrices(total),
  ];
  return all.sort((a, b) => Number(a.grade === 'warn') - Number(b.grade === 'warn'));
}

const PAGES: Readonly<Record<NowFinding['about'], readonly [page: string, link: string]>> = {
  alert: ['alerts', 'Alerts'],
  provider: ['providers', 'Providers'],
  calls: ['calls', 'Calls'],
  streams: ['streams', 'Streams'],
  refusals: ['budgets', 'Budgets'],
  limit: ['budgets', 'Budgets'],
  budget: ['budgets', 'Budgets'],
  gate: ['configuration', 'Configuration'],
  configuration: ['configuration', 'What is wrong'],
  drain: ['providers', 'Drains'],
  leak: ['isolation', 'Isolation'],
  quality: ['calls', 'Calls'],
};

const ofNow = ({ grade, about, text, evidence, next }: NowFinding, zone: string): Finding => ({
  ...{ grade, asked: {} },
  text: timesIn(text, zone),
  evidence: evidence.map((line) => timesIn(line, zone)),
  // What is said beside a command stands after three blanks.
  next: next.map((line) => line.split(/ {3}/)[0]!),
  page: PAGES[about][0],
  link: PAGES[about][1],
});

/** Times of the report in the reader's own zone. */
const timesIn = (text: string, zone: string): string =>
  text.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, (at) => dateTime(Date.parse(at), zone).slice(11));

const finding = (
  grade: Finding['grade'],
  text: string,
  [page, link]: readonly [string, string],
  asked = {},
): Finding => ({ grade, text, page, link, asked, evidence: [], next: [] });

function ofBudgets(budgets: readonly BudgetView[]): Finding[] {
  return budgets.flatMap((budget) => {
    const used = usedShare(budget);
    if (used === null || used < Math.min(1, ...budget.warnAt)) return [];
    const text = `Budget of ${scopeText(budget.scope)}, ${windowText(budget.window)}: ${share(used)} is used.`;
    return [finding(used >= 1 ? 'bad' : 'warn', text, ['budgets', 'Budgets'])];
  });
}

function ofErrors(total: Evidence['total']): Finding[] {
  if (!total || total.calls < LEAST_CALLS) return [];
  const rate = total.errors / total.calls;
  if (rate < ERRORS.warn) return [];
  const text = `${share(rate)} of ${count(total.calls)} calls failed in this window.`;
  return [finding(rate >= ERRORS.bad ? 'bad' : 'warn', text, ['spend', 'By outcome'], { by: 'outcome,provider' })];
}

function ofPrices(total: Evidence['total']): Finding[] {
  const unknown = total?.unknownCostCalls ?? 0;
  if (unknown === 0) return [];
  const text = `${count(unknown)} ${unknown === 1 ? 'call has' : 'calls have'} no known price: sums leave them out (≥).`;
  return [finding('warn', text, ['spend', 'Which models'], { by: 'model' })];
}
