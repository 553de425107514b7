import { count } from '#kernel/format.ts';
import { Given } from '../../parts/basics.tsx';
import { Table } from '../../parts/table.tsx';
import { Used } from '../../parts/used.tsx';
import { Whose } from '../../parts/whose.tsx';
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
        { title: 'whose', kind: 'who', cell: whoseCell },
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

const whoseCell = (one: LimitUse) => (
  <Whose name={whoseLimit(one)} contact={one.contact} raise={one.raise && { ...one.raise, by: changed(one.raise.by) }}>
    {one.subject !== null && <div class="muted">the fullest of them</div>}
  </Whose>
);

const changed = (by: number): string => `${by < 0 ? 'lowered' : 'raised'} by ${count(Math.abs(by))}`;
