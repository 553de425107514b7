import { count, share } from '#kernel/format.ts';
import { Empty, Given, Panel, Trouble, Waiting } from '../../parts/basics.tsx';
import { Table } from '../../parts/table.tsx';
import { plain, plural } from '../../parts/text.ts';
import { read } from '../../session/client.ts';
import { useAsked } from '../../state/use-asked.ts';
import { useNavigation } from '../../state/use-place.ts';
import { Judges } from './judges.tsx';
import type { QualityReport } from './view.ts';

type Line = QualityReport['lines'][number];

/** Whose answers have become worse: each tenant against its own past, the worst first. */
export function Quality() {
  const { place } = useNavigation();
  const { tenant, feature } = place.asked;
  const asked = useAsked(
    JSON.stringify(['quality', tenant, feature]),
    async () => (await read('/quality', { tenant, feature })) as QualityReport,
    { slow: true },
  );
  const { data } = asked;
  return (
    <>
      <header>
        <h1>Quality</h1>
        {data && data.lines.length > 0 && <Answer report={data} />}
      </header>
      <Trouble asked={asked} />
      {data === null && <Waiting asked={asked} height={300} />}
      {data?.lines.length === 0 && (
        <Empty title="No answer was scored" command="POST /v1/headgate/scores">
          Scores come from whoever judges an answer, by this request with a key, or from rules under{' '}
          <code>features</code> in headgate.yaml.
        </Empty>
      )}
      {data && data.lines.length > 0 && <Lines report={data} />}
      {data && data.judges.length > 0 && <Judges judges={data.judges} />}
    </>
  );
}

function Answer({ report: { lines, together } }: { readonly report: QualityReport }) {
  const fell = new Set(lines.filter(({ verdict }) => verdict === 'fell').map((line) => line.tenant));
  const all = together.filter((pool) => pool.fell && pool.tenants > 1);
  return (
    <p>
      {fell.size === 0 ? 'Nobody’s quality fell' : <strong class="bad">{[...fell].map(plain).join(', ')} fell</strong>};{' '}
      {count(lines.length)} {plural(lines.length, 'score')} followed, each against its own past.
      {all.length > 0 && (
        <span class="warn">
          {' '}
          All tenants together fell in {all.map(({ feature, score }) => nameOf(feature, score)).join(', ')}: look at the
          provider or the model first.
        </span>
      )}
    </p>
  );
}

const nameOf = (feature: string | null, score: string): string =>
  plain(feature === null ? score : `${score} of ${feature}`);

const VERDICTS: Readonly<Record<Line['verdict'], readonly [tone: string, text: string]>> = {
  fell: ['bad', '✕ fell'],
  fell_for_all: ['warn', '! fell, as all did'],
  no_change: ['ok', '✓ no change seen'],
  not_enough: ['muted', '? not enough data'],
};

function Lines({ report: { lines, leftOut } }: { readonly report: QualityReport }) {
  return (
    <Panel title="Scores" note={leftOut > 0 ? `${count(leftOut)} more are left out` : 'of the last seven days'}>
      <Table
        label="Quality by tenant, feature and score"
        rows={lines}
        rowKey={({ tenant, feature, score, basis }) => JSON.stringify([tenant, feature, score, basis])}
        columns={[
          { title: 'tenant', kind: 'name', cell: ({ tenant }) => <Given text={tenant} /> },
          { title: 'feature', kind: 'name', minor: true, cell: ({ feature }) => <Given text={feature} /> },
          { title: 'score', kind: 'name', cell: ({ score }) => <Given text={score} /> },
          {
            title: 'verdict',
            kind: 'tight',
            cell: ({ verdict, missing }) => (
              <span class={VERDICTS[verdict][0]}>
                {VERDICTS[verdict][1]}
                {verdict === 'not_enough' && `: about ${count(missing)} more`}
              </span>
            ),
          },
          { title: 'scored', kind: 'number', minor: true, cell: ({ scored }) => count(scored.n) },
          { title: 'mean', kind: 'number', cell: ({ scored }) => share(scored.mean) },
          { title: 'before', kind: 'number', minor: true, cell: ({ past }) => share(past?.mean ?? null) },
          { title: 'since', kind: 'number', cell: ({ now }) => share(now?.mean ?? null) },
          { title: 'evidence', kind: 'number', minor: true, cell: ({ evidence }) => evidenceText(evidence) },
          { title: 'made by', kind: 'name', minor: true, cell: ({ basis }) => <Given text={basis} /> },
        ]}
      />
      <p class="muted">
        Evidence: while nothing changes, the chance that it ever reaches 20 for one tenant is at most 1 in 20; among
        many tenants more is asked.
      </p>
    </Panel>
  );
}

const evidenceText = (value: number): string => (value < 1 ? 'none' : value >= 1e6 ? '> 1 M' : value.toPrecision(2));
