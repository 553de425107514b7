import { useState } from 'preact/hooks';
import { ActionForm, Dialog, Field } from '../../parts/dialog.tsx';
import { Secret } from '../../parts/secret.tsx';
import { TenantField } from '../../parts/tenant-field.tsx';
import { plain } from '../../parts/text.ts';
import { change } from '../../session/client.ts';
import { scopeWords, useWho, type SessionView } from '../../session/who.ts';

/** As `/admin/tokens` answers it. */
export interface TokenView {
  readonly id: string;
  readonly name: string;
  readonly scope: SessionView['token']['scope'];
  readonly tenant: string | null;
  readonly state: 'live' | 'expired' | 'revoked';
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly revokedAt: string | null;
}

interface Closing {
  readonly onClose: () => void;
}

const word = (form: FormData, name: string): string => String(form.get(name) ?? '').trim();

const SCOPES = [
  ['reader', 'everything that reads, without texts'],
  ['tenant', 'what is one tenant’s own'],
  ['operator', 'everything'],
] as const;

export function CreateToken({ onClose }: Closing) {
  const [secret, setSecret] = useState<string | null>(null);
  const [scope, setScope] = useState<string>('reader');
  const create = async (form: FormData): Promise<void> => {
    const lives = word(form, 'for');
    const { token } = (await change('POST', '/tokens', {
      ...{ name: word(form, 'name'), scope },
      ...(scope === 'tenant' && { tenant: word(form, 'tenant') }),
      ...(lives !== '' && { for: lives }),
    })) as { token: string };
    setSecret(token);
  };
  return (
    <Dialog title="Create token" onClose={onClose}>
      {secret !== null ? (
        <Secret what="token" secret={secret} onClose={onClose} />
      ) : (
        <ActionForm verb="Create token" act={create} onClose={onClose}>
          <Field label="Name" hint="The audit shows it with what the token changes.">
            <input name="name" required maxLength={64} placeholder="dashboards" autocomplete="off" />
          </Field>
          <Field label="Opens">
            <select name="scope" value={scope} onChange={(event) => setScope(event.currentTarget.value)}>
              {SCOPES.map(([value, text]) => (
                <option key={value} value={value}>
                  {value}: {text}
                </option>
              ))}
            </select>
          </Field>
          {scope === 'tenant' && <TenantField tenant="" hint="It sees nothing of any other." />}
          <Field label="Ends after">
            <select name="for">
              {['1d', '7d', '30d', '90d', '365d'].map((one) => (
                <option key={one} value={one} selected={one === '90d'}>
                  {one.replace('d', one === '1d' ? ' day' : ' days')}
                </option>
              ))}
              <option value="">never by itself</option>
            </select>
          </Field>
        </ActionForm>
      )}
    </Dialog>
  );
}

export function RevokeToken({ of: token, onClose }: Closing & { readonly of: TokenView }) {
  const own = useWho().token.id === token.id;
  const revoke = async (): Promise<void> => {
    await change('POST', `/tokens/${encodeURIComponent(token.id)}/revoke`, {});
    onClose();
  };
  return (
    <Dialog title={`Revoke token ${plain(token.name)}`} onClose={onClose}>
      <ActionForm verb="Revoke token" danger act={revoke} onClose={onClose}>
        <p>
          It opens {plain(scopeWords(token))}. It is refused from now on, its logins to the console end, and it cannot
          be brought back.
        </p>
        {own && <p class="warn">You are logged in with it: you will have to log in with another.</p>}
      </ActionForm>
    </Dialog>
  );
}
