/** A spend report as a file. Pure. */
import { usdDecimal } from '#kernel/money.ts';
import { jsonText } from '#cli/json.ts';
import type { SpendLine, SpendReport } from '#cli/spend/report.ts';

/** Spreadsheets take such a cell for a formula: a tenant's name must not become one. */
const FORMULA = /^[=+\-@\t\r]/;

function cell(value: string | number | null): string {
  const text = value === null ? '' : String(value);
  const safe = typeof value === 'string' && FORMULA.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

const FIGURES: readonly (readonly [string, (line: Omit<SpendLine, 'by'>) => number | string | null])[] = [
  ['calls', (line) => line.calls],
  ['errors', (line) => line.errors],
  ['input_tokens', (line) => line.inputTokens],
  ['cached_read_tokens', (line) => line.cachedReadTokens],
  ['cache_write_tokens', (line) => line.cacheWriteTokens],
  ['output_tokens', (line) => line.outputTokens],
  ['reasoning_tokens', (line) => line.reasoningTokens],
  ['cost_usd', (line) => usdDecimal(line.costNanoUsd)],
  ['estimated_usd', (line) => usdDecimal(line.estimatedNanoUsd)],
  ['saved_usd', (line) => usdDecimal(line.savedNanoUsd)],
  ['calls_without_price', (line) => line.unknownCostCalls],
  ['prior_cost_usd', (line) => (line.priorCostNanoUsd === null ? null : usdDecimal(line.priorCostNanoUsd))],
];

/** One line a group, with exact figures; the window stands in each, so that files can be joined. */
export function spendCsv(report: SpendReport): string {
  const { from, to } = report.window;
  const head = ['from', 'to', ...report.by, ...FIGURES.map(([name]) => name)];
  const rows = report.lines.map((line) => [from, to, ...line.by, ...FIGURES.map(([, pick]) => pick(line))]);
  return [head, ...rows].map((row) => row.map(cell).join(',')).join('\r\n') + '\r\n';
}

/** The report as the command line prints it with `--json`. */
export const spendJson = (report: SpendReport): string => jsonText(report);
