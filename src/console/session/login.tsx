import { useState } from 'preact/hooks';
import { logIn, Refusal } from './client.ts';
import type { Who } from './who.ts';

/** Asks for an admin token. What is on the page behind it stays. */
export function Login({ onDone, again }: { readonly onDone: (who: Who) => void; readonly again: boolean }) {
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    setBusy(true);
    try {
      const who = await logIn(String(new FormData(form).get('token') ?? ''));
      form.reset();
      onDone(who);
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown;
      setError(
        thrown.kind === 'login'
          ? 'This is not the admin token of this gate, nor a named one that is alive.'
          : thrown.message,
      );
    } finally {
      setBusy(false);
    }
  };
  return (
    <main class="login">
      <form onSubmit={(event) => void submit(event)}>
        <h1>Headgate</h1>
        <p>
          {again
            ? 'Your session is over. Log in again: the page stays where it was.'
            : 'Log in with an admin token of this gate, your own or the first.'}
        </p>
        <label class="field">
          <span>Admin token</span>
          <input name="token" type="password" autocomplete="off" required autofocus spellcheck={false} />
        </label>
        {error !== null && (
          <p class="bad" role="alert">
            {error}
          </p>
        )}
        <button type="submit" class="primary" disabled={busy}>
          Log in
        </button>
        <p class="muted">
          <code>headgate tokens create</code> makes one for each person or tenant. The first lies in{' '}
          <code>admin.token</code> in the data folder, or where <code>admin.token</code> in headgate.yaml points.
        </p>
      </form>
    </main>
  );
}
