import { money } from '#kernel/format.ts';
import { ActionForm, Dialog, Field } from '../../parts/dialog.tsx';
import { TenantField } from '../../parts/tenant-field.tsx';
import { plain } from '../../parts/text.ts';
import { change } from '../../session/client.ts';
import type { BudgetView } from '../../state/questions.ts';
import { scopeText } from './words.ts';

const word = (form: FormData, name: string): string => String(form.get(name) ?? '').trim();

interface Closing {
  readonly onClose: () => void;
}

const LEVELS = [
  ['tenant', 'the tenant as a whole'],
  ['team', 'a team'],
  ['feature', 'a feature'],
  ['key', 'a key'],
  ['end_user', 'an end user'],
] as const;

export function CreateBudget({ tenant, onClose }: Closing & { readonly tenant: string }) {
  const create = async (form: FormData): Promise<void> => {
    const id = word(form, 'id');
    await change('POST', '/budgets', {
      level: word(form, 'level'),
      tenant: word(form, 'tenant'),
      ...(id !== '' && { id }),
      limitUsd: word(form, 'limit'),
      window: word(form, 'window'),
      mode: word(form, 'mode'),
      contact: word(form, 'contact') || null,
    });
    onClose();
  };
  return (
    <Dialog title="Create budget" onClose={onClose}>
      <ActionForm verb="Create budget" act={create} onClose={onClose}>
        <TenantField tenant={tenant} />
        <Field label="For">
          <select name="level">
            {LEVELS.map(([value, text]) => (
              <option key={value} value={value}>
                {text}
              </option>
            ))}
          </select>
        </Field>
        <Field
          label="Which"
          hint="Id of the team, feature, key or end user. Empty: a budget of its own for each of them."
        >
          <input name="id" autocomplete="off" />
        </Field>
        <Field label="Limit in dollars" hint="What was spent in the window already counts.">
          <input name="limit" required inputMode="decimal" pattern="[0-9]+([.][0-9]+)?" placeholder="100.00" />
        </Field>
        <Field label="Window">
          <select name="window">
            {['day', 'week', 'month', 'total', '24h', '7d', '30d'].map((one) => (
              <option key={one} value={one} selected={one === 'month'}>
                {one}
              </option>
            ))}
          </select>
        </Field>
        <Field
          label="Mode"
          hint="strict reserves the worst case and never overshoots; bounded admits more, with a stated overshoot."
        >
          <select name="mode">
            <option value="bounded">bounded</option>
            <option value="strict">strict</option>
          </select>
        </Field>
        <Field label="Contact" hint="Whom a refused caller is told to ask.">
          <input name="contact" autocomplete="off" />
        </Field>
      </ActionForm>
    </Dialog>
  );
}

export function RaiseBudget({ of: budget, onClose }: Closing & { readonly of: BudgetView }) {
  const raise = async (form: FormData): Promise<void> => {
    await change('POST', `/budgets/${encodeURIComponent(budget.id)}/raise`, {
      byUsd: word(form, 'by'),
      for: word(form, 'for'),
      reason: word(form, 'reason'),
    });
    onClose();
  };
  return (
    <Dialog title={`Raise the budget of ${plain(scopeText(budget.scope))}`} onClose={onClose}>
      <ActionForm verb="Raise budget" act={raise} onClose={onClose}>
        <p>
          Now {money(budget.limit)}
          {budget.spent !== null && `, of which ${money(budget.spent)} is spent and ${money(budget.reserved)} held`}.
          The raise ends by itself.
        </p>
        <Field label="By dollars">
          <input name="by" required inputMode="decimal" pattern="[0-9]+([.][0-9]+)?" placeholder="50.00" />
        </Field>
        <Field label="For">
          <select name="for">
            {['1h', '4h', '24h', '7d', '30d'].map((one) => (
              <option key={one} value={one} selected={one === '24h'}>
                {one}
              </option>
            ))}
          </select>
        </Field>
        <Field label="Why" hint="The audit keeps it.">
          <input name="reason" required maxLength={256} autocomplete="off" />
        </Field>
      </ActionForm>
    </Dialog>
  );
}

export function RemoveBudget({ of: budget, onClose }: Closing & { readonly of: BudgetView }) {
  const remove = async (): Promise<void> => {
    await change('DELETE', `/budgets/${encodeURIComponent(budget.id)}`);
    onClose();
  };
  return (
    <Dialog title={`Remove the budget of ${plain(scopeText(budget.scope))}`} onClose={onClose}>
      <ActionForm verb="Remove budget" danger act={remove} onClose={onClose}>
        <p>
          Nothing limits it any more to {money(budget.limit)}: its callers may spend what other budgets leave. What was
          spent stays in the ledger, and a new budget counts it.
        </p>
      </ActionForm>
    </Dialog>
  );
}
