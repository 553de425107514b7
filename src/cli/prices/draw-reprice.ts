/** The diff of a re-pricing as text. Pure. */
import { subUsd, sumUsd, type NanoUsd } from '#kernel/money.ts';
import type { CliContext } from '../context.ts';
import { count, dateTime, money, UNKNOWN } from '../format.ts';
import { drawTable, type Cell, type Column } from '../table.ts';
import { plain } from '../text.ts';
import type { KeptWhy, RepriceLine, RepriceReport } from './reprice-report.ts';

const right = { align: 'right' } as const;
const COLUMNS: readonly Column[] = [
  { title: 'deployment', shrinkTo: 16 },
  { title: 'price', leaves: 1 },
  { title: 'calls', ...right },
  { title: 'old', ...right },
  { title: 'new', ...right },
  { title: 'difference', ...right },
];

const KEPT: Readonly<Record<KeptWhy, string>> = {
  same: 'as the book says already',
  unbilled: 'not billed',
  interrupted: 'interrupted: charged what was reserved, which tokens do not give',
  no_price: 'without a price now: they keep their cost',
};

export function drawReprice({ terminal, zone }: Pick<CliContext, 'terminal' | 'zone'>, report: RepriceReport): string {
  const { window, seen, calls, lines, kept } = report;
  const heading = `${dateTime(Date.parse(window.from), zone)} to ${dateTime(Date.parse(window.to), zone)} ${zone} · ${count(seen)} calls looked at, ${count(calls)} change`;
  const left = (Object.keys(KEPT) as KeptWhy[])
    .filter((why) => kept[why] > 0)
    .map((why) => `${count(kept[why])} ${KEPT[why]}`);
  if (calls === 0) return [heading, '', 'Nothing changes.', ...left].join('\n');
  const sorted = lines.toSorted((a, b) => (size(a) < size(b) ? 1 : -1));
  const table = drawTable(
    { columns: COLUMNS, rows: sorted.map(cells), footer: totals(lines) },
    { width: terminal.width, heading: terminal.paint.dim, strong: terminal.paint.bold },
  );
  const notes = [...(table.left.length > 0 ? [`no room for: ${table.left.join(', ')}`] : []), ...left];
  return [heading, '', ...table.lines, ...(notes.length > 0 ? ['', ...notes] : [])].join('\n');
}

const size = ({ oldNanoUsd, newNanoUsd }: RepriceLine): bigint =>
  newNanoUsd > oldNanoUsd ? newNanoUsd - oldNanoUsd : oldNanoUsd - newNanoUsd;

const cells = (line: RepriceLine): Cell[] => [
  plain(line.deployment),
  `${version(line.oldVersion)} → ${version(line.newVersion)}`,
  count(line.calls),
  oldText(line),
  money(line.newNanoUsd),
  signed(subUsd(line.newNanoUsd, line.oldNanoUsd)),
];

const version = (text: string | null): string => (text === null ? 'unknown' : plain(text.slice(0, 8)));

/** A cost that was not known is no zero. */
const oldText = ({ calls, unknownCalls, oldNanoUsd }: RepriceLine): string => {
  if (unknownCalls === 0) return money(oldNanoUsd);
  return unknownCalls === calls ? UNKNOWN : `≥${money(oldNanoUsd)}`;
};

const signed = (value: NanoUsd): string => (value > 0n ? `+${money(value)}` : money(value));

function totals(lines: readonly RepriceLine[]): Cell[] {
  const of = (amount: (line: RepriceLine) => NanoUsd): NanoUsd => sumUsd(lines.map(amount));
  const [old, fresh] = [of((line) => line.oldNanoUsd), of((line) => line.newNanoUsd)];
  const calls = lines.reduce((sum, line) => sum + line.calls, 0);
  const unknown = lines.reduce((sum, line) => sum + line.unknownCalls, 0);
  const sum = { calls, unknownCalls: unknown, oldNanoUsd: old, newNanoUsd: fresh };
  return ['total', '', count(calls), oldText(sum as RepriceLine), money(fresh), signed(subUsd(fresh, old))];
}
