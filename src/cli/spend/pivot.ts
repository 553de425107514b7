/** One line a group and one column a kind: embedding beside generation, in the terminal and on the console. Pure. */
import { ZERO_USD, addUsd, type NanoUsd } from '#kernel/money.ts';
import { compared, sumOf, type SpendLine, type SpendReport, type SpendSums } from './report.ts';

/** More kinds than these make columns that nobody compares. */
const MOST_KINDS = 6;

/** A group with its lines of each kind. `by` is without the kind. */
export interface PivotLine extends SpendLine {
  readonly lines: readonly SpendLine[];
}

const kindOf = ({ by }: SpendLine): string => by.at(-1) ?? 'none';

/** Is the report asked by kind last, and has it few enough of them? */
export const isPivot = ({ by, lines }: SpendReport): boolean =>
  by.length > 1 && by.at(-1) === 'kind' && new Set(lines.map(kindOf)).size <= MOST_KINDS;

/** Groups, the dearest first. */
export function pivotLines(report: SpendReport): readonly PivotLine[] {
  const groups = Map.groupBy(report.lines, ({ by }) => JSON.stringify(by.slice(0, -1)));
  return [...groups.values()]
    .map((lines) => pivotLine(lines, report))
    .sort((a, b) => (a.costNanoUsd > b.costNanoUsd ? -1 : a.costNanoUsd < b.costNanoUsd ? 1 : 0));
}

function pivotLine(lines: readonly SpendLine[], report: SpendReport): PivotLine {
  const sums = sumOf(lines);
  const known = lines.flatMap(({ priorCostNanoUsd }) => (priorCostNanoUsd === null ? [] : [priorCostNanoUsd]));
  const prior = known.length === 0 ? null : known.reduce(addUsd, ZERO_USD);
  const facts = compared(sums.costNanoUsd, { whole: report.total.costNanoUsd, prior });
  return { by: lines[0]!.by.slice(0, -1), ...sums, ...facts, lines };
}

/** Kinds in the order of the money that went into them. */
export function kindsOf(lines: readonly SpendLine[]): readonly string[] {
  const sums = new Map<string, NanoUsd>();
  for (const line of lines) sums.set(kindOf(line), addUsd(sums.get(kindOf(line)) ?? ZERO_USD, line.costNanoUsd));
  return [...sums].sort(([, a], [, b]) => (a > b ? -1 : 1)).map(([kind]) => kind);
}

/** What a kind made of some lines; null where none is of it. */
export function ofKind(lines: readonly SpendLine[], kind: string): SpendSums | null {
  const own = lines.filter((line) => kindOf(line) === kind);
  return own.length === 0 ? null : sumOf(own);
}
