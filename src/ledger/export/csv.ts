/** Rows of CSV by columns. Pure. */
import { csvCell } from '#kernel/csv.ts';

/** A value of a cell: text is what others wrote and is defused, the rest is ours. Null: an empty cell. */
export type CellKind = 'text' | 'number' | 'time' | 'json';

export interface Column<T> {
  readonly name: string;
  readonly kind: CellKind;
  /** What it holds, for the guide. */
  readonly about: string;
  readonly of: (row: T) => string | number | null;
}

const cell = (value: string | number | null, kind: CellKind): string =>
  value === null ? '' : csvCell(String(value), { written: kind === 'text' });

export const csvHead = (columns: readonly Column<never>[]): string =>
  `${columns.map(({ name }) => name).join(',')}\r\n`;

export const csvLine = <T>(columns: readonly Column<T>[], row: T): string =>
  `${columns.map(({ of, kind }) => cell(of(row), kind)).join(',')}\r\n`;
