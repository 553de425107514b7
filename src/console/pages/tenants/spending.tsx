import { change, count, share, tokens } from '#kernel/format.ts';
import type { SpendReport } from '#cli/spend/report.ts';
import { Chart, type Series } from '../../parts/chart.tsx';
import { Given, Panel } from '../../parts/basics.tsx';
import { Table } from '../../parts/table.tsx';
import { cost } from '../../parts/text.ts';
import { toPage } from '../../state/place.ts';
import type { SpendFigures } from '../../state/questions.ts';
import { useNavigation } from '../../state/use-place.ts';
import { CallsPanel, LatencyPanel, partialNote, usd, useFrame } from '../overview/charts.tsx';
import { dollars, sumsOver } from '../overview/series.ts';
import type { Look } from './tenant.tsx';

/** The dearest have a colour of their own; the rest are one. */
const MOST_SERIES = 5;
const MOST_LINES = 12;

/** Spend over time by feature and by model, calls and latency. */
export function Charts({ look }: { readonly look: Look }) {
  const { span, bucket } = look;
  const frame = useFrame(span, bucket);
  const { times } = frame;
  const spend = { ...frame, form: 'bars' as const, format: usd };
  const per = partialNote(bucket);
  return (
    <div class="columns">
      <Panel title="Spend by feature" note={per}>
        <Chart {...spend} label="Spend by feature over time" series={seriesOf(times, look.byFeature, look.features)} />
      </Panel>
      <Panel title="Spend by model" note={per}>
        <Chart {...spend} label="Spend by model over time" series={seriesOf(times, look.byModel, look.models)} />
      </Panel>
      <CallsPanel frame={frame} bucket={bucket} rows={look.calls} />
      <LatencyPanel frame={frame} bucket={bucket} rows={look.calls} />
    </div>
  );
}

function seriesOf(times: readonly number[], rows: readonly SpendFigures[], { lines }: SpendReport): Series[] {
  const names = lines.slice(0, MOST_SERIES).map(({ by }) => by[0] ?? null);
  const values = (own: readonly SpendFigures[]): number[] => sumsOver(times, own, (row) => dollars(row.costNanoUsd));
  const shown = names.map((name, i): Series => ({
    name: name ?? '(none)',
    colour: (i + 1) as 1,
    values: values(rows.filter((row) => (row.by[1] ?? null) === name)),
  }));
  if (lines.length <= MOST_SERIES) return shown;
  const others = rows.filter((row) => !names.includes(row.by[1] ?? null));
  return [...shown, { name: `other (${lines.length - MOST_SERIES})`, colour: 6, values: values(others) }];
}

/** The same in figures, against the window before. */
export function Groups({ tenant, look }: { readonly tenant: string; readonly look: Look }) {
  return (
    <div class="columns">
      <Group by="feature" tenant={tenant} report={look.features} />
      <Group by="model" tenant={tenant} report={look.models} />
    </div>
  );
}

interface GroupProps {
  readonly by: 'feature' | 'model';
  readonly tenant: string;
  readonly report: SpendReport;
}

function Group({ by, tenant, report: { lines, total } }: GroupProps) {
  const { place, go, to } = useNavigation();
  const left = lines.length - MOST_LINES;
  return (
    <Panel
      title={`By ${by}`}
      note={left > 0 ? `${count(left)} smaller ones are in the total alone` : 'dearest first'}
      side={<a href={to('spend', { tenant, by })}>All of it</a>}
    >
      <Table
        label={`Spend by ${by}`}
        rows={lines.slice(0, MOST_LINES)}
        rowKey={(line) => JSON.stringify(line.by)}
        onOpen={({ by: [name] }) => go(toPage(place, 'calls', { tenant, ...(name != null && { [by]: name }) }))}
        columns={[
          { title: by, kind: 'name', cell: (line) => <Given text={line.by[0] ?? null} none="(none)" /> },
          { title: 'calls', kind: 'number', cell: (line) => count(line.calls) },
          {
            title: 'errors',
            kind: 'number',
            cell: (line) => <span class={line.errors > 0 ? 'bad' : ''}>{count(line.errors)}</span>,
          },
          {
            title: 'tokens',
            kind: 'number',
            minor: true,
            cell: (line) => tokens(line.inputTokens + line.outputTokens),
          },
          { title: 'cost', kind: 'number', cell: cost },
          { title: 'share', kind: 'number', minor: true, cell: (line) => share(line.share) },
          { title: 'change', kind: 'number', cell: (line) => change(line.change) },
        ]}
        footer={[
          'total',
          count(total.calls),
          count(total.errors),
          tokens(total.inputTokens + total.outputTokens),
          cost(total),
          share(1),
          change(total.change),
        ]}
      />
    </Panel>
  );
}
