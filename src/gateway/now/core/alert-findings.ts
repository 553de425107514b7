import { count } from '#kernel/format.ts';
import type { RuleView } from '#capabilities/alerts/index.ts';
import type { NowFinding } from '../report.ts';

/** A rule of alerts that fires for something that needs somebody. */
export interface AlertLine {
  readonly rule: string;
  readonly severity: 'warning' | 'critical';
  /** Since the first of what it fires for was found. */
  readonly since: string;
  /** The first of what it fires for. */
  readonly text: string;
  /** Others that it fires for. */
  readonly more: number;
  readonly summary: string | null;
  readonly runbook: string | null;
}

/** Pending alerts and those for information are left out. Pure. */
export function alertLines(rules: readonly RuleView[]): AlertLine[] {
  return rules.flatMap(({ rule, severity, state, alerts, leftOut, summary, runbook }) => {
    if (state !== 'firing' || severity === 'info') return [];
    const firing = alerts.filter(({ phase }) => phase === 'firing');
    const since = firing.map((one) => one.since).toSorted()[0]!;
    const more = firing.length - 1 + leftOut;
    return [{ ...{ rule, severity, since, text: firing[0]!.text, more, summary, runbook } }];
  });
}

export const ofAlert = ({ rule, severity, since, text, more, summary, runbook }: AlertLine): NowFinding => ({
  grade: severity === 'critical' ? 'bad' : 'warn',
  about: 'alert',
  text: `Alert ${rule}: ${text}${more > 0 ? `, and ${count(more)} more` : ''}.`,
  evidence: [
    `it holds since ${since}`,
    ...(summary === null ? [] : [summary]),
    ...(runbook === null ? [] : [`runbook: ${runbook}`]),
  ],
  next: ['headgate alerts'],
});
