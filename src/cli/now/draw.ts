/** `headgate now` for people: the answer first, then what it rests on, then the commands to type. Pure. */
import { parseUsd } from '#kernel/money.ts';
import type { ChangeLine } from '#gateway/now/core/changes.ts';
import type { NowFinding, NowReport } from '#gateway/now/report.ts';
import type { CliContext } from '../context.ts';
import { count, dateTime, duration, money, share, UNKNOWN } from '../format.ts';
import { drawTable, type Cell, type Table } from '../table.ts';
import { displayWidth, fit, plain, wrap } from '../text.ts';

type Screen = Pick<CliContext, 'terminal' | 'zone'>;

/** Lines longer than this are hard to read, however wide the terminal. */
const READABLE = 120;
const MOST_CHANGES = 10;
const MOST_HURT = 10;
const MOST_WAYS = 8;

export function drawNow(report: NowReport, screen: Screen): string {
  const width = Math.min(screen.terminal.width, READABLE);
  const blocks = [
    [headline(report, screen, width)],
    ...report.findings.map((one) => findingLines(one, screen, width)),
    hurtLines(report, screen, width),
    failingLines(report, screen, width),
    changeLines(report, screen, width),
    [...moneyLine(report), ...healthLine(report, width)],
    report.unknown.map((one) =>
      screen.terminal.paint.warn(wrap(`not known: ${plain(timesIn(one, screen))}`, width, '  ')),
    ),
  ];
  return blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

const VERDICTS = { trouble: 'TROUBLE', warned: 'LOOK', calm: 'CALM' } as const;

function headline(report: NowReport, { terminal: { paint }, zone }: Screen, width: number): string {
  const { verdict, findings, window, totals } = report;
  const tone = { trouble: paint.bad, warned: paint.warn, calm: paint.good }[verdict];
  const bad = findings.filter(({ grade }) => grade === 'bad').length;
  const warn = findings.length - bad;
  const parts = [...(bad > 0 ? [`${bad} bad`] : []), ...(warn > 0 ? [`${warn} to look at`] : [])];
  const span = `${clock(window.from, zone)} to ${clock(window.to, zone)} ${zone}`;
  const calls = totals
    ? `${count(totals.calls)} calls, ${totals.calls === 0 ? 'none failed' : `${share(totals.failed / totals.calls)} failed`}${totals.usualFailed === null ? '' : ` (usual ${share(totals.usualFailed)})`}`
    : 'calls not known';
  const indent = ' '.repeat(VERDICTS[verdict].length + 2);
  const text = [parts.join(', ') || 'nothing needs you', span, calls].join(' · ');
  return `${tone(paint.bold(VERDICTS[verdict]))}  ${wrap(text, width - indent.length, indent)}`;
}

const clock = (at: string, zone: string): string => dateTime(Date.parse(at), zone).slice(11);

/** Times of the report in the reader's own zone. */
const timesIn = (text: string, { zone }: Screen): string =>
  text.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, (at) => clock(at, zone));

const INDENT = '      ';

function findingLines({ grade, text, evidence, next }: NowFinding, screen: Screen, width: number): string[] {
  const { paint } = screen.terminal;
  const mark = grade === 'bad' ? paint.bad('BAD ') : paint.warn('WARN');
  const words = (what: string): string => wrap(plain(timesIn(what, screen)), width - INDENT.length, INDENT);
  return [
    `${mark}  ${paint.bold(words(text))}`,
    ...evidence.map((line) => INDENT + words(line)),
    ...next.map((command) => commandLine(command, screen, width)),
  ];
}

/** A command is copied: it is never broken, and what is said beside it goes on the next line where there is no room. */
function commandLine(command: string, { terminal: { paint } }: Screen, width: number): string {
  const [typed = '', said] = command.split(/ {3}/, 2);
  const line = `${INDENT}> ${plain(typed)}`;
  if (said === undefined) return line;
  const note = paint.warn(plain(said));
  return displayWidth(line) + displayWidth(said) + 3 <= width ? `${line}   ${note}` : `${line}\n${INDENT}  ${note}`;
}

const RIGHT = { align: 'right' } as const;

const drawn = (table: Table, { terminal: { paint } }: Screen, width: number): string[] =>
  drawTable(table, { width, heading: paint.dim }).lines;

function hurtLines({ hurt }: NowReport, screen: Screen, width: number): string[] {
  if (hurt === null || hurt.groups === 0) return [];
  const few = hurt.tooFew > 0 ? `; ${count(hurt.tooFew)} had fewer than 20 calls: not enough data` : '';
  if (hurt.hurt.length === 0)
    return [
      `nobody is hurt: ${count(hurt.groups - hurt.tooFew)} tenants, features and models are at their usual${few}`,
    ];
  const rows = hurt.hurt
    .slice(0, MOST_HURT)
    .map((one): Cell[] => [
      `${one.by} ${plain(one.name)}`,
      count(one.calls),
      { text: share(one.failed / one.calls), tone: one.why === 'latency' ? String : screen.terminal.paint.bad },
      one.usualFailed === null ? 'not enough data' : share(one.usualFailed),
      { text: duration(one.p99Ms), tone: one.why === 'failures' ? String : screen.terminal.paint.bad },
      one.usualP99Ms === null ? UNKNOWN : duration(one.usualP99Ms),
      count(one.usualCalls),
    ]);
  const columns = [
    { title: 'who is hurt', shrinkTo: 16 },
    { title: 'calls', ...RIGHT },
    { title: 'failed', ...RIGHT },
    { title: 'usual', ...RIGHT },
    { title: 'p99', ...RIGHT },
    { title: 'usual p99', ...RIGHT, leaves: 2 },
    { title: 'calls of the week', ...RIGHT, leaves: 3 },
  ];
  const more = hurt.hurt.length > MOST_HURT ? `${count(hurt.hurt.length - MOST_HURT)} more; ` : '';
  const rest = `${more}${count(hurt.groups - hurt.hurt.length - hurt.tooFew)} are at their usual${few}`;
  return [...drawn({ columns, rows }, screen, width), screen.terminal.paint.dim(rest)];
}

function failingLines({ failing, sampledCalls }: NowReport, screen: Screen, width: number): string[] {
  if (failing === null) return [];
  const ways = failing
    .flatMap((one) => one.ways.map((way) => ({ one, way })))
    .sort((a, b) => b.way.count - a.way.count);
  if (ways.length === 0) return ['no attempt failed at a provider'];
  const rows = ways
    .slice(0, MOST_WAYS)
    .map(({ one, way }): Cell[] => [
      plain(one.deployment),
      String(way.httpStatus ?? way.status),
      plain(way.errorCode ?? UNKNOWN),
      count(way.count),
      share(way.count / one.attempts),
    ]);
  const columns = [
    { title: 'failing attempts at', shrinkTo: 20 },
    { title: 'status', shrinkTo: 8 },
    { title: 'error code', shrinkTo: 12 },
    { title: 'attempts', ...RIGHT },
    { title: 'share', ...RIGHT },
  ];
  const sample =
    sampledCalls === null
      ? 'counted by this node'
      : `from the sums of the window and its newest ${count(sampledCalls)} calls`;
  const more = ways.length > MOST_WAYS ? `${count(ways.length - MOST_WAYS)} more ways; ` : '';
  return [...drawn({ columns, rows }, screen, width), screen.terminal.paint.dim(more + sample)];
}

function changeLines({ changes }: NowReport, screen: Screen, width: number): string[] {
  if (changes === null) return [];
  if (changes.length === 0) return ['nothing was changed in this time'];
  const { zone, terminal } = screen;
  const line = ({ at, what, who, times }: ChangeLine): string => {
    const head = `${clock(at, zone)}  `;
    const tail = `${times > 1 ? ` × ${count(times)}` : ''}  ${who}`;
    return (
      head +
      fit(plain(what), Math.max(10, width - displayWidth(head) - displayWidth(tail))) +
      terminal.paint.dim(plain(tail))
    );
  };
  const more =
    changes.length > MOST_CHANGES ? [`${count(changes.length - MOST_CHANGES)} more: headgate now --json`] : [];
  return [terminal.paint.dim('what changed'), ...changes.slice(0, MOST_CHANGES).map(line), ...more];
}

function moneyLine({ totals, budgets, window }: NowReport): string[] {
  if (totals === null) return [];
  const length = duration(Date.parse(window.to) - Date.parse(window.from));
  const spent = money(parseUsd(totals.costUsd));
  const unknown = totals.unknownCostCalls > 0 ? `, ${count(totals.unknownCostCalls)} calls without a price` : '';
  const near =
    budgets === null
      ? ''
      : budgets.length === 0
        ? ' · no budget is near its limit'
        : ` · ${budgets.length} budgets near their limit`;
  return [`money    ${totals.unknownCostCalls > 0 ? '≥' : ''}${spent} in ${length}${unknown}${near}`];
}

function healthLine({ node }: NowReport, width: number): string[] {
  if (node === null) return [];
  const waits =
    node.unshippedCalls === 0
      ? 'spool empty'
      : `${count(node.unshippedCalls)} calls in the spool, the oldest ${duration(node.oldestUnshippedMs)}`;
  const parts = [
    node.ready ? 'gate ready' : node.draining ? 'gate going down' : 'gate not ready',
    `${count(node.inFlight)} in flight`,
    waits,
    node.diskFull ? 'disk full' : 'disk writable',
    `version ${plain(node.version)}`,
  ];
  return [wrap(`health   ${parts.join(' · ')}`, width, '         ')];
}
