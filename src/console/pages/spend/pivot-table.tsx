import { change, count, money, share, UNKNOWN } from '#kernel/format.ts';
import { isPivot, kindsOf, ofKind, pivotLines, type PivotLine } from '#cli/spend/pivot.ts';
import type { SpendLine, SpendReport } from '#cli/spend/report.ts';
import { Given } from '../../parts/basics.tsx';
import { Table, type Column } from '../../parts/table.tsx';
import { cost } from '../../parts/text.ts';

export { isPivot };

interface PivotProps {
  readonly report: SpendReport;
  readonly names: ReadonlyMap<string, string>;
  readonly most: number;
  readonly onOpen: (line: SpendLine) => void;
}

/** One line a group and one column a kind, as the command line draws it: embedding beside generation. */
export function PivotTable({ report, names, most, onOpen }: PivotProps) {
  const kinds = kindsOf(report.lines);
  const lines = pivotLines(report);
  const by = report.by.slice(0, -1);
  const left = lines.length - most;
  const columns: Column<PivotLine>[] = [
    ...by.map((name, i): Column<PivotLine> => ({
      title: name,
      kind: 'name',
      cell: (line) => <Given text={nameOf(name, line.by[i] ?? null, names)} none="(none)" />,
    })),
    { title: 'calls', kind: 'number', minor: true, cell: (line) => count(line.calls) },
    ...kinds.map((kind): Column<PivotLine> => ({ title: kind, kind: 'number', cell: (line) => kindCost(line, kind) })),
    { title: 'total', kind: 'number', cell: cost },
    { title: 'share', kind: 'number', cell: (line) => share(line.share) },
    { title: 'before', kind: 'number', minor: true, cell: (line) => money(line.priorCostNanoUsd) },
    { title: 'change', kind: 'number', cell: (line) => (line.costNanoUsd === 0n ? UNKNOWN : change(line.change)) },
  ];
  const total: PivotLine = { ...report.total, by: [], lines: report.lines };
  return (
    <>
      {left > 0 && (
        <p class="muted">{count(left)} smaller groups are in the total and in the files, not in this table.</p>
      )}
      <Table
        label="Spend by group and kind"
        rows={lines.slice(0, most)}
        rowKey={(line) => JSON.stringify(line.by)}
        onOpen={onOpen}
        columns={columns}
        footer={columns.map(({ cell }, i) => (i === 0 ? 'total' : i < by.length ? '' : cell(total)))}
      />
    </>
  );
}

const nameOf = (by: string, value: string | null, names: ReadonlyMap<string, string>): string | null =>
  by === 'key' && value !== null ? (names.get(value) ?? value) : value;

function kindCost({ lines }: PivotLine, kind: string): string {
  const sums = ofKind(lines, kind);
  return sums === null ? UNKNOWN : cost(sums);
}
