/** The spend report as text. Pure. */
import {
  change,
  count,
  dateTime,
  money,
  qualifiedMoney,
  ratioOf,
  share,
  tokens,
  UNKNOWN,
  windowLength,
} from '../format.ts';
import { OTHER_VALUE } from '#ports/entry.ts';
import { filterText } from '../flags.ts';
import { drawTable, type Cell, type Column, type Table } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { plain } from '../text.ts';
import { isPivot, kindsOf, ofKind, pivotLines } from './pivot.ts';
import { folded, type SpendLine, type SpendReport, type SpendSums } from './report.ts';

export interface SpendDrawing {
  readonly terminal: Pick<Terminal, 'width' | 'paint'>;
  /** Groups to show. */
  readonly limit: number;
  /** Name of a key by its id, for people. */
  readonly keyName: (id: string) => string | null;
}

export function drawSpend(report: SpendReport, drawing: SpendDrawing): string {
  const { terminal } = drawing;
  if (report.lines.length === 0) return [heading(report), '', ...nothing(report)].join('\n');
  const table = isPivot(report) ? pivotTable(report, drawing) : plainTable(report, drawing);
  const { lines, left } = drawTable(table, {
    width: terminal.width,
    heading: terminal.paint.dim,
    strong: terminal.paint.bold,
  });
  const notes = [...(left.length > 0 ? [`no room for: ${left.join(', ')}`] : []), ...notesOf(report)];
  return [heading(report), '', ...lines, ...(notes.length > 0 ? ['', ...notes] : []), '', hint(report)].join('\n');
}

const nothing = (report: SpendReport): string[] => [
  'No calls in this window.',
  '',
  Object.keys(report.filters).length > 0
    ? 'hint: leave a filter out, or widen the window with --since 30d'
    : 'hint: widen the window with --since 30d, or see calls as they come with `headgate calls tail`',
];

function heading({ window, zone, total, filters }: SpendReport): string {
  const [from, to] = [Date.parse(window.from), Date.parse(window.to)];
  const estimated = ratioOf(total.estimatedNanoUsd, total.costNanoUsd);
  return [
    `${windowLength(to - from)} to ${dateTime(to, zone)} ${zone}`,
    ...(Object.keys(filters).length > 0 ? [plain(filterText(filters))] : []),
    `${count(total.calls)} calls`,
    ...(estimated ? [`${share(estimated)} estimated`] : []),
  ].join(' · ');
}

function notesOf({ total, prior, vanishedGroups, zone, lines }: SpendReport): string[] {
  const notes: string[] = [];
  if (lines.some(({ by }) => by.includes(OTHER_VALUE)))
    notes.push(
      `${OTHER_VALUE}: values that came after a day’s \`attribution.valuesADay\`; their calls keep what they said`,
    );
  const { unknownCostCalls: unknown } = total;
  if (unknown > 0)
    notes.push(
      `${count(unknown)} ${unknown === 1 ? 'call has' : 'calls have'} no known price: their cost is not in these sums (≥)`,
    );
  if (total.estimatedNanoUsd > 0n) notes.push(`${money(total.estimatedNanoUsd)} rests on estimated tokens (≈)`);
  if (total.savedNanoUsd > 0n) notes.push(`${money(total.savedNanoUsd)} was saved by caches`);
  if (prior && total.priorCostNanoUsd === null)
    notes.push(`no calls in the window before, from ${dateTime(Date.parse(prior.from), zone)}`);
  if (vanishedGroups > 0)
    notes.push(
      `${vanishedGroups} ${vanishedGroups === 1 ? 'group' : 'groups'} of the window before made no calls in this one`,
    );
  return notes;
}

function hint({ total, by, lines }: SpendReport): string {
  if (total.unknownCostCalls > 0)
    return 'hint: set missing prices under `prices:` in headgate.yaml; `headgate spend --by model` shows which';
  const [first] = lines;
  const tenant = by[0] === 'tenant' ? first?.by[0] : null;
  if (tenant && !by.includes('model'))
    return `hint: headgate spend --tenant ${plain(tenant)} --by model,feature   what it was for`;
  return 'hint: headgate calls list   the calls behind these sums';
}

const NONE = '(none)';

function groupCells({ by }: SpendLine, report: SpendReport, { keyName }: SpendDrawing): string[] {
  return by.map((value, i) => {
    if (value === null) return NONE;
    return plain((report.by[i] === 'key' ? keyName(value) : null) ?? value);
  });
}

const groupColumns = (names: readonly string[]): Column[] => names.map((title) => ({ title, shrinkTo: 8 }));

const costText = (sums: SpendSums): string =>
  sums.unknownCostCalls === sums.calls && sums.calls > 0
    ? 'unknown'
    : qualifiedMoney(sums.costNanoUsd, { estimated: sums.estimatedNanoUsd > 0n, partial: sums.unknownCostCalls > 0 });

const hasSaved = ({ total }: SpendReport): boolean => total.savedNanoUsd > 0n;
const hasPrior = ({ total }: SpendReport): boolean => total.priorCostNanoUsd !== null;

function changeCell(
  line: Pick<SpendLine, 'change' | 'priorCostNanoUsd' | 'costNanoUsd'>,
  { paint }: Pick<Terminal, 'paint'>,
): Cell {
  if (line.change === null && line.costNanoUsd === 0n) return UNKNOWN;
  const text = change(line.change);
  // Doubled is what people look for; the sign says it without the colour.
  return line.change !== null && line.change >= 1 ? { text, tone: paint.warn } : text;
}

const comparing = (report: SpendReport): Column[] =>
  hasPrior(report) ? [{ title: `vs prior ${windowName(report)}`, align: 'right', leaves: 1 }] : [];

function windowName({ window }: SpendReport): string {
  const days = (Date.parse(window.to) - Date.parse(window.from)) / 86_400_000;
  if (Math.abs(days - 7) < 0.01) return 'week';
  return Math.abs(days - 1) < 0.01 ? 'day' : 'window';
}

const RIGHT = { align: 'right' } as const;

function plainTable(report: SpendReport, drawing: SpendDrawing): Table {
  const { shown, rest } = folded(report, drawing.limit);
  const cells = (line: Omit<SpendLine, 'by'>): Cell[] => [
    count(line.calls),
    line.errors === 0 ? '0' : { text: count(line.errors), tone: drawing.terminal.paint.warn },
    tokens(line.inputTokens),
    tokens(line.cachedReadTokens),
    tokens(line.outputTokens),
    costText(line),
    ...(hasSaved(report) ? [money(line.savedNanoUsd)] : []),
    share(line.share),
    ...(hasPrior(report) ? [changeCell(line, drawing.terminal)] : []),
  ];
  return {
    columns: [
      ...groupColumns(report.by),
      { title: 'calls', ...RIGHT },
      { title: 'errors', ...RIGHT, leaves: 4 },
      { title: 'tokens in', ...RIGHT, leaves: 3 },
      { title: 'cached', ...RIGHT, leaves: 5 },
      { title: 'tokens out', ...RIGHT, leaves: 2 },
      { title: 'cost', ...RIGHT },
      ...(hasSaved(report) ? [{ title: 'saved', ...RIGHT, leaves: 1 }] : []),
      { title: 'share', ...RIGHT },
      ...comparing(report),
    ],
    rows: [
      ...shown.map((line) => [...groupCells(line, report, drawing), ...cells(line)]),
      ...(rest ? [[...restName(report, drawing.limit), ...cells(rest)]] : []),
    ],
    footer: ['total', ...report.by.slice(1).map(() => ''), ...cells(report.total)],
  };
}

const restName = ({ by, lines }: SpendReport, limit: number): string[] => [
  `other (${lines.length - limit})`,
  ...by.slice(1).map(() => ''),
];

/** One line a group, one column a kind: embedding beside generation. */
function pivotTable(report: SpendReport, drawing: SpendDrawing): Table {
  const kinds = kindsOf(report.lines);
  const rows = pivotLines(report);
  const cells = (lines: readonly SpendLine[], line: Omit<SpendLine, 'by'>): Cell[] => [
    ...kinds.map((kind) => kindCost(lines, kind)),
    costText(line),
    share(line.share),
    ...(hasPrior(report) ? [changeCell(line, drawing.terminal)] : []),
  ];
  return {
    columns: [
      ...groupColumns(report.by.slice(0, -1)),
      ...kinds.map((kind) => ({ title: kind, ...RIGHT })),
      { title: 'total', ...RIGHT },
      { title: 'share', ...RIGHT },
      ...comparing(report),
    ],
    rows: rows.map((line) => [...groupCells(line, report, drawing), ...cells(line.lines, line)]),
    footer: ['total', ...report.by.slice(2).map(() => ''), ...cells(report.lines, report.total)],
  };
}

function kindCost(lines: readonly SpendLine[], kind: string): string {
  const sums = ofKind(lines, kind);
  return sums === null ? UNKNOWN : costText(sums);
}
