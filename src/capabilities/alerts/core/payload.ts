/** Bodies of webhooks. They hold ids, names and figures of the operator's own; no entry's text is known here. */
import type { AlertRule, Severity, Webhook } from '../config.ts';
import type { AlertEvent, Change } from './state.ts';

/** What a message is about: one rule, one kind of event, all instances that it befell in one look. */
export interface Notice {
  readonly rule: string;
  readonly kind: AlertRule['kind'] | 'test';
  readonly severity: Severity;
  readonly event: AlertEvent | 'test';
  readonly summary: string | null;
  readonly runbook: string | null;
  readonly environment: string;
  /** Which gate says so. */
  readonly instance: string;
  /** Wall clock. */
  readonly at: number;
  readonly changes: readonly Change[];
  /** Things that hold and were not kept for want of room. */
  readonly leftOut: number;
}

/** Things in one message; the rest is a number. */
export const MOST_IN_MESSAGE = 20;

const isoOrNull = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

export const bodyOf = (notice: Notice, format: Webhook['format']): string =>
  JSON.stringify(format === 'slack' ? slackBody(notice) : standardBody(notice));

/** `type`, `timestamp` and `data`, as Standard Webhooks advises. */
function standardBody(notice: Notice): object {
  const { rule, kind, severity, event, summary, runbook, environment, instance, at, changes, leftOut } = notice;
  const shown = changes.slice(0, MOST_IN_MESSAGE);
  return {
    type: `alert.${event}`,
    timestamp: new Date(at).toISOString(),
    data: {
      ...{ rule, kind, severity, summary, runbook, environment, instance },
      alerts: shown.map(({ instance: one }) => ({
        labels: one.labels,
        value: one.value,
        text: one.text,
        startedAt: isoOrNull(one.firedAt ?? one.since),
        endedAt: event === 'resolved' ? isoOrNull(at) : null,
      })),
      leftOut: leftOut + changes.length - shown.length,
    },
  };
}

const WORDS: Readonly<Record<Notice['event'], string>> = {
  firing: 'FIRING',
  repeat: 'STILL FIRING',
  resolved: 'RESOLVED',
  test: 'TEST',
};

/** What Slack's incoming webhooks take, and all that speak like them: one text. */
function slackBody(notice: Notice): object {
  const { rule, severity, event, summary, runbook, environment, changes, leftOut } = notice;
  const shown = changes.slice(0, MOST_IN_MESSAGE);
  const rest = leftOut + changes.length - shown.length;
  const lines = [
    `*${WORDS[event]}* ${escaped(rule)} (${severity}, ${escaped(environment)})`,
    ...(summary === null ? [] : [escaped(summary)]),
    ...shown.map(({ instance }) => `• ${escaped(instance.text)}`),
    ...(rest > 0 ? [`• and ${rest} more`] : []),
    ...(runbook === null ? [] : [runbook]),
  ];
  return { text: lines.join('\n') };
}

/** Slack gives `&`, `<` and `>` a meaning: a name could mention a whole channel. */
const escaped = (text: string): string =>
  text.replace(/[&<>]/g, (char) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[char]!);
