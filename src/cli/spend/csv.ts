/** Tables as CSV, for spreadsheets. Pure. */
import { csvCell } from '#kernel/csv.ts';

/** A number of ours; whatever else begins with a sign may be somebody's formula. */
const NUMBER = /^-?\d+(\.\d+)?$/;

const cell = (value: string | number | null): string => {
  const text = String(value ?? '');
  return csvCell(text, { written: !NUMBER.test(text) });
};

export const csvText = (rows: readonly (readonly (string | number | null)[])[]): string =>
  rows.map((row) => `${row.map(cell).join(',')}\r\n`).join('');
