import { useState } from 'preact/hooks';
import { count, money, ratioOf, UNKNOWN } from '#kernel/format.ts';
import { Empty, Time, Trouble, Waiting } from '../../parts/basics.tsx';
import { plural } from '../../parts/text.ts';
import { Changes } from '../../parts/changes.tsx';
import { Table, type Column } from '../../parts/table.tsx';
import { Used } from '../../parts/used.tsx';
import { Whose } from '../../parts/whose.tsx';
import { useWho, type Who } from '../../session/who.ts';
import { budgetList, type BudgetView } from '../../state/questions.ts';
import { useAsked } from '../../state/use-asked.ts';
import { useNavigation } from '../../state/use-place.ts';
import { CreateBudget, RaiseBudget, RemoveBudget } from './budget-dialogs.tsx';
import { scopeText, usedShare, windowText } from './words.ts';

type Open = { readonly what: 'create' } | { readonly what: 'raise' | 'remove'; readonly budget: BudgetView };

/** Limits with what is spent and what is held for calls in flight; the fullest first. */
export function Budgets() {
  const { place } = useNavigation();
  const { may } = useWho();
  const { tenant = '' } = place.asked;
  const [open, setOpen] = useState<Open | null>(null);
  const [changes, setChanges] = useState(0);
  const asked = useAsked(JSON.stringify(['budgets', tenant, changes]), () => budgetList(tenant));
  const { data } = asked;
  const close = (): void => {
    setOpen(null);
    setChanges((old) => old + 1);
  };
  const sorted = data?.toSorted((a, b) => (usedShare(b) ?? -1) - (usedShare(a) ?? -1)) ?? [];
  const full = sorted.filter((budget) => (usedShare(budget) ?? 0) >= 1).length;
  return (
    <>
      <header>
        <h1>Budgets</h1>
        {data && (
          <p>
            {count(data.length)} {plural(data.length, 'budget')};{' '}
            {full === 0 ? 'none is used up' : <strong class="bad">{count(full)} used up</strong>}.
          </p>
        )}
      </header>
      {may(CREATE) && (
        <div class="row">
          <button type="button" class="primary" onClick={() => setOpen({ what: 'create' })}>
            Create budget
          </button>
        </div>
      )}
      <Trouble asked={asked} />
      {data === null && <Waiting asked={asked} height={300} />}
      {data?.length === 0 && (
        <Empty
          title="No budgets"
          {...(may(CREATE) && {
            command: 'npx headgate budgets create --level tenant --tenant acme --limit 100 --window month',
          })}
        >
          A budget refuses calls once its money is spent or held.
          {may(CREATE) ? ' Create one above or on the command line.' : ' Whoever runs the gate creates them.'}
        </Empty>
      )}
      {sorted.length > 0 && (
        <Table
          label="Budgets"
          rows={sorted}
          rowKey={({ id }) => id}
          columns={[
            { title: 'whose', kind: 'name', cell: (budget) => whoseCell(budget) },
            { title: 'window', kind: 'tight', cell: ({ window, mode }) => `${windowText(window)}, ${mode}` },
            { title: 'limit', kind: 'number', cell: ({ limit }) => money(limit) },
            { title: 'spent', kind: 'number', cell: ({ spent }) => (spent === null ? <Each /> : money(spent)) },
            { title: 'reserved', kind: 'number', cell: ({ reserved }) => money(reserved) },
            { title: 'used', cell: (budget) => <UsedOf of={budget} /> },
            {
              title: 'resets',
              kind: 'tight',
              cell: ({ resetsAt }) => (resetsAt === null ? UNKNOWN : <Time at={resetsAt} />),
            },
            ...actions(may, setOpen),
          ]}
        />
      )}
      <Changes of="budget" seen={changes} />
      {open?.what === 'create' && <CreateBudget tenant={tenant} onClose={close} />}
      {open?.what === 'raise' && <RaiseBudget of={open.budget} onClose={close} />}
      {open?.what === 'remove' && <RemoveBudget of={open.budget} onClose={close} />}
    </>
  );
}

const CREATE = 'POST /admin/budgets';
const RAISE = 'POST /admin/budgets/:budget/raise';
const REMOVE = 'DELETE /admin/budgets/:budget';

/** The column of buttons, with those that this session may press; none: no column. */
function actions(may: Who['may'], open: (what: Open) => void): Column<BudgetView>[] {
  if (!may(RAISE) && !may(REMOVE)) return [];
  return [
    {
      title: 'actions',
      kind: 'tight',
      hidden: true,
      cell: (budget) => (
        <>
          {may(RAISE) && (
            <button
              type="button"
              class="plain"
              aria-label={`Raise the budget of ${scopeText(budget.scope)}`}
              onClick={() => open({ what: 'raise', budget })}
            >
              Raise
            </button>
          )}
          {may(REMOVE) && (
            <button
              type="button"
              class="plain bad"
              aria-label={`Remove the budget of ${scopeText(budget.scope)}`}
              onClick={() => open({ what: 'remove', budget })}
            >
              Remove
            </button>
          )}
        </>
      ),
    },
  ];
}

const Each = () => <span class="muted">one for each</span>;

const whoseCell = ({ scope, contact, raise }: BudgetView) => (
  <Whose name={scopeText(scope)} contact={contact} raise={raise && { ...raise, by: `raised by ${money(raise.by)}` }} />
);

function UsedOf({ of: budget }: { readonly of: BudgetView }) {
  const used = usedShare(budget);
  if (used === null) return <span class="muted">–</span>;
  const held = ratioOf(budget.reserved ?? 0n, budget.limit) ?? 0;
  return <Used taken={used} held={held} warnAt={Math.min(1, ...budget.warnAt)} full="used up" />;
}
