import { count } from '#kernel/format.ts';
import { Empty, Given, Time, Trouble, Waiting } from '../../parts/basics.tsx';
import { Table } from '../../parts/table.tsx';
import { plural } from '../../parts/text.ts';
import { Used } from '../../parts/used.tsx';
import { read } from '../../session/client.ts';
import { useWho } from '../../session/who.ts';
import { useAsked } from '../../state/use-asked.ts';
import { useNavigation } from '../../state/use-place.ts';
import { scopeText } from '../budgets/words.ts';
import { fullness, rollsText, unitText, type LimitLine } from './words.ts';

/** Limits of requests, tokens and calls in flight with what is used of them; the fullest first. */
export function OwnLimits() {
  const { place } = useNavigation();
  const { may } = useWho();
  const { tenant = '' } = place.asked;
  const asked = useAsked(
    `limits ${tenant}`,
    async () => ((await read('/limits', { tenant })) as { limits: readonly LimitLine[] }).limits,
  );
  const { data } = asked;
  const sorted = data?.toSorted((a, b) => (fullness(b) ?? -1) - (fullness(a) ?? -1)) ?? [];
  const full = sorted.filter((limit) => (fullness(limit) ?? 0) >= 1).length;
  return (
    <>
      <header>
        <h1>Limits</h1>
        {data && (
          <p>
            {count(data.length)} {plural(data.length, 'limit')};{' '}
            {full === 0 ? 'none is full' : <strong class="bad">{count(full)} full</strong>}.
          </p>
        )}
      </header>
      <Trouble asked={asked} />
      {data === null && <Waiting asked={asked} height={300} />}
      {data?.length === 0 && (
        <Empty
          title="No limits"
          {...(may('POST /admin/limits') && {
            command: 'npx headgate limits set --tenant acme --unit requests --window minute --limit 600',
          })}
        >
          A limit refuses calls beyond so many requests, tokens or calls in flight. Without one calls are bounded by
          budgets and providers alone.
        </Empty>
      )}
      {sorted.length > 0 && (
        <Table
          label="Limits"
          rows={sorted}
          rowKey={({ id }) => id}
          columns={[
            { title: 'whose', kind: 'name', cell: (limit) => <Whose of={limit} /> },
            { title: 'of', kind: 'tight', cell: unitText },
            { title: 'most', kind: 'number', cell: ({ limit }) => count(limit) },
            { title: 'used', kind: 'number', cell: ({ used }) => (used === null ? 'one for each' : count(used)) },
            { title: 'in flight', kind: 'number', minor: true, cell: ({ reserved }) => count(reserved) },
            { title: 'full', cell: (limit) => <Full of={limit} /> },
            { title: 'room again', kind: 'tight', minor: true, cell: rollsText },
          ]}
        />
      )}
    </>
  );
}

function Whose({ of: { scope, contact, raise } }: { readonly of: LimitLine }) {
  return (
    <>
      <Given text={scopeText(scope)} />
      {contact !== null && (
        <div class="muted">
          ask <Given text={contact} />
        </div>
      )}
      {raise !== null && (
        <div class="warn">
          {raise.by > 0 ? 'raised' : 'lowered'} by {count(Math.abs(raise.by))} until <Time at={raise.until} />:{' '}
          <Given text={raise.reason} />
        </div>
      )}
    </>
  );
}

function Full({ of: limit }: { readonly of: LimitLine }) {
  const full = fullness(limit);
  if (full === null) return <span class="muted">–</span>;
  return <Used taken={full} held={limit.limit > 0 ? limit.reserved! / limit.limit : 0} full="full" />;
}
