/** Exports of the ledger: calls as CSV and JSON lines, money as FOCUS rows, bit by bit. */
export { exportText, exportWindow, EXPORT_FORMATS, type ExportFormat, type ExportQuestion } from './export.ts';
export { FOCUS_COLUMNS, type FocusPeriod } from './focus.ts';
export { CALL_COLUMNS } from './call-columns.ts';
