/** CSV as RFC 4180 has it, safe to open in a spreadsheet. Pure. */

/** A value of a cell: text is what others wrote and is defused, the rest is ours. Null: an empty cell. */
export type CellKind = 'text' | 'number' | 'time' | 'json';

export interface Column<T> {
  readonly name: string;
  readonly kind: CellKind;
  /** What it holds, for the guide. */
  readonly about: string;
  readonly of: (row: T) => string | number | null;
}

/** A cell that begins so may be run as a formula (https://owasp.org/www-community/attacks/CSV_Injection). */
const FORMULA = /^[=+\-@\t\r\n]/;

/** An apostrophe before it: spreadsheets take the rest as text. A number of ours keeps its sign. */
const defused = (text: string): string => (FORMULA.test(text) ? `'${text}` : text);

const quoted = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

function cell(value: string | number | null, kind: CellKind): string {
  if (value === null) return '';
  const text = String(value);
  return quoted(kind === 'text' ? defused(text) : text);
}

export const csvHead = (columns: readonly Column<never>[]): string =>
  `${columns.map(({ name }) => name).join(',')}\r\n`;

export const csvLine = <T>(columns: readonly Column<T>[], row: T): string =>
  `${columns.map(({ of, kind }) => cell(of(row), kind)).join(',')}\r\n`;
