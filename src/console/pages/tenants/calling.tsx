import { count } from '#kernel/format.ts';
import { Given, Time } from '../../parts/basics.tsx';
import { Part } from '../../parts/part.tsx';
import { Table } from '../../parts/table.tsx';
import { read } from '../../session/client.ts';
import { spanOf, toPage } from '../../state/place.ts';
import { callList, keyList } from '../../state/questions.ts';
import { useAsked } from '../../state/use-asked.ts';
import { useNavigation } from '../../state/use-place.ts';
import { CallsTable } from '../calls/calls-table.tsx';
import { State } from '../keys/keys.tsx';
import { ChangesTable, changesOf } from './safety.tsx';

const MOST_KEYS = 20;
const MOST_CALLS = 10;

/** Who calls for a tenant and under which configuration; its newest calls; who changed what of it. */
export function Calling({ tenant }: { readonly tenant: string }) {
  return (
    <>
      <Keys tenant={tenant} />
      <Layers tenant={tenant} />
      <Recent tenant={tenant} />
      <History tenant={tenant} />
    </>
  );
}

function Keys({ tenant }: { readonly tenant: string }) {
  const { place, go, to } = useNavigation();
  const load = () => keyList({ tenant, limit: MOST_KEYS });
  const asked = useAsked(JSON.stringify(['tenant keys', tenant]), load, { slow: true });
  return (
    <Part
      title="Keys"
      asked={asked}
      note={({ total }) => (total > MOST_KEYS ? `the newest ${MOST_KEYS} of ${count(total)}` : count(total))}
      side={<a href={to('keys', { tenant })}>Create, rotate, revoke</a>}
    >
      {({ keys }) =>
        keys.length === 0 ? (
          <p class="muted">None: nobody can call for it.</p>
        ) : (
          <Table
            label="Keys"
            rows={keys}
            rowKey={({ id }) => id}
            onOpen={({ id }) => go(toPage(place, 'calls', { tenant, key: id }))}
            columns={[
              { title: 'name', kind: 'name', cell: ({ name }) => <Given text={name} /> },
              { title: 'team', kind: 'name', minor: true, cell: ({ team }) => <Given text={team} /> },
              { title: 'owner', kind: 'name', minor: true, cell: ({ owner }) => <Given text={owner} /> },
              { title: 'state', kind: 'tight', cell: (key) => <State of={key} /> },
              { title: 'created', kind: 'tight', minor: true, cell: ({ createdAt }) => <Time at={createdAt} /> },
            ]}
          />
        )
      }
    </Part>
  );
}

interface LayerView {
  readonly id: string;
  readonly version: number;
  readonly at: string;
  readonly author: string;
  readonly settings: Readonly<Record<string, unknown>>;
}

function Layers({ tenant }: { readonly tenant: string }) {
  const load = async () => ((await read('/layers', { tenant })) as { layers: readonly LayerView[] }).layers;
  const asked = useAsked(JSON.stringify(['tenant layers', tenant]), load, { slow: true });
  return (
    <Part title="Layers" asked={asked} note="its configuration; that of the operator and of its plan lies below">
      {(layers) =>
        layers.length === 0 ? (
          <p class="muted">None of its own.</p>
        ) : (
          <>
            <Table
              label="Layers"
              rows={layers}
              rowKey={({ id }) => id}
              columns={[
                { title: 'layer', kind: 'name', cell: ({ id }) => <Given text={id} /> },
                { title: 'version', kind: 'number', cell: ({ version }) => count(version) },
                {
                  title: 'sets',
                  kind: 'name',
                  cell: ({ settings }) => <Given text={setsOf(settings)} none="nothing" />,
                },
                { title: 'since', kind: 'tight', minor: true, cell: ({ at }) => <Time at={at} /> },
                { title: 'by', kind: 'name', minor: true, cell: ({ author }) => <Given text={author} /> },
              ]}
            />
            <p class="muted">
              <code>headgate tenants explain {tenant}</code> says which version sets each value of a call.
            </p>
          </>
        )
      }
    </Part>
  );
}

const isSet = (value: unknown): boolean =>
  value !== null && value !== undefined && (typeof value !== 'object' || Object.keys(value).length > 0);

function setsOf(settings: LayerView['settings']): string | null {
  const names = Object.keys(settings).filter((name) => isSet(settings[name]));
  return names.length === 0 ? null : names.join(', ');
}

function Recent({ tenant }: { readonly tenant: string }) {
  const { place, to } = useNavigation();
  const load = () => callList({ tenant, ...spanOf(place.window, Date.now()), limit: MOST_CALLS });
  const asked = useAsked(JSON.stringify(['tenant calls', tenant, place.window]), load);
  return (
    <Part
      title="Newest calls"
      asked={asked}
      note="of the window"
      side={<a href={to('calls', { tenant })}>All of them</a>}
    >
      {(calls) =>
        calls.length === 0 ? (
          <p class="muted">None in this window.</p>
        ) : (
          <CallsTable label="Newest calls" calls={calls} who={false} />
        )
      }
    </Part>
  );
}

function History({ tenant }: { readonly tenant: string }) {
  const asked = useAsked(JSON.stringify(['tenant changes', tenant]), () => changesOf(tenant), { slow: true });
  return (
    <Part title="Recent changes" asked={asked} note="from the audit">
      {(rows) => (rows.length === 0 ? <p class="muted">None.</p> : <ChangesTable rows={rows} />)}
    </Part>
  );
}
