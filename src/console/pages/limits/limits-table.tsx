import { count } from '#kernel/format.ts';
import { Given, Time } from '../../parts/basics.tsx';
import { Table } from '../../parts/table.tsx';
import { Used } from '../../parts/used.tsx';
import { pathOf } from '../../state/place.ts';
import { useNavigation } from '../../state/use-place.ts';
import { amount, unitText, whoseLimit, type LimitUse } from './view.ts';

interface Props {
  readonly rows: readonly LimitUse[];
  /** Within one tenant's page its name needs no link. */
  readonly linked?: boolean;
}

/** Limits with what is taken of them. */
export function LimitsTable({ rows, linked = false }: Props) {
  const { to } = useNavigation();
  return (
    <Table
      label="Limits"
      rows={rows}
      rowKey={({ id }) => id}
      columns={[
        { title: 'whose', kind: 'who', cell: (one) => <Whose of={one} /> },
        ...(linked
          ? [
              {
                title: 'tenant',
                kind: 'name' as const,
                minor: true,
                cell: ({ scope }: LimitUse) =>
                  scope.tenant === null ? (
                    <span class="muted">all</span>
                  ) : (
                    <a href={to(pathOf('tenants', scope.tenant))}>
                      <Given text={scope.tenant} />
                    </a>
                  ),
              },
            ]
          : []),
        {
          title: 'taken',
          cell: ({ share, reserved, limit }) => <Used taken={share} held={reserved / limit} full="full" />,
        },
        { title: 'of', kind: 'tight', cell: unitText },
        { title: 'used', kind: 'number', cell: (one) => amount(one.used, one) },
        { title: 'in flight', kind: 'number', minor: true, cell: (one) => amount(one.reserved, one) },
        { title: 'limit', kind: 'number', cell: (one) => amount(one.limit, one) },
        {
          title: 'refused, 1 h',
          kind: 'number',
          cell: ({ refused }) => <span class={refused > 0 ? 'bad' : ''}>{count(refused)}</span>,
        },
      ]}
    />
  );
}

function Whose({ of: one }: { readonly of: LimitUse }) {
  const { contact, raise } = one;
  return (
    <>
      <Given text={whoseLimit(one)} />
      {one.subject !== null && <div class="muted">the fullest of them</div>}
      {contact !== null && (
        <div class="muted">
          ask <Given text={contact} />
        </div>
      )}
      {raise !== null && (
        <div class="warn">
          {raise.by < 0 ? 'lowered' : 'raised'} by {count(Math.abs(raise.by))} until <Time at={raise.until} />:{' '}
          <Given text={raise.reason} />
        </div>
      )}
    </>
  );
}
