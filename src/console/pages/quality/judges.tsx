import { count, money, share, UNKNOWN } from '#kernel/format.ts';
import { parseUsd } from '#kernel/money.ts';
import { endsText, skipsText } from '#cli/quality/judge-words.ts';
import { Given, Panel } from '../../parts/basics.tsx';
import { Table } from '../../parts/table.tsx';
import { plural } from '../../parts/text.ts';
import type { QualityReport } from './view.ts';

type Judge = QualityReport['judges'][number];

/** Judges: which rubric each holds answers to, what it scored, why it did not, and what it costs. */
export const Judges = ({ judges }: { readonly judges: readonly Judge[] }) => (
  <Panel title="Judges" note="cost of the last 30 days; counts since this gate’s data folder was made">
    <Table
      label="Judges of features"
      rows={judges}
      rowKey={({ feature, judge }) => JSON.stringify([feature, judge])}
      columns={[
        { title: 'judge', kind: 'name', cell: ({ judge }) => <Given text={judge} /> },
        { title: 'feature', kind: 'name', minor: true, cell: ({ feature }) => <Given text={feature} /> },
        { title: 'model', kind: 'name', minor: true, cell: ({ model }) => <Given text={model} /> },
        { title: 'rubric', kind: 'name', minor: true, cell: ({ version }) => <Given text={version} /> },
        { title: 'sample', kind: 'number', minor: true, cell: sampleOf },
        { title: 'asked', kind: 'number', cell: ({ counts }) => count(counts.asked ?? 0) },
        { title: 'scored', kind: 'number', cell: ({ counts }) => count(counts.scored ?? 0) },
        { title: 'not scored', kind: 'name', cell: (judge) => <NotScored of={judge} /> },
        { title: 'cost', kind: 'number', cell: (judge) => <Cost of={judge} /> },
        { title: 'today', kind: 'number', minor: true, cell: todayOf },
      ]}
    />
  </Panel>
);

const dollars = (usd: string): string => money(parseUsd(usd)!);
const NONE = <span class="muted">none</span>;

const sampleOf = ({ sample }: Judge) =>
  sample === null ? <span class="muted">gone from the file</span> : share(sample);

function NotScored({ of: { counts } }: { readonly of: Judge }) {
  const [ends, skips] = [endsText(counts), skipsText(counts)];
  if (ends === '' && skips === '') return NONE;
  return (
    <>
      {ends !== '' && <div class="warn">asked: {ends}</div>}
      {skips !== '' && <div>not asked: {skips}</div>}
    </>
  );
}

function Cost({ of: { cost } }: { readonly of: Judge }) {
  if (cost === null) return <span class="muted">{UNKNOWN}</span>;
  return (
    <>
      {cost.unknown > 0 && '≥ '}
      {dollars(cost.usd)}
      {cost.unknown > 0 && (
        <div class="muted">
          {count(cost.unknown)} {plural(cost.unknown, 'call')} without a known cost
        </div>
      )}
    </>
  );
}

const todayOf = ({ todayUsd, budgetPerDayUsd }: Judge): string =>
  todayUsd === null || budgetPerDayUsd === null ? UNKNOWN : `${dollars(todayUsd)} of ${dollars(budgetPerDayUsd)}`;
