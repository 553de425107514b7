/** The report of streams as a table: how they ended, what was paid in vain, what to type next. Pure. */
import type { StreamLine, StreamsReport } from '#capabilities/streams/routes.ts';
import type { CliContext } from '../context.ts';
import { count, dateTime, duration, windowLength } from '../format.ts';
import { drawTable, type Cell, type Column } from '../table.ts';
import { plain } from '../text.ts';
import { cameBack, endedAs, goneOnWith, IN_VAIN, moneyOf, tokensOf, UNPRICED } from './words.ts';

type Screen = Pick<CliContext, 'terminal' | 'zone'>;

const RIGHT = { align: 'right' } as const;

export function drawReport(report: StreamsReport, screen: Screen): string {
  const { terminal, zone } = screen;
  const { window, total, filters } = report;
  const [from, to] = [Date.parse(window.from), Date.parse(window.to)];
  const named = Object.entries(filters).map(([name, value]) => `${name} ${value}`);
  const heading = [`${windowLength(to - from)} to ${dateTime(to, zone)} ${zone}`, ...named.map(plain)].join(' · ');
  if (total.all.streams === 0)
    return `${heading}\n\nNo streams ended in this window.\n\nhint: headgate streams live   those that go on`;
  const rows = report.lines.map((line) => [...names(line), ...cells(line, report, screen)]);
  const rest = report.rest;
  if (rest)
    rows.push([`other (${rest.groups})`, ...report.by.slice(1).map(() => ''), ...cells(rest.line, report, screen)]);
  const footer = ['total', ...report.by.slice(1).map(() => ''), ...cells(total, report, screen)];
  const table = report.by.length === 0 ? { rows: [cells(total, report, screen)] } : { rows, footer };
  const { lines, left } = drawTable(
    { columns: columns(report), ...table },
    { width: terminal.width, heading: terminal.paint.dim, strong: terminal.paint.bold },
  );
  return [heading, '', ...lines, '', ...notes(report, left, zone), ...advice(report)].join('\n');
}

/** Where no stream was, there is no column. */
const wasRedriven = ({ total }: StreamsReport): boolean => total.endings.redriven !== undefined;

const columns = (report: StreamsReport): Column[] => [
  ...report.by.map((title): Column => ({ title, shrinkTo: 8 })),
  { title: 'streams', ...RIGHT },
  { title: 'whole', ...RIGHT, leaves: 6 },
  { title: 'cut', ...RIGHT },
  { title: 'died', ...RIGHT },
  { title: 'failed', ...RIGHT, leaves: 3 },
  { title: 'client left', ...RIGHT, leaves: 1 },
  { title: 'abandoned', ...RIGHT, leaves: 4 },
  { title: 'cancelled', ...RIGHT, leaves: 2 },
  { title: 'resumed', ...RIGHT, leaves: 5 },
  { title: 'tokens in vain', ...RIGHT, leaves: 7 },
  { title: 'paid in vain', ...RIGHT },
  { title: 'at most', ...RIGHT },
  ...(wasRedriven(report) ? [{ title: 'redriven', ...RIGHT }] : []),
];

const names = ({ by }: StreamLine): string[] => by.map((value) => plain(value ?? '(none)'));

function cells(
  { all, endings, resumed, wasted, wastedAtMost }: StreamLine,
  report: StreamsReport,
  screen: Screen,
): Cell[] {
  const ended = endedAs(endings);
  const { warn } = screen.terminal.paint;
  const bad = (value: number): Cell => (value === 0 ? '0' : { text: count(value), tone: warn });
  return [
    ...[count(all.streams), count(ended.whole), bad(ended.cut), bad(ended.died), bad(ended.failed)],
    ...[count(ended.clientLeft), count(ended.abandoned), count(ended.cancelled)],
    ...[count(resumed.streams), tokensOf(wasted), moneyOf(wasted), moneyOf(wastedAtMost)],
    ...(wasRedriven(report) ? [count(ended.redriven)] : []),
  ];
}

function notes({ total, knownFrom }: StreamsReport, left: readonly string[], zone: string): string[] {
  const { resumed, wastedAtMost } = total;
  const redriven = goneOnWith(total.endings);
  return [
    ...(left.length > 0 ? [`no room for: ${left.join(', ')}`] : []),
    ...(knownFrom === null ? [] : [`known from ${dateTime(Date.parse(knownFrom), zone)} on`]),
    ...(total.meanMs === null ? [] : [`mean time of a stream ${duration(total.meanMs)}`]),
    ...(resumed.streams > 0 ? [cameBack(resumed)] : []),
    ...(redriven === null ? [] : [redriven]),
    ...IN_VAIN,
    ...(wastedAtMost.unknownCostStreams > 0 ? [UNPRICED] : []),
  ];
}

function advice({ advice: found }: StreamsReport): string[] {
  if (found.length === 0) return ['', 'hint: headgate streams live   those that go on'];
  return found.flatMap(({ text, next }) => ['', plain(text), ...next.map((command) => `  hint: ${plain(command)}`)]);
}
