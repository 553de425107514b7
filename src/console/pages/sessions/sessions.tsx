import { count, share, tokens } from '#kernel/format.ts';
import { Empty, Given, Time, Trouble, Waiting } from '../../parts/basics.tsx';
import { Table } from '../../parts/table.tsx';
import { cost, plural } from '../../parts/text.ts';
import { pathOf, spanOf, toPage } from '../../state/place.ts';
import { sessionList, type SessionLine } from '../../state/questions.ts';
import { useAsked } from '../../state/use-asked.ts';
import { useNavigation } from '../../state/use-place.ts';

/** Tasks of agents and users across calls: what each cost, what caches gave, where it failed. */
export function Sessions() {
  const { place, go, ask, to } = useNavigation();
  const { tenant = '', environment = '', before = '' } = place.asked;
  const load = async () => {
    const span = spanOf(place.window, Date.now() + 1);
    return sessionList({ ...span, tenant, environment, before, limit: 50 });
  };
  const asked = useAsked(JSON.stringify([place.window, tenant, environment, before]), load, { slow: true });
  const { data } = asked;
  return (
    <>
      <header>
        <h1>Sessions</h1>
        {data && (
          <p>
            {count(data.sessions.length)} {plural(data.sessions.length, 'session')} among {count(data.lookedAt)}{' '}
            {plural(data.lookedAt, 'call')}, newest first; figures are of the whole session.
          </p>
        )}
      </header>
      <Trouble asked={asked} />
      {data === null && <Waiting asked={asked} height={400} />}
      {data?.sessions.length === 0 && (
        <Empty title="No sessions here" command="curl … -H 'x-headgate-session: task-42'">
          A call belongs to a session when it carries the header <code>x-headgate-session</code> and its key may set it.
          {data.next !== null && ' Older calls of this window were not looked at yet.'}
        </Empty>
      )}
      {data !== null && data.sessions.length > 0 && (
        <Table
          label="Sessions"
          rows={data.sessions}
          rowKey={({ tenant: whose, session }) => JSON.stringify([whose, session])}
          onOpen={(line) => go(toPage(place, pathOf('sessions', line.tenant, line.session)))}
          columns={[
            { title: 'last call', kind: 'tight', cell: ({ lastAt }) => <Time at={lastAt} /> },
            {
              title: 'session',
              kind: 'name',
              cell: (line) => (
                <a href={to(pathOf('sessions', line.tenant, line.session))} tabIndex={-1}>
                  <Given text={line.session} />
                </a>
              ),
            },
            { title: 'tenant', kind: 'name', cell: (line) => <Given text={line.tenant} /> },
            { title: 'models', minor: true, kind: 'name', cell: ({ models }) => <Given text={models.join(', ')} /> },
            { title: 'calls', kind: 'number', cell: ({ calls }) => count(calls) },
            { title: 'tokens in', minor: true, kind: 'number', cell: ({ inputTokens }) => tokens(inputTokens) },
            {
              title: 'from cache',
              kind: 'number',
              cell: ({ cachedReadTokens, inputTokens }) =>
                share(inputTokens === 0 ? null : cachedReadTokens / inputTokens),
            },
            { title: 'tokens out', minor: true, kind: 'number', cell: ({ outputTokens }) => tokens(outputTokens) },
            { title: 'cost', kind: 'number', cell: cost },
            { title: 'failed', kind: 'name', cell: (line) => <Failed line={line} /> },
          ]}
        />
      )}
      <div class="row">
        {before !== '' && (
          <button type="button" onClick={() => ask({ before: '' })}>
            Newest
          </button>
        )}
        {data !== null && data.next !== null && (
          <button type="button" onClick={() => ask({ before: data.next! })}>
            Look further back
          </button>
        )}
      </div>
    </>
  );
}

function Failed({ line: { errors, failed } }: { readonly line: SessionLine }) {
  const { to } = useNavigation();
  if (errors === 0) return <span class="muted">none</span>;
  return (
    <span class="bad">
      {count(errors)}
      {failed && (
        <>
          {': '}
          <a href={to(pathOf('calls', failed.call))}>
            <Given text={failed.errorCode ?? failed.status} />
          </a>
        </>
      )}
    </span>
  );
}
