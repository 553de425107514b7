import { useState } from 'preact/hooks';
import { count, money } from '#kernel/format.ts';
import { ActionForm, Dialog, Field } from '../../parts/dialog.tsx';
import { Secret } from '../../parts/secret.tsx';
import { TenantField } from '../../parts/tenant-field.tsx';
import { plain, plural } from '../../parts/text.ts';
import { change } from '../../session/client.ts';
import { useWho } from '../../session/who.ts';
import { spendRows, type KeyView } from '../../state/questions.ts';
import { useAsked } from '../../state/use-asked.ts';

const word = (form: FormData, name: string): string => String(form.get(name) ?? '').trim();

interface Closing {
  readonly onClose: () => void;
}

export function CreateKey({ tenant, onClose }: Closing & { readonly tenant: string }) {
  const [secret, setSecret] = useState<string | null>(null);
  const { tenant: own } = useWho().token;
  const create = async (form: FormData): Promise<void> => {
    const days = word(form, 'days');
    const models = word(form, 'models');
    const { key } = (await change('POST', '/keys', {
      tenant: own ?? word(form, 'tenant'),
      name: word(form, 'name'),
      owner: word(form, 'owner') || null,
      models: models === '' ? null : models.split(/[\s,]+/),
      expiresAt: days === '' ? null : new Date(Date.now() + Number(days) * 86_400_000).toISOString(),
    })) as { key: string };
    setSecret(key);
  };
  return (
    <Dialog title="Create key" onClose={onClose}>
      {secret !== null ? (
        <Secret what="key" secret={secret} onClose={onClose} />
      ) : (
        <ActionForm verb="Create key" act={create} onClose={onClose}>
          <TenantField tenant={tenant} hint="Its money, its limits, its data." />
          <Field label="Name">
            <input name="name" required maxLength={128} placeholder="web-prod" autocomplete="off" />
          </Field>
          <Field label="Owner" hint="Whom to ask; may be left empty.">
            <input name="owner" maxLength={256} autocomplete="off" />
          </Field>
          <Field label="Models" hint="Names with commas between, * at the end for a prefix; empty: all.">
            <input name="models" autocomplete="off" />
          </Field>
          <Field label="Ends after days" hint="Empty: never.">
            <input name="days" type="number" min={1} max={3650} />
          </Field>
        </ActionForm>
      )}
    </Dialog>
  );
}

export function CreateTenant({ onClose }: Closing) {
  const create = async (form: FormData): Promise<void> => {
    const name = word(form, 'name');
    await change('POST', '/tenants', { id: word(form, 'id'), ...(name !== '' && { name }) });
    onClose();
  };
  return (
    <Dialog title="Create tenant" onClose={onClose}>
      <ActionForm verb="Create tenant" act={create} onClose={onClose}>
        <p>
          A tenant owns keys, budgets and what its calls leave behind. It is never deleted: its entries keep naming it.
        </p>
        <Field label="Id" hint="Lower-case letters, digits, _ and -; it stands in every entry and does not change.">
          <input name="id" required maxLength={63} placeholder="acme" autocomplete="off" spellcheck={false} />
        </Field>
        <Field label="Name" hint="For people; empty: the id.">
          <input name="name" maxLength={128} placeholder="Acme Ltd" autocomplete="off" />
        </Field>
      </ActionForm>
    </Dialog>
  );
}

const OVERLAPS = [
  ['24h', '24 hours'],
  ['7d', '7 days'],
  ['30d', '30 days'],
  ['0s', 'none: the old secret ends at once'],
] as const;

export function RotateKey({ of: key, onClose }: Closing & { readonly of: KeyView }) {
  const [secret, setSecret] = useState<string | null>(null);
  const rotate = async (form: FormData): Promise<void> => {
    const answer = await change('POST', `/keys/${encodeURIComponent(key.id)}/rotate`, {
      overlap: word(form, 'overlap'),
    });
    setSecret((answer as { key: string }).key);
  };
  return (
    <Dialog title={`Rotate key ${plain(key.name)}`} onClose={onClose}>
      {secret !== null ? (
        <Secret what="key" secret={secret} onClose={onClose} />
      ) : (
        <ActionForm verb="Rotate key" act={rotate} onClose={onClose}>
          <p>The key keeps its id, rights and budgets, and gets a new secret.</p>
          <Used of={key} />
          <Field label="The old secret works for another">
            <select name="overlap">
              {OVERLAPS.map(([value, text]) => (
                <option key={value} value={value}>
                  {text}
                </option>
              ))}
            </select>
          </Field>
        </ActionForm>
      )}
    </Dialog>
  );
}

export function RevokeKey({ of: key, onClose }: Closing & { readonly of: KeyView }) {
  const revoke = async (): Promise<void> => {
    await change('POST', `/keys/${encodeURIComponent(key.id)}/revoke`);
    onClose();
  };
  return (
    <Dialog title={`Revoke key ${plain(key.name)}`} onClose={onClose}>
      <ActionForm verb="Revoke key" danger act={revoke} onClose={onClose}>
        <p>
          Its calls are refused from now on, and it cannot be brought back. To replace the secret and keep callers
          running, rotate it.
        </p>
        <Used of={key} />
      </ActionForm>
    </Dialog>
  );
}

/** Whom it would hit: what used the key of late, before somebody acts. */
function Used({ of: key }: { readonly of: KeyView }) {
  const load = () => {
    const to = Date.now();
    return spendRows({ from: to - 3_600_000, to, by: ['feature'], figures: 'sums', filters: { key: key.id } });
  };
  const { data, error } = useAsked(`used ${key.id}`, load, { once: true });
  if (error) return <p class="warn">Who used it in the last hour cannot be read now.</p>;
  if (data === null) return <p class="muted">Looking who used it …</p>;
  if (data.length === 0) return <p class="ok">No call used it in the last hour.</p>;
  const calls = data.reduce((sum, row) => sum + row.calls, 0);
  const names = data.map(({ by }) => plain(by[0] ?? 'no feature')).join(', ');
  const spent = data.reduce((sum, row) => sum + row.costNanoUsd, 0n);
  return (
    <p class="warn">
      {count(calls)} {plural(calls, 'call')} for {money(spent)} used it in the last hour: {names}.
    </p>
  );
}
