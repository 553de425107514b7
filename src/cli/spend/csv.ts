/** Tables as CSV (RFC 4180), for spreadsheets. Pure. */

/** A cell that begins like a formula would run as one in a spreadsheet: an apostrophe makes it text. */
const guarded = (text: string): string => (/^[=+@\t\r]|^-(?![\d.])/.test(text) ? `'${text}` : text);
const cell = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

export const csvText = (rows: readonly (readonly (string | number | null)[])[]): string =>
  rows.map((row) => `${row.map((value) => cell(guarded(String(value ?? '')))).join(',')}\r\n`).join('');
