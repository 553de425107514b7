import { useState } from 'preact/hooks';
import { count } from '#kernel/format.ts';
import { Empty, Given, Time, Trouble, Waiting } from '../../parts/basics.tsx';
import { Changes } from '../../parts/changes.tsx';
import { Table, type Column } from '../../parts/table.tsx';
import { plural } from '../../parts/text.ts';
import { useWho, type Who } from '../../session/who.ts';
import { toPage } from '../../state/place.ts';
import { keyList, type KeyView } from '../../state/questions.ts';
import { useAsked } from '../../state/use-asked.ts';
import { useNavigation } from '../../state/use-place.ts';
import { CreateKey, CreateTenant, RevokeKey, RotateKey } from './key-dialogs.tsx';

const PAGE = 100;

type Open = { readonly what: 'create' | 'tenant' } | { readonly what: 'rotate' | 'revoke'; readonly key: KeyView };

/** Keys of every tenant, or of one’s own: find one, give one, change its secret, end it. */
export function Keys() {
  const { place, ask, go } = useNavigation();
  const { may } = useWho();
  const { tenant = '', q = '', state = '', before = '' } = place.asked;
  const [open, setOpen] = useState<Open | null>(null);
  const [changes, setChanges] = useState(0);
  const key = JSON.stringify(['keys', tenant, q, state, before, changes]);
  const asked = useAsked(key, () => keyList({ tenant, search: q, state, before, limit: PAGE }), { slow: true });
  const { data } = asked;
  const close = (): void => {
    setOpen(null);
    setChanges((old) => old + 1);
  };
  return (
    <>
      <header>
        <h1>Keys</h1>
        {data && (
          <p>
            {count(data.total)} {plural(data.total, 'key')}
            {q !== '' || state !== '' || tenant !== '' ? plural(data.total, ' matches', ' match') : ''}
            {data.total > data.keys.length ? `; ${count(data.keys.length)} of them are on this page, newest first` : ''}
            .
          </p>
        )}
      </header>
      <div class="row">
        <Search />
        {may(CREATE) && (
          <button type="button" class="primary" onClick={() => setOpen({ what: 'create' })}>
            Create key
          </button>
        )}
        {may('POST /admin/tenants') && (
          <button type="button" onClick={() => setOpen({ what: 'tenant' })}>
            Create tenant
          </button>
        )}
      </div>
      <Trouble asked={asked} />
      {data === null && <Waiting asked={asked} height={400} />}
      {data?.keys.length === 0 && <None filtered={q !== '' || state !== '' || tenant !== ''} may={may(CREATE)} />}
      {data !== null && data.keys.length > 0 && (
        <Table
          label="Keys"
          rows={data.keys}
          rowKey={({ id }) => id}
          onOpen={({ id }) => go(toPage(place, 'calls', { key: id }))}
          columns={[
            { title: 'name', kind: 'name', cell: ({ name }) => <Given text={name} /> },
            {
              title: 'hint',
              minor: true,
              kind: 'tight',
              cell: ({ hint }) => <code>{hint === '' ? 'imported' : hint}</code>,
            },
            { title: 'tenant', kind: 'name', cell: (key) => <Given text={key.tenant} /> },
            { title: 'team', minor: true, kind: 'name', cell: ({ team }) => <Given text={team} /> },
            { title: 'owner', minor: true, kind: 'name', cell: ({ owner }) => <Given text={owner} /> },
            {
              title: 'models',
              minor: true,
              kind: 'name',
              cell: ({ models }) => <Given text={models?.join(', ') ?? null} none="all" />,
            },
            { title: 'state', kind: 'tight', cell: (key) => <State of={key} /> },
            { title: 'created', minor: true, kind: 'tight', cell: ({ createdAt }) => <Time at={createdAt} /> },
            ...actions(may, setOpen),
          ]}
        />
      )}
      {data !== null && (
        <div class="row">
          {before !== '' && (
            <button type="button" onClick={() => ask({ before: '' })}>
              Newest
            </button>
          )}
          {data.keys.length === PAGE && (
            <button type="button" onClick={() => ask({ before: data.keys.at(-1)!.id })}>
              Older
            </button>
          )}
        </div>
      )}
      <Changes of="key" seen={changes} />
      {open?.what === 'tenant' && <CreateTenant onClose={close} />}
      {open?.what === 'create' && <CreateKey tenant={tenant} onClose={close} />}
      {open?.what === 'rotate' && <RotateKey of={open.key} onClose={close} />}
      {open?.what === 'revoke' && <RevokeKey of={open.key} onClose={close} />}
    </>
  );
}

const CREATE = 'POST /admin/keys';
const ROTATE = 'POST /admin/keys/:key/rotate';
const REVOKE = 'POST /admin/keys/:key/revoke';

/** The column of buttons, with those that this session may press; none: no column. */
function actions(may: Who['may'], open: (what: Open) => void): Column<KeyView>[] {
  if (!may(ROTATE) && !may(REVOKE)) return [];
  return [
    {
      title: 'actions',
      kind: 'tight',
      hidden: true,
      cell: (key) =>
        key.revokedAt === null && (
          <>
            {may(ROTATE) && (
              <button
                type="button"
                class="plain"
                aria-label={`Rotate key ${key.name}`}
                onClick={() => open({ what: 'rotate', key })}
              >
                Rotate
              </button>
            )}
            {may(REVOKE) && (
              <button
                type="button"
                class="plain bad"
                aria-label={`Revoke key ${key.name}`}
                onClick={() => open({ what: 'revoke', key })}
              >
                Revoke
              </button>
            )}
          </>
        ),
    },
  ];
}

function Search() {
  const { place, ask } = useNavigation();
  const { q = '', state = '' } = place.asked;
  return (
    <div class="row" role="search" aria-label="Find keys">
      <label class="field">
        <span>name, id, hint, owner or team</span>
        <input
          type="search"
          size={28}
          data-search=""
          value={q}
          onInput={(event) => ask({ q: event.currentTarget.value, before: '' }, 'replace')}
        />
      </label>
      <label class="field">
        <span>state</span>
        <select value={state} onChange={(event) => ask({ state: event.currentTarget.value, before: '' })}>
          <option value="">any</option>
          <option value="live">live</option>
          <option value="expired">expired</option>
          <option value="revoked">revoked</option>
        </select>
      </label>
    </div>
  );
}

const None = ({ filtered, may }: { readonly filtered: boolean; readonly may: boolean }) => (
  <Empty
    title={filtered ? 'No key matches' : 'No keys yet'}
    {...(!filtered && may && { command: 'npx headgate keys create --tenant acme --name web-prod' })}
  >
    {filtered ? 'Leave a filter out.' : 'A caller needs a key.'}
    {!filtered && may && ' Create one above or on the command line.'}
  </Empty>
);

export function State({ of: { revokedAt, expiresAt, previousUntil } }: { readonly of: KeyView }) {
  const now = Date.now();
  if (revokedAt !== null) return <span class="bad">revoked</span>;
  if (expiresAt !== null && Date.parse(expiresAt) <= now) return <span class="bad">expired</span>;
  const overlap = previousUntil.map((until) => Date.parse(until)).filter((until) => until > now);
  if (overlap.length > 0)
    return (
      <span class="warn">
        live; old secret until <Time at={Math.max(...overlap)} />
      </span>
    );
  if (expiresAt !== null)
    return (
      <>
        <span class="ok">live</span> until <Time at={expiresAt} />
      </>
    );
  return <span class="ok">live</span>;
}
