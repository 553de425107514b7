import { tenantList } from '../state/questions.ts';
import { useWho } from '../session/who.ts';
import { useAsked } from '../state/use-asked.ts';
import { Field } from './dialog.tsx';

interface Props {
  readonly tenant: string;
  readonly hint?: string;
}

/** Which tenant something is for. A tenant's own token is asked nothing: the gate knows whose it is. */
export function TenantField(props: Props) {
  const { token } = useWho();
  return token.tenant === null ? <Choice {...props} /> : null;
}

function Choice({ tenant, hint }: Props) {
  const tenants = useAsked('tenants', tenantList, { once: true });
  return (
    <Field label="Tenant" {...(hint !== undefined && { hint })}>
      <input name="tenant" required list="tenants" defaultValue={tenant} autocomplete="off" />
      <datalist id="tenants">
        {tenants.data?.map(({ id }) => (
          <option key={id} value={id} />
        ))}
      </datalist>
    </Field>
  );
}
