/** Sessions as a table, and one of them call by call. Pure. */
import { shortId } from '#kernel/ids.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import { outcomeText } from '../calls/outcome.ts';
import type { CliContext } from '../context.ts';
import { count, dateTime, duration, money, qualifiedMoney, share, tokens, UNKNOWN } from '../format.ts';
import { drawTable, type Cell } from '../table.ts';
import { plain } from '../text.ts';
import type { SessionsReport } from './list.ts';
import { cacheShare, hasFailed, type SessionSums } from './report.ts';
import type { SessionReport } from './show.ts';

type Screen = Pick<CliContext, 'terminal' | 'zone'>;
const RIGHT = { align: 'right' } as const;

const costText = ({ costNanoUsd, estimatedNanoUsd, unknownCostCalls, calls }: SessionSums): string =>
  unknownCostCalls === calls
    ? 'unknown'
    : qualifiedMoney(costNanoUsd, { estimated: estimatedNanoUsd > 0n, partial: unknownCostCalls > 0 });
const spanMs = ({ from, to }: SessionSums): number => Date.parse(to) - Date.parse(from);

export function drawSessions({ sessions, callsRead, complete }: SessionsReport, { terminal, zone }: Screen): string {
  const bound = complete
    ? []
    : [`the window holds more than the ${count(callsRead)} calls that were read: older ones are missing`];
  if (sessions.length === 0)
    return [
      'No sessions in this window.',
      ...bound,
      '',
      'hint: calls name one with x-headgate-session; coding agents do it by themselves',
    ].join('\n');
  const columns = [
    { title: 'last call' },
    { title: 'session', shrinkTo: 12 },
    { title: 'tenant', shrinkTo: 8, leaves: 4 },
    { title: 'models', shrinkTo: 12, leaves: 5 },
    { title: 'calls', ...RIGHT },
    { title: 'failed', ...RIGHT },
    { title: 'over', ...RIGHT, leaves: 3 },
    { title: 'input', ...RIGHT, leaves: 2 },
    { title: 'from cache', ...RIGHT, leaves: 1 },
    { title: 'cost', ...RIGHT },
  ];
  const rows = sessions.map((one): Cell[] => [
    dateTime(Date.parse(one.to), zone),
    plain(one.session),
    plain(one.tenant),
    plain(one.models.join(', ')),
    count(one.calls),
    one.failed > 0 ? { text: count(one.failed), tone: terminal.paint.bad } : '0',
    duration(spanMs(one)),
    tokens(one.inputTokens),
    share(cacheShare(one)),
    costText(one),
  ]);
  const { lines, left } = drawTable({ columns, rows }, { width: terminal.width, heading: terminal.paint.dim });
  return [
    ...lines,
    '',
    ...(left.length > 0 ? [`no room for: ${left.join(', ')}`] : []),
    ...bound,
    `hint: headgate sessions show ${plain(sessions[0]!.session)}`,
  ].join('\n');
}

export function drawSession(report: SessionReport, screen: Screen): string {
  const { session, calls, complete, failedFirst } = report;
  const { terminal } = screen;
  const { lines, left } = drawTable(callTable(report, screen), { width: terminal.width, heading: terminal.paint.dim });
  return [
    ...headLines(session, screen),
    '',
    ...lines,
    '',
    ...(left.length > 0 ? [`no room for: ${left.join(', ')}`] : []),
    ...(complete ? [] : [`only the newest ${count(calls.length)} calls of the session are here`]),
    ...failureLines(report),
    `hint: headgate calls show ${failedFirst ?? dearest(calls).id}`,
  ].join('\n');
}

function headLines(session: SessionSums, { zone }: Screen): string[] {
  const { tenant, agents, clients, from } = session;
  const who = [tenant, agents.length > 0 ? `agents ${agents.join(', ')}` : '', clients.join(', ')].filter(Boolean);
  const failed = session.failed === 0 ? 'none failed' : `${count(session.failed)} failed`;
  return [
    `session ${plain(session.session)} · ${plain(who.join(' · '))}`,
    `${count(session.calls)} ${session.calls === 1 ? 'call' : 'calls'} over ${duration(spanMs(session))} from ${dateTime(Date.parse(from), zone)} · ${failed} · ${costText(session)}`,
    `input ${tokens(session.inputTokens)} (${share(cacheShare(session))} from the provider’s cache) · output ${tokens(session.outputTokens)}`,
  ];
}

function callTable({ calls }: SessionReport, { terminal }: Screen) {
  const start = calls[0]!.at;
  const wholeIds = !terminal.isTerminal || terminal.width >= 150;
  return {
    columns: [
      { title: 'after', ...RIGHT },
      { title: 'call' },
      { title: 'agent', shrinkTo: 6, leaves: 5 },
      { title: 'model', shrinkTo: 12 },
      { title: 'outcome', shrinkTo: 12 },
      { title: 'tries', ...RIGHT, leaves: 6 },
      { title: 'in', ...RIGHT, leaves: 2 },
      { title: 'from cache', ...RIGHT, leaves: 1 },
      { title: 'out', ...RIGHT, leaves: 3 },
      { title: 'took', ...RIGHT, leaves: 4 },
      { title: 'cost', ...RIGHT },
    ],
    rows: calls.map((entry): Cell[] => [
      `+${duration(entry.at - start)}`,
      wholeIds ? entry.id : shortId(entry.id),
      plain(entry.agent ?? UNKNOWN),
      plain(entry.modelAsked),
      hasFailed(entry) ? { text: outcomeText(entry), tone: terminal.paint.bad } : outcomeText(entry),
      count(entry.attempts.length),
      tokens(entry.usage.inputTokens),
      share(cachedShare(entry)),
      tokens(entry.usage.outputTokens),
      duration(entry.timing.totalMs),
      entry.cost === null ? 'unknown' : money(entry.cost.total),
    ]),
  };
}

const cachedShare = ({ usage: { inputTokens, cachedReadTokens } }: LedgerEntry): number | null =>
  inputTokens === null || inputTokens === 0 || cachedReadTokens === null ? null : cachedReadTokens / inputTokens;

/** Where it went wrong first, and whether the task went on. */
function failureLines({ calls, failedFirst }: SessionReport): string[] {
  if (failedFirst === null) return [];
  const at = calls.findIndex(({ id }) => id === failedFirst);
  const entry = calls[at]!;
  const why = entry.errorCode ?? entry.attempts.at(-1)?.errorCode ?? outcomeText(entry);
  const after = calls.length - at - 1;
  return [
    `failed first at +${duration(entry.at - calls[0]!.at)}: ${plain(entry.modelAsked)} ${plain(why)}; ${after === 0 ? 'nothing came after it' : `${count(after)} ${after === 1 ? 'call' : 'calls'} came after it`}`,
  ];
}

const dearest = (calls: readonly LedgerEntry[]): LedgerEntry =>
  calls.reduce((a, b) => ((b.cost?.total ?? 0n) > (a.cost?.total ?? 0n) ? b : a));
