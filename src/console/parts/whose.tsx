import type { ComponentChildren } from 'preact';
import { Given, Time } from './basics.tsx';

interface Props {
  readonly name: string;
  /** Whom to ask for more; null: nobody is named. */
  readonly contact: string | null;
  /** `by` in words, such as `raised by $5`. */
  readonly raise: { readonly by: string; readonly until: string; readonly reason: string } | null;
  readonly children?: ComponentChildren;
}

/** Whose a budget or a limit is, whom to ask, and what was changed for a while. */
export const Whose = ({ name, contact, raise, children }: Props) => (
  <>
    <Given text={name} />
    {children}
    {contact !== null && (
      <div class="muted">
        ask <Given text={contact} />
      </div>
    )}
    {raise !== null && (
      <div class="warn">
        {raise.by} until <Time at={raise.until} />: <Given text={raise.reason} />
      </div>
    )}
  </>
);
