import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { useAction } from '../state/use-action.ts';
import { plain } from './text.ts';

interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

/** The browser's own dialog: it keeps the focus, and Escape closes it. */
export function Dialog({ title, onClose, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const name = useId();
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    dialog.current?.showModal();
    return () => before?.focus();
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby={name} onClose={onClose}>
      <div class="stack">
        <h2 id={name}>{title}</h2>
        {children}
      </div>
    </dialog>
  );
}

interface ActionProps {
  readonly verb: string;
  readonly danger?: boolean;
  readonly act: (form: FormData) => Promise<void>;
  readonly onClose: () => void;
  readonly children?: ComponentChildren;
}

/** Fields, a verb and a way out. A refusal is shown where the verb stands; nothing is lost of what was typed. */
export function ActionForm({ verb, danger = false, act, onClose, children }: ActionProps) {
  const { busy, refused, run } = useAction();
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    void run(() => act(form));
  };
  return (
    <form onSubmit={submit}>
      {children}
      {refused !== null && (
        <p class="bad" role="alert">
          {plain(refused)}
        </p>
      )}
      <div class="actions">
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <button type="submit" class={danger ? 'danger' : 'primary'} disabled={busy}>
          {verb}
        </button>
      </div>
    </form>
  );
}

interface FieldProps {
  readonly label: string;
  readonly hint?: string;
  readonly children: ComponentChildren;
}

export const Field = ({ label, hint, children }: FieldProps) => (
  <label class="field">
    <span>{label}</span>
    {children}
    {hint && <span>{hint}</span>}
  </label>
);
