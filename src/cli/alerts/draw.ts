/** Rules and what fires as a table, and what webhooks answered. Pure. */
import type { AlertsView, RuleView, WebhookView } from '#capabilities/alerts/index.ts';
import type { CliContext } from '../context.ts';
import { count, dateTime, duration, UNKNOWN } from '../format.ts';
import { drawTable, type Cell, type Tone } from '../table.ts';
import { plain } from '../text.ts';
import type { AlertsTest } from './test.ts';

type Screen = Pick<CliContext, 'terminal' | 'zone'>;

const HINT_RULES = 'hint: write rules under `alerts` in headgate.yaml; docs/operate/alerts.md has a set to start from';

export function drawAlerts(view: AlertsView, { terminal, zone }: Screen): string {
  const { rules, webhooks, delivery, firing } = view;
  if (rules.length === 0) return `No rules of alerts are configured.\n\n${HINT_RULES}`;
  const columns = [
    { title: 'rule' },
    { title: 'kind', leaves: 3 },
    { title: 'severity', leaves: 2 },
    { title: 'state' },
    { title: 'since', leaves: 1 },
    { title: 'what', shrinkTo: 24 },
  ];
  const rows = rules.flatMap((rule) => rowsOf(rule, terminal.paint, zone));
  const { lines, left } = drawTable({ columns, rows }, { width: terminal.width, heading: terminal.paint.dim });
  return [
    `${firing === 0 ? 'Nothing fires' : `${count(firing)} ${firing === 1 ? 'fires' : 'fire'}`} · ${count(rules.length)} rules · looked at ${lookedAt(rules, zone)}`,
    '',
    ...lines,
    '',
    ...(left.length > 0 ? [`no room for: ${left.join(', ')}`] : []),
    `messages: ${count(delivery.sent)} sent, ${count(delivery.waiting)} waiting, ${count(delivery.rejected)} rejected, ${count(delivery.dropped)} given up`,
    ...webhookLines(webhooks),
  ].join('\n');
}

function lookedAt(rules: readonly RuleView[], zone: string): string {
  const times = rules.flatMap(({ lookedAt: at }) => (at === null ? [] : [Date.parse(at)]));
  return times.length === 0 ? 'never yet' : dateTime(Math.max(...times), zone, { seconds: true });
}

const WORDS: Readonly<Record<RuleView['state'], string>> = {
  ok: 'ok',
  pending: 'pending',
  firing: 'FIRING',
  unknown: 'unknown',
};

/** One row for each thing that pends or fires, or one for a rule where nothing does. */
function rowsOf(rule: RuleView, paint: Screen['terminal']['paint'], zone: string): Cell[][] {
  const head = [plain(rule.rule), rule.kind, rule.severity];
  const toned = (text: string, tone: Tone | null): Cell => (tone ? { text, tone } : text);
  if (rule.alerts.length === 0) {
    const tone = rule.state === 'unknown' ? paint.warn : null;
    return [[...head, toned(WORDS[rule.state], tone), UNKNOWN, plain(rule.trouble ?? rule.summary ?? '')]];
  }
  const rows = rule.alerts.map(({ phase, since, firedAt, text }): Cell[] => {
    const firing = phase === 'firing';
    const at = dateTime(Date.parse(firedAt ?? since), zone);
    return [...head, toned(firing ? 'FIRING' : 'pending', firing ? paint.bad : paint.warn), at, plain(text)];
  });
  const more: Cell[][] = rule.leftOut > 0 ? [[...head, 'FIRING', UNKNOWN, `and ${count(rule.leftOut)} more`]] : [];
  return [...rows, ...more];
}

function webhookLines(webhooks: readonly WebhookView[]): string[] {
  if (webhooks.length === 0) return ['hint: no webhook is configured: nobody is told'];
  const names = webhooks.map(
    ({ name, host, signed }) => `${plain(name)} (${plain(host)}${signed ? '' : ', unsigned'})`,
  );
  return [`webhooks: ${names.join(', ')}`, `hint: headgate alerts test ${plain(webhooks[0]!.name)}`];
}

export function drawTests({ results }: AlertsTest, { terminal: { paint } }: Screen): string {
  if (results.length === 0) return 'No webhook is configured.';
  const lines = results.map(({ webhook, ok, httpStatus, errorCode, tookMs }) => {
    const answer = `${httpStatus ?? plain(errorCode ?? '')} in ${duration(tookMs)}`;
    return ok
      ? paint.good(`${plain(webhook)} took it: ${answer}`)
      : paint.bad(`${plain(webhook)} did not take it: ${answer}`);
  });
  return lines.join('\n');
}
