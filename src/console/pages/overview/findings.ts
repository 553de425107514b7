/** What needs somebody, from what the gate says of itself: the worst first. Pure. */
import { count, duration, money, ratioOf, share } from '#kernel/format.ts';
import type { Status } from '../../state/connection.ts';
import type { BudgetView } from '../../state/questions.ts';
import type { AlertsView } from '../alerts/view.ts';
import type { ProvidersView } from '../providers/view.ts';

export interface Finding {
  readonly grade: 'bad' | 'warn';
  readonly text: string;
  /** The page where it is mended or explained, below /console/. */
  readonly page: string;
  readonly asked: Readonly<Record<string, string>>;
  readonly link: string;
}

export interface Evidence {
  readonly status: Status | null;
  readonly budgets: readonly BudgetView[] | null;
  readonly providers: ProvidersView | null;
  /** Alerts of the gate's own that fire. */
  readonly alerts: AlertsView | null;
  readonly refused: { readonly at: string; readonly why: string } | null;
  readonly total: { readonly calls: number; readonly errors: number; readonly unknownCostCalls: number } | null;
}

/** A few calls that fail are no rate yet. */
const LEAST_CALLS = 20;
const LEAST_ATTEMPTS = 5;
const ERRORS = { warn: 0.02, bad: 0.1 } as const;
/** A call reserves more than it will cost: what is left of a budget above this hardly lets one through. */
const FULL = 0.99;
const PROVIDER_FAILURES = { warn: 0.1, bad: 0.5 } as const;
/** The spool ships within seconds; after a minute the store is slow or away. */
const LAG_MS = 60_000;

export function findingsOf(evidence: Evidence): readonly Finding[] {
  const all = [
    ...ofAlerts(evidence.alerts),
    ...ofGate(evidence.status),
    ...ofProviders(evidence.providers),
    ...ofErrors(evidence.total),
    ...(evidence.budgets ?? []).flatMap(ofBudget),
    ...ofConfiguration(evidence.refused),
    ...ofPrices(evidence.total),
  ];
  return all.sort((a, b) => Number(a.grade === 'warn') - Number(b.grade === 'warn'));
}

const finding = (
  grade: Finding['grade'],
  text: string,
  [page, link]: readonly [string, string],
  asked = {},
): Finding => ({
  grade,
  text,
  page,
  link,
  asked,
});

function ofGate(status: Status | null): Finding[] {
  if (!status) return [];
  const { diskFull, lostRecords, oldestUnshippedMs, unshippedCalls } = status.spool;
  const providers = ['providers', 'Providers'] as const;
  const configuration = ['configuration', 'Configuration'] as const;
  return [
    ...(diskFull ? [finding('bad', 'The ledger’s spool cannot be written: its disk is full.', configuration)] : []),
    ...(lostRecords > 0
      ? [finding('bad', `${count(lostRecords)} records of the ledger were lost.`, configuration)]
      : []),
    ...((oldestUnshippedMs ?? 0) > LAG_MS
      ? [
          finding(
            'warn',
            `${count(unshippedCalls)} calls wait for the store, the oldest for ${duration(oldestUnshippedMs)}: the newest figures are missing here.`,
            configuration,
          ),
        ]
      : []),
    ...(status.stateFrom === 'snapshot'
      ? [finding('warn', 'The store was away at the start: keys and budgets are the last known ones.', providers)]
      : []),
  ];
}

/** One a rule, however many things it fires for. */
function ofAlerts(view: AlertsView | null): Finding[] {
  return (view?.rules ?? []).flatMap(({ rule, severity, state, alerts, leftOut }) => {
    if (state !== 'firing' || severity === 'info') return [];
    const firing = alerts.filter(({ phase }) => phase === 'firing');
    const more = firing.length - 1 + leftOut;
    const text = `Alert ${rule}: ${firing[0]!.text}${more > 0 ? `, and ${count(more)} more` : ''}.`;
    return [finding(severity === 'critical' ? 'bad' : 'warn', text, ['alerts', 'Alerts'])];
  });
}

const gradeOf = (
  value: number,
  { warn, bad }: { readonly warn: number; readonly bad: number },
): Finding['grade'] | null => (value >= bad ? 'bad' : value >= warn ? 'warn' : null);

function ofProviders(view: ProvidersView | null): Finding[] {
  return (view?.providers ?? []).flatMap(({ name, health: { attempts, failed } }) => {
    const grade = attempts < LEAST_ATTEMPTS ? null : gradeOf(failed / attempts, PROVIDER_FAILURES);
    if (grade === null) return [];
    const text = `Provider ${name} failed ${share(failed / attempts)} of the last ${count(attempts)} attempts.`;
    return [finding(grade, text, ['providers', 'Last errors'])];
  });
}

function ofErrors(total: Evidence['total']): Finding[] {
  if (!total || total.calls < LEAST_CALLS) return [];
  const grade = gradeOf(total.errors / total.calls, ERRORS);
  if (grade === null) return [];
  const text = `${share(total.errors / total.calls)} of ${count(total.calls)} calls failed in this window.`;
  return [finding(grade, text, ['spend', 'By outcome'], { by: 'outcome,provider' })];
}

function ofBudget({ scope, limit, spent, reserved, warnAt }: BudgetView): Finding[] {
  const used = spent === null ? null : ratioOf(spent + (reserved ?? 0n), limit);
  if (used === null || used < Math.min(1, ...warnAt)) return [];
  const whose = [scope.level, scope.id ?? scope.tenant].filter((part) => part !== null).join(' ');
  const full = used >= FULL;
  const text = `The budget of ${whose} has ${share(used)} of ${money(limit)} used${full ? ': calls that do not fit are refused' : ''}.`;
  return [finding(full ? 'bad' : 'warn', text, ['budgets', 'Budgets'])];
}

const ofConfiguration = (refused: Evidence['refused']): Finding[] =>
  refused
    ? [
        finding('warn', 'A changed headgate.yaml was refused; the earlier one is in force.', [
          'configuration',
          'What is wrong',
        ]),
      ]
    : [];

function ofPrices(total: Evidence['total']): Finding[] {
  const unknown = total?.unknownCostCalls ?? 0;
  if (unknown === 0) return [];
  const text = `${count(unknown)} ${unknown === 1 ? 'call has' : 'calls have'} no known price: sums leave them out (≥).`;
  return [finding('warn', text, ['spend', 'Which models'], { by: 'model' })];
}
