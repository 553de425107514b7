/** Tables for people: columns that line up, two spaces between, no box, never wider than the terminal. Pure. */
import { displayWidth, fit, padEnd, padStart } from './text.ts';

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Columns to which a text may be cut; absent: never cut. */
  readonly shrinkTo?: number;
  /** Columns with a larger number leave first where the terminal is too narrow; absent: never. */
  readonly leaves?: number;
}

/** Colours a cell after it is padded, so that escape sequences never count as width. */
export type Tone = (text: string) => string;
export type Cell = string | { readonly text: string; readonly tone: Tone };

export interface Table {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Cell[])[];
  /** A last row of sums. */
  readonly footer?: readonly Cell[];
}

export interface DrawOptions {
  readonly width: number;
  readonly heading?: Tone;
  readonly strong?: Tone;
}

const GAP = '  ';
const textOf = (cell: Cell | undefined): string =>
  cell === undefined ? '' : typeof cell === 'string' ? cell : cell.text;

/** Lines of the table, and the titles of columns for which there was no room. */
export function drawTable(table: Table, options: DrawOptions): { readonly lines: string[]; readonly left: string[] } {
  const all = [table.columns.map(({ title }) => title), ...table.rows, ...(table.footer ? [table.footer] : [])];
  const natural = table.columns.map((_, i) => Math.max(...all.map((row) => displayWidth(textOf(row[i])))));
  const shown = kept(table.columns, natural, options.width);
  const widths = shrunk(table.columns, natural, { shown, width: options.width });
  const line = (row: readonly Cell[], tone?: Tone): string =>
    shown
      .map((i, at) =>
        drawCell(row[i], { column: table.columns[i]!, width: widths[i]!, tone, last: at === shown.length - 1 }),
      )
      .join(GAP)
      .trimEnd();
  const lines = [
    line(
      table.columns.map(({ title }) => title),
      options.heading,
    ),
    ...table.rows.map((row) => line(row)),
    ...(table.footer ? [line(table.footer, options.strong)] : []),
  ];
  return { lines, left: table.columns.filter((_, i) => !shown.includes(i)).map(({ title }) => title) };
}

interface CellOptions {
  readonly column: Column;
  readonly width: number;
  readonly tone: Tone | undefined;
  readonly last: boolean;
}

function drawCell(cell: Cell | undefined, { column, width, tone, last }: CellOptions): string {
  const text = fit(textOf(cell), width);
  const padded = column.align === 'right' ? padStart(text, width) : last ? text : padEnd(text, width);
  const own = cell !== undefined && typeof cell !== 'string' ? cell.tone : tone;
  return own && text !== '' ? own(padded) : padded;
}

const total = (widths: readonly number[]): number =>
  widths.reduce((sum, width) => sum + width, 0) + GAP.length * (widths.length - 1);
const smallest = (column: Column, natural: number): number =>
  column.shrinkTo === undefined ? natural : Math.min(natural, Math.max(column.shrinkTo, displayWidth(column.title)));

/** Indexes of the columns that fit when all shrink to their least. */
function kept(columns: readonly Column[], natural: readonly number[], width: number): number[] {
  let shown = columns.map((_, i) => i);
  for (;;) {
    if (total(shown.map((i) => smallest(columns[i]!, natural[i]!))) <= width) return shown;
    const leaving = shown.filter((i) => columns[i]!.leaves !== undefined);
    if (leaving.length === 0) return shown;
    const first = leaving.reduce((a, b) => (columns[b]!.leaves! > columns[a]!.leaves! ? b : a));
    shown = shown.filter((i) => i !== first);
  }
}

/** Takes a column at a time from the widest that may shrink. */
function shrunk(
  columns: readonly Column[],
  natural: readonly number[],
  { shown, width }: { readonly shown: readonly number[]; readonly width: number },
): number[] {
  const widths = [...natural];
  for (let over = total(shown.map((i) => widths[i]!)) - width; over > 0; over--) {
    const soft = shown.filter((i) => widths[i]! > smallest(columns[i]!, natural[i]!));
    if (soft.length === 0) break;
    const widest = soft.reduce((a, b) => (widths[b]! > widths[a]! ? b : a));
    widths[widest]!--;
  }
  return widths;
}
