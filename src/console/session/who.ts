/** Whose session this is: what the gate says of the token that opened it. */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';

/** As `/admin/session` answers it. */
export interface SessionView {
  readonly csrf: string;
  /** End of this login. */
  readonly expiresAt: string;
  readonly token: {
    /** Null: the token of the first start. */
    readonly id: string | null;
    readonly name: string;
    readonly scope: 'operator' | 'reader' | 'tenant';
    /** Of the scope `tenant` alone. */
    readonly tenant: string | null;
    readonly expiresAt: string | null;
  };
  /** Operations of the admin API: `GET /admin/keys/:key`. */
  readonly opens: readonly string[];
}

export interface Who extends Omit<SessionView, 'csrf' | 'opens'> {
  /** May this session ask for it? The gate decides it; a page draws no button that it would refuse. */
  readonly may: (operation: string) => boolean;
}

export function whoOf({ expiresAt, token, opens }: SessionView): Who {
  const all = new Set(opens);
  return { expiresAt, token, may: (operation) => all.has(operation) };
}

/** The same for logins by one token: what one has read, the other may see. */
export const keyOf = ({ token: { id, scope, tenant } }: Who): string => JSON.stringify([id, scope, tenant]);

/** `operator`, `reader`, `tenant acme`. */
export const scopeWords = ({ scope, tenant }: Who['token']): string => (tenant === null ? scope : `tenant ${tenant}`);

export const WhoContext = createContext<Who>(null as never);
export const useWho = (): Who => useContext(WhoContext);
