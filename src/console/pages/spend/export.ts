/** A spend report as a file. Pure. */
import { csvCell } from '#kernel/csv.ts';
import { usdDecimal } from '#kernel/money.ts';
import { jsonText } from '#cli/json.ts';
import type { SpendLine, SpendReport } from '#cli/spend/report.ts';

/** A tenant's name must not become a formula. */
const cell = (value: string | number | null): string =>
  value === null ? '' : csvCell(String(value), { written: typeof value === 'string' });

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
