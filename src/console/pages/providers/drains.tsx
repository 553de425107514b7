import { useState } from 'preact/hooks';
import { duration } from '#kernel/format.ts';
import { Time } from '../../parts/basics.tsx';
import { ActionForm, Dialog, Field } from '../../parts/dialog.tsx';
import { plain } from '../../parts/text.ts';
import { change } from '../../session/client.ts';
import { useWho } from '../../session/who.ts';
import { useAction } from '../../state/use-action.ts';
import type { DrainView, ProviderView } from './view.ts';

interface Changing {
  readonly onChanged: () => void;
}

/** What is drained: why, by whom, how long still, and the way back. */
export function Drains({ drains, onChanged }: Changing & { readonly drains: readonly DrainView[] }) {
  if (drains.length === 0) return null;
  return (
    <ul class="findings" aria-label="Drained">
      {drains.map((drain) => (
        <One key={drain.id} drain={drain} onChanged={onChanged} />
      ))}
    </ul>
  );
}

function One({ drain, onChanged }: Changing & { readonly drain: DrainView }) {
  const { level, target, until, reason, actor } = drain;
  const { may } = useWho();
  const { busy, refused, run } = useAction();
  const stop = (): Promise<boolean> =>
    run(async () => {
      await change('DELETE', `/drains/${encodeURIComponent(drain.id)}`);
      onChanged();
    });
  return (
    <li>
      <span class="grade warn">! drained</span>
      <span>
        {level} <code>{plain(target)}</code> gets no new calls for{' '}
        {duration(Math.max(0, Date.parse(until) - Date.now()))}, until <Time at={until} />. {plain(actor)}: “
        {plain(reason)}”{refused !== null && <span class="bad"> {plain(refused)}</span>}
      </span>
      {may('DELETE /admin/drains/:drain') && (
        <button type="button" disabled={busy} onClick={() => void stop()} aria-label={`End the drain of ${target}`}>
          {busy ? 'Ending …' : 'End drain'}
        </button>
      )}
    </li>
  );
}

const SPANS = ['10m', '30m', '1h', '4h', '24h'] as const;

export function DrainButton({ provider, onChanged }: Changing & { readonly provider: ProviderView }) {
  const [open, setOpen] = useState(false);
  const close = (): void => {
    setOpen(false);
    onChanged();
  };
  return (
    <>
      <button type="button" onClick={() => setOpen(true)} aria-label={`Drain provider ${provider.name}`}>
        Drain …
      </button>
      {open && <DrainDialog provider={provider} onClose={close} />}
    </>
  );
}

function DrainDialog({ provider, onClose }: { readonly provider: ProviderView; readonly onClose: () => void }) {
  const start = async (form: FormData): Promise<void> => {
    const [target, span, reason] = ['target', 'for', 'reason'].map((name) => String(form.get(name) ?? '').trim());
    const level = target === provider.name ? 'provider' : 'deployment';
    await change('POST', '/drains', { target, level, for: span, reason });
    onClose();
  };
  return (
    <Dialog title={`Drain ${plain(provider.name)}`} onClose={onClose}>
      <ActionForm verb="Drain" danger act={start} onClose={onClose}>
        <p>
          No new call is sent there; calls under way go on. Other deployments and fallbacks take over, and calls that
          have none are refused until the drain ends by itself.
        </p>
        <Field label="What">
          <select name="target">
            <option value={provider.name}>the whole provider</option>
            {provider.deployments
              .filter((name) => !name.endsWith('*'))
              .map((name) => (
                <option key={name} value={name}>
                  {plain(name)} alone
                </option>
              ))}
          </select>
        </Field>
        <Field label="For">
          <select name="for" defaultValue="30m">
            {SPANS.map((span) => (
              <option key={span} value={span} selected={span === '30m'}>
                {span}
              </option>
            ))}
          </select>
        </Field>
        <Field label="Why" hint="For colleagues and the audit; callers do not see it.">
          <input name="reason" required maxLength={256} autocomplete="off" />
        </Field>
      </ActionForm>
    </Dialog>
  );
}
