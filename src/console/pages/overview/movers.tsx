import { change, count, money, UNKNOWN } from '#kernel/format.ts';
import type { SpendLine, SpendReport } from '#cli/spend/report.ts';
import { Given, Panel } from '../../parts/basics.tsx';
import { Table } from '../../parts/table.tsx';
import { cost } from '../../parts/text.ts';
import { toPage } from '../../state/place.ts';
import { useNavigation } from '../../state/use-place.ts';

const MOST = 8;

const moved = ({ costNanoUsd, priorCostNanoUsd }: SpendLine): bigint => costNanoUsd - (priorCostNanoUsd ?? 0n);
const size = (value: bigint): bigint => (value < 0n ? -value : value);

/** Whose spend moved most against the window before, in money: a share alone makes small things look large. */
export function Movers({ report }: { readonly report: SpendReport }) {
  const { place, go } = useNavigation();
  const lines = report.lines.toSorted((a, b) => (size(moved(a)) < size(moved(b)) ? 1 : -1)).slice(0, MOST);
  const left = report.lines.length - lines.length;
  return (
    <Panel
      title="Top movers"
      note={`by tenant and model, against the window before${left > 0 ? `; ${count(left)} more on the spend page` : ''}`}
    >
      <Table
        label="Top movers"
        rows={lines}
        rowKey={({ by }) => JSON.stringify(by)}
        onOpen={({ by }) => go(toPage(place, 'calls', { tenant: by[0] ?? '', model: by[1] ?? '' }))}
        columns={[
          { title: 'tenant', kind: 'name', cell: ({ by }) => <Given text={by[0] ?? null} /> },
          { title: 'model', kind: 'name', cell: ({ by }) => <Given text={by[1] ?? null} /> },
          { title: 'calls', minor: true, kind: 'number', cell: (line) => count(line.calls) },
          {
            title: 'errors',
            kind: 'number',
            cell: (line) => <span class={line.errors > 0 ? 'bad' : ''}>{count(line.errors)}</span>,
          },
          { title: 'cost', kind: 'number', cell: cost },
          { title: 'before', minor: true, kind: 'number', cell: (line) => money(line.priorCostNanoUsd) },
          { title: 'moved', kind: 'number', cell: (line) => `${moved(line) > 0n ? '+' : ''}${money(moved(line))}` },
          {
            title: 'change',
            kind: 'number',
            cell: (line) => (line.change === null && line.costNanoUsd === 0n ? UNKNOWN : change(line.change)),
          },
        ]}
      />
    </Panel>
  );
}
