import { change, count, dateTime, money, ratioOf, share, tokens, UNKNOWN, windowLength } from '#kernel/format.ts';
import type { Dimension } from '#ports/ledger-store.ts';
import { folded, type SpendLine, type SpendReport } from '#cli/spend/report.ts';
import { Empty, Figure, Figures, Given, Panel, Trouble, Waiting } from '../../parts/basics.tsx';
import { saveFile } from '../../parts/save-file.ts';
import { Table, type Column } from '../../parts/table.tsx';
import { cost, plural } from '../../parts/text.ts';
import { useWho } from '../../session/who.ts';
import { spanOf, toPage } from '../../state/place.ts';
import { keyNames, spendCompared, zone } from '../../state/questions.ts';
import { useAsked } from '../../state/use-asked.ts';
import { useNavigation } from '../../state/use-place.ts';
import { filtersIn } from '../calls/filters.tsx';
import { Dimensions, dimensionsIn, usualOf } from './dimensions.tsx';
import { spendCsv, spendJson } from './export.ts';
import { isPivot, PivotTable } from './pivot-table.tsx';

/** Groups on the page; the rest is one line, and whole in the files. */
const MOST = 200;

/** What calls cost over a window, by any dimensions, against the window before. */
export function Spend() {
  const { place } = useNavigation();
  const { token } = useWho();
  const by = dimensionsIn(place.asked['by'], usualOf(token));
  const filters = filtersIn(place.asked);
  const load = async () => {
    const asked = { ...spanOf(place.window, Date.now()), by, filters };
    const [report, names] = await Promise.all([
      spendCompared(asked),
      by.includes('key') ? keyNames().catch(() => new Map<string, string>()) : new Map<string, string>(),
    ]);
    return { report, names };
  };
  const asked = useAsked(JSON.stringify([place.window, by, filters]), load, { slow: true });
  return (
    <>
      <header>
        <h1>Spend</h1>
        {asked.data && <Answer report={asked.data.report} />}
      </header>
      <Dimensions by={by} filters={filters} />
      <Trouble asked={asked} />
      {asked.data === null ? <Waiting asked={asked} height={400} /> : <Body {...asked.data} />}
    </>
  );
}

function Answer({ report: { window, total, lines } }: { readonly report: SpendReport }) {
  const [from, to] = [Date.parse(window.from), Date.parse(window.to)];
  const estimated = ratioOf(total.estimatedNanoUsd, total.costNanoUsd);
  return (
    <p>
      {cost(total)} for {count(total.calls)} {plural(total.calls, 'call')} in {count(lines.length)}{' '}
      {plural(lines.length, 'group')}, {windowLength(to - from)} to {dateTime(to, zone())} {zone()}
      {total.priorCostNanoUsd === null
        ? '; no calls in the window before'
        : `; ${change(total.change)} against the window before`}
      {estimated ? `; ${share(estimated)} of it rests on estimated tokens (≈)` : ''}
      {total.unknownCostCalls > 0
        ? `; ${count(total.unknownCostCalls)} ${plural(total.unknownCostCalls, 'call')} without a price not counted in (≥)`
        : ''}
      .
    </p>
  );
}

interface Body {
  readonly report: SpendReport;
  readonly names: ReadonlyMap<string, string>;
}

function Body({ report, names }: Body) {
  const { place, go } = useNavigation();
  if (report.lines.length === 0)
    return (
      <Empty title="No calls in this window" command="npx headgate demo --calls 200">
        What calls cost, by whatever you choose above, appears here. Choose a longer window, or run the demo.
      </Empty>
    );
  const { shown, rest } = folded(report, MOST);
  const name = `headgate-spend-${report.by.join('-').replaceAll(':', '-')}-${report.window.to.slice(0, 10)}`;
  const rows = rest ? [...shown, rest] : shown;
  return (
    <>
      <Figures>
        <Figure name="Spend" value={cost(report.total)} note={`before ${money(report.total.priorCostNanoUsd)}`} />
        <Figure name="Calls" value={count(report.total.calls)} note={`${count(report.total.errors)} failed`} />
        <Figure
          name="Tokens in"
          value={tokens(report.total.inputTokens)}
          note={`${tokens(report.total.cachedReadTokens)} from cache`}
        />
        <Figure
          name="Tokens out"
          value={tokens(report.total.outputTokens)}
          note={`${tokens(report.total.reasoningTokens)} reasoning`}
        />
        <Figure name="Saved by caches" value={money(report.total.savedNanoUsd)} />
      </Figures>
      <Panel
        title={`By ${report.by.join(', ')}`}
        note="dearest first"
        side={
          <span class="row">
            <button type="button" onClick={() => saveFile(`${name}.csv`, 'text/csv', spendCsv(report))}>
              Save CSV
            </button>
            <button type="button" onClick={() => saveFile(`${name}.json`, 'application/json', spendJson(report))}>
              Save JSON
            </button>
          </span>
        }
      >
        {isPivot(report) ? (
          <PivotTable
            report={report}
            names={names}
            most={MOST}
            onOpen={(line) => go(toPage(place, 'calls', behind(report.by, line)))}
          />
        ) : (
          <Table
            label="Spend by group"
            rows={rows}
            rowKey={(line) => (line === rest ? 'other' : JSON.stringify(line.by))}
            onOpen={(line) => line !== rest && go(toPage(place, 'calls', behind(report.by, line)))}
            columns={[
              ...report.by.map((one, i) => groupColumn(one, i, { names, rest, left: report.lines.length - MOST })),
              ...FIGURES,
            ]}
            footer={[
              'total',
              ...report.by.slice(1).map(() => ''),
              ...FIGURES.map(({ cell }) => cell({ ...report.total, by: [] })),
            ]}
          />
        )}
      </Panel>
    </>
  );
}

interface Grouping {
  readonly names: ReadonlyMap<string, string>;
  readonly rest: SpendLine | null;
  readonly left: number;
}

const groupColumn = (by: Dimension, i: number, { names, rest, left }: Grouping): Column<SpendLine> => ({
  title: by,
  kind: 'name',
  cell: (line) => {
    if (line === rest) return i === 0 ? `other (${count(left)})` : '';
    const value = line.by[i] ?? null;
    return <Given text={by === 'key' && value !== null ? (names.get(value) ?? value) : value} none="(none)" />;
  },
});

const FIGURES: readonly Column<SpendLine>[] = [
  { title: 'calls', kind: 'number', cell: (line) => count(line.calls) },
  {
    title: 'errors',
    kind: 'number',
    cell: (line) => <span class={line.errors > 0 ? 'bad' : ''}>{count(line.errors)}</span>,
  },
  { title: 'tokens in', minor: true, kind: 'number', cell: (line) => tokens(line.inputTokens) },
  { title: 'cached', minor: true, kind: 'number', cell: (line) => tokens(line.cachedReadTokens) },
  { title: 'tokens out', minor: true, kind: 'number', cell: (line) => tokens(line.outputTokens) },
  { title: 'cost', kind: 'number', cell: cost },
  { title: 'share', kind: 'number', cell: (line) => share(line.share) },
  { title: 'before', minor: true, kind: 'number', cell: (line) => money(line.priorCostNanoUsd) },
  {
    title: 'change',
    kind: 'number',
    cell: (line) => (line.change === null && line.costNanoUsd === 0n ? UNKNOWN : change(line.change)),
  },
];

/** Filters of the calls behind a group. */
function behind(by: readonly Dimension[], line: SpendLine): Record<string, string> {
  const pairs = by.flatMap((name, i) => {
    const value = line.by[i];
    if (value === null || value === undefined) return [];
    return [name.startsWith('label:') ? ['label', `${name.slice(6)}=${value}`] : [name, value]];
  });
  return Object.fromEntries(pairs) as Record<string, string>;
}
