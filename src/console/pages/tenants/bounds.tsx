import { count, money, ratioOf } from '#kernel/format.ts';
import { Given, Time } from '../../parts/basics.tsx';
import { Part } from '../../parts/part.tsx';
import { Table } from '../../parts/table.tsx';
import { plural } from '../../parts/text.ts';
import { Used } from '../../parts/used.tsx';
import { budgetList, type BudgetView } from '../../state/questions.ts';
import { useAsked } from '../../state/use-asked.ts';
import { useNavigation } from '../../state/use-place.ts';
import { scopeText, usedShare, windowText } from '../budgets/words.ts';
import { LimitsTable } from '../limits/limits-table.tsx';
import { limitUses } from '../limits/view.ts';

const MOST = 100;

/** What bounds a tenant: its limits and budgets of every level, the fullest first. */
export function Bounds({ tenant }: { readonly tenant: string }) {
  return (
    <>
      <Limits tenant={tenant} />
      <Budgets tenant={tenant} />
    </>
  );
}

function Limits({ tenant }: { readonly tenant: string }) {
  const { to } = useNavigation();
  const asked = useAsked(JSON.stringify(['tenant limits', tenant]), () => limitUses({ tenant, limit: MOST }));
  return (
    <Part
      title="Limits"
      asked={asked}
      note={({ total }) =>
        total > MOST ? `the fullest ${MOST} of ${count(total)}` : 'on every level, the fullest first'
      }
      side={<a href={to('limits', { tenant })}>Its limits</a>}
    >
      {({ rows, eachEndUser }) => (
        <>
          {rows.length === 0 && eachEndUser === 0 && (
            <p class="muted">
              None: its calls are bounded by the operator’s limits and the providers. <code>headgate limits set</code>{' '}
              makes one.
            </p>
          )}
          {rows.length > 0 && <LimitsTable rows={rows} />}
          {eachEndUser > 0 && (
            <p class="muted">
              And {count(eachEndUser)} {plural(eachEndUser, 'limit')} for each end user, whose fullest nobody lists.
            </p>
          )}
        </>
      )}
    </Part>
  );
}

function Budgets({ tenant }: { readonly tenant: string }) {
  const { to } = useNavigation();
  const asked = useAsked(JSON.stringify(['tenant budgets', tenant]), () => budgetList(tenant));
  return (
    <Part title="Budgets" asked={asked} side={<a href={to('budgets', { tenant })}>Raise, create, remove</a>}>
      {(budgets) =>
        budgets.length === 0 ? (
          <p class="muted">None of its own.</p>
        ) : (
          <Table
            label="Budgets"
            rows={budgets.toSorted((a, b) => (usedShare(b) ?? -1) - (usedShare(a) ?? -1)).slice(0, MOST)}
            rowKey={({ id }) => id}
            columns={[
              { title: 'whose', kind: 'who', cell: ({ scope }) => <Given text={scopeText(scope)} /> },
              { title: 'window', kind: 'tight', cell: ({ window, mode }) => `${windowText(window)}, ${mode}` },
              { title: 'used', cell: (budget) => <UsedMoney of={budget} /> },
              { title: 'spent', kind: 'number', cell: ({ spent }) => money(spent) },
              { title: 'reserved', kind: 'number', minor: true, cell: ({ reserved }) => money(reserved) },
              { title: 'limit', kind: 'number', cell: ({ limit }) => money(limit) },
              {
                title: 'resets',
                kind: 'tight',
                minor: true,
                cell: ({ resetsAt }) => (resetsAt === null ? '–' : <Time at={resetsAt} />),
              },
            ]}
          />
        )
      }
    </Part>
  );
}

function UsedMoney({ of: budget }: { readonly of: BudgetView }) {
  const used = usedShare(budget);
  if (used === null) return <span class="muted">one for each</span>;
  const held = ratioOf(budget.reserved ?? 0n, budget.limit) ?? 0;
  return <Used taken={used} held={held} warnAt={Math.min(1, ...budget.warnAt)} full="used up" />;
}
