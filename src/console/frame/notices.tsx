import { useState } from 'preact/hooks';
import { useConnection } from '../state/connection.ts';
import { Time } from '../parts/basics.tsx';
import { plain } from '../parts/text.ts';

/** Trouble between this page and its gate, in one line each. The figures below stay as they were read. */
export function Notices() {
  const { goneSince, away, restartedAt, status } = useConnection();
  const [dismissed, setDismissed] = useState<string | null>(null);
  return (
    <div class="notices" role="status" aria-live="polite">
      {goneSince !== null && (
        <p class="notice bad">
          The gate has not answered since <Time at={goneSince} />. Trying again each second; what is shown was read
          before that.
        </p>
      )}
      {goneSince === null && away && (
        <p class="notice bad">
          The store is away since <Time at={away.since} />: {plain(away.message)} Calls of known keys go on; what is
          shown was read before.
        </p>
      )}
      {status?.draining && (
        <p class="notice">This gate is draining: it takes no new calls and ends when its streams have.</p>
      )}
      {goneSince === null && restartedAt !== null && restartedAt !== dismissed && (
        <p class="notice ok">
          The gate is back: it restarted at <Time at={restartedAt} />.{' '}
          <button type="button" class="plain" onClick={() => setDismissed(restartedAt)}>
            Dismiss
          </button>
        </p>
      )}
    </div>
  );
}
