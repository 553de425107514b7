import { count } from '#kernel/format.ts';
import { Empty, Given, Panel, Time, Trouble, Waiting } from '../../parts/basics.tsx';
import { Table } from '../../parts/table.tsx';
import { plain } from '../../parts/text.ts';
import { read } from '../../session/client.ts';
import { useAsked } from '../../state/use-asked.ts';
import { useNavigation } from '../../state/use-place.ts';
import type { ConfigurationChange, ConfigurationReport } from './view.ts';

/** What is in force, where each value comes from, and what the last reload changed. */
export function Configuration() {
  const load = async () => (await read('/configuration')) as ConfigurationReport;
  const asked = useAsked('configuration', load);
  const { data } = asked;
  return (
    <>
      <header>
        <h1>Configuration</h1>
        {data && (
          <p>
            {data.file === null ? 'No file: made from the environment at the start' : <code>{plain(data.file)}</code>},
            in force since <Time at={data.loadedAt} />, hash <code>{data.hash}</code>.
          </p>
        )}
      </header>
      <Trouble asked={asked} />
      {data === null ? <Waiting asked={asked} height={400} /> : <Report report={data} />}
    </>
  );
}

function Report({ report }: { readonly report: ConfigurationReport }) {
  return (
    <>
      {report.refused && (
        <Panel title="A changed file was refused">
          <p>
            <span class="bad">✕ not in force</span>: read at <Time at={report.refused.at} />. The earlier configuration
            stays until the file is mended; it is read again each second.
          </p>
          <pre class="block">{report.refused.why.split('\n').map(plain).join('\n')}</pre>
        </Panel>
      )}
      <Reload of={report.lastReload} />
      <Values report={report} />
    </>
  );
}

function Reload({ of: reload }: { readonly of: ConfigurationReport['lastReload'] }) {
  if (reload === null)
    return (
      <Panel title="Last reload">
        <p class="muted">
          None since the start. A changed file is taken within a second; what changed is then listed here.
        </p>
      </Panel>
    );
  return (
    <Panel
      title="Last reload"
      note={
        <>
          <Time at={reload.at} />, {count(reload.changes.length)} values
        </>
      }
    >
      {reload.changes.length === 0 ? (
        <p class="muted">Only comments or form changed.</p>
      ) : (
        <Table
          label="Changes of the last reload"
          rows={reload.changes}
          rowKey={({ path }) => path}
          columns={[
            { title: 'change', kind: 'tight', cell: ({ kind }) => <span class={TONES[kind]}>{SIGNS[kind]}</span> },
            { title: 'value', kind: 'name', cell: ({ path }) => <code>{plain(path)}</code> },
            { title: 'before', kind: 'name', cell: (change) => <Side change={change} text={change.before} /> },
            { title: 'after', kind: 'name', cell: (change) => <Side change={change} text={change.after} /> },
          ]}
        />
      )}
    </Panel>
  );
}

const SIGNS = { added: '+ added', removed: '− removed', changed: '~ changed' } as const;
const TONES = { added: 'ok', removed: 'bad', changed: 'warn' } as const;

const Side = ({ change, text }: { readonly change: ConfigurationChange; readonly text: string | null }) =>
  change.hidden ? <span class="muted">hidden</span> : <Given text={text} />;

function Values({ report }: { readonly report: ConfigurationReport }) {
  const { place, ask } = useNavigation();
  const { q = '', all = '' } = place.asked;
  const words = q.trim().toLowerCase();
  const set = report.values.filter(({ source }) => all !== '' || source !== 'default');
  const shown = set.filter(({ path, value }) => words === '' || `${path} ${value ?? ''}`.toLowerCase().includes(words));
  return (
    <Panel title="In force" note={`${count(shown.length)} of ${count(report.values.length)} values`}>
      <div class="row" role="search" aria-label="Find values">
        <label class="field">
          <span>path or value</span>
          <input
            type="search"
            size={28}
            data-search=""
            value={q}
            onInput={(event) => ask({ q: event.currentTarget.value }, 'replace')}
          />
        </label>
        <button type="button" aria-pressed={all !== ''} onClick={() => ask({ all: all === '' ? 'yes' : '' })}>
          Defaults too
        </button>
      </div>
      {shown.length === 0 ? (
        <Empty title="No value matches">Leave the search empty, or show the defaults too.</Empty>
      ) : (
        <Table
          label="Values in force"
          rows={shown}
          rowKey={({ path }) => path}
          columns={[
            { title: 'value', kind: 'name', cell: ({ path }) => <code>{plain(path)}</code> },
            { title: 'is', kind: 'name', cell: ({ value }) => <Given text={value} none="set, hidden" /> },
            {
              title: 'from',
              kind: 'tight',
              cell: ({ source }) => <span class={source === 'default' ? 'muted' : ''}>{plain(source)}</span>,
            },
          ]}
        />
      )}
    </Panel>
  );
}
