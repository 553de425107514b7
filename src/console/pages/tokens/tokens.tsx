import { useState } from 'preact/hooks';
import { count } from '#kernel/format.ts';
import { Empty, Given, Id, Time, Trouble, Waiting } from '../../parts/basics.tsx';
import { Changes } from '../../parts/changes.tsx';
import { Table, type Column } from '../../parts/table.tsx';
import { plural } from '../../parts/text.ts';
import { read } from '../../session/client.ts';
import { scopeWords, useWho, type Who } from '../../session/who.ts';
import { useAsked } from '../../state/use-asked.ts';
import { CreateToken, RevokeToken, type TokenView } from './token-dialogs.tsx';

type Open = 'create' | TokenView;

const CREATE = 'POST /admin/tokens';

/** Admin tokens: who may do what here and by the API, and until when. What lives stands first. */
export function Tokens() {
  const { may } = useWho();
  const [open, setOpen] = useState<Open | null>(null);
  const [changes, setChanges] = useState(0);
  const load = async () => ((await read('/tokens')) as { tokens: readonly TokenView[] }).tokens;
  const asked = useAsked(`tokens ${changes}`, load, { slow: true });
  const { data } = asked;
  const close = (): void => {
    setOpen(null);
    setChanges((old) => old + 1);
  };
  const sorted = data?.toReversed().toSorted((a, b) => Number(a.state !== 'live') - Number(b.state !== 'live')) ?? [];
  const alive = sorted.filter(({ state }) => state === 'live').length;
  return (
    <>
      <header>
        <h1>Tokens</h1>
        {data && (
          <p>
            {count(alive)} named {plural(alive, 'token')} live{alive === 1 ? 's' : ''}, beside the one of the first
            start, which opens everything.
          </p>
        )}
      </header>
      {may(CREATE) && (
        <div class="row">
          <button type="button" class="primary" onClick={() => setOpen('create')}>
            Create token
          </button>
        </div>
      )}
      <Trouble asked={asked} />
      {data === null && <Waiting asked={asked} height={300} />}
      {data?.length === 0 && (
        <Empty
          title="No named tokens"
          {...(may(CREATE) && { command: 'npx headgate tokens create dashboards --scope reader --for 90d' })}
        >
          A token of its own for each person, machine and tenant: the audit names it, and it ends without the others.
        </Empty>
      )}
      {sorted.length > 0 && (
        <Table
          label="Tokens"
          rows={sorted}
          rowKey={({ id }) => id}
          columns={[
            { title: 'name', kind: 'name', cell: ({ name }) => <Given text={name} /> },
            { title: 'opens', kind: 'name', cell: (token) => <Given text={scopeWords(token)} /> },
            { title: 'state', kind: 'tight', cell: ({ state }) => <span class={TONES[state]}>{state}</span> },
            { title: 'ends', kind: 'tight', cell: (token) => <Ends of={token} /> },
            { title: 'created', kind: 'tight', minor: true, cell: ({ createdAt }) => <Time at={createdAt} /> },
            { title: 'id', kind: 'tight', minor: true, cell: ({ id }) => <Id id={id} /> },
            ...actions(may, setOpen),
          ]}
        />
      )}
      <Changes of="token" seen={changes} />
      {open === 'create' && <CreateToken onClose={close} />}
      {open !== null && open !== 'create' && <RevokeToken of={open} onClose={close} />}
    </>
  );
}

const TONES: Readonly<Record<TokenView['state'], string>> = { live: 'ok', expired: 'muted', revoked: 'bad' };

function Ends({ of: { expiresAt, revokedAt } }: { readonly of: TokenView }) {
  const at = revokedAt ?? expiresAt;
  return at === null ? <span class="muted">not by itself</span> : <Time at={at} />;
}

function actions(may: Who['may'], open: (what: Open) => void): Column<TokenView>[] {
  if (!may('POST /admin/tokens/:token/revoke')) return [];
  return [
    {
      title: 'actions',
      kind: 'tight',
      hidden: true,
      cell: (token) =>
        token.state === 'live' && (
          <button type="button" class="plain bad" aria-label={`Revoke token ${token.name}`} onClick={() => open(token)}>
            Revoke
          </button>
        ),
    },
  ];
}
