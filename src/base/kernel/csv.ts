/** Cells of CSV as RFC 4180 has it, safe to open in a spreadsheet. Pure. */

/** A cell that begins so may be run as a formula (https://owasp.org/www-community/attacks/CSV_Injection). */
const FORMULA = /^[=+\-@\t\r\n]/;

/** `written`: others wrote it. An apostrophe before a formula makes text of it; a number of ours keeps its sign. */
export function csvCell(text: string, { written }: { readonly written: boolean }): string {
  const safe = written && FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
