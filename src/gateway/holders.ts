import { createHash, timingSafeEqual } from 'node:crypto';
import { FIRST_NAMES, OPERATOR, type Access } from '#capabilities/tenants/routes.ts';
import type { AdminToken } from '#ports/state-store.ts';

/** Who holds an admin token that is alive, and what it opens. */
export interface Holder {
  /** Names the token without opening anything: what was opened with a token asks by it whether the token still lives. */
  readonly ref: string;
  /** Id of a named token; null: the token of the first start. */
  readonly id: string | null;
  /** Whom the audit names. */
  readonly name: string;
  readonly access: Access;
  /** Unix milliseconds; null: it does not end by itself. */
  readonly expiresAt: number | null;
}

interface Named {
  adminToken(text: string): AdminToken | null;
  adminTokenOf(id: string): AdminToken | null;
}

/** The one place that says whose a token is: for the API and for logins of the console alike. */
export class Holders {
  readonly #isFirst: (text: string) => boolean;
  readonly #first: Holder;
  readonly #named: Named;

  /** `firstToken`: of the first start, which the configuration or the data folder has. */
  constructor(firstToken: string, named: Named) {
    this.#isFirst = tokenCheck(firstToken);
    const ref = createHash('sha256').update(`session:${firstToken}`).digest('hex');
    this.#first = { ref, id: null, name: FIRST_NAMES.token, access: OPERATOR, expiresAt: null };
    this.#named = named;
  }

  /** By its text. Null: none that lives, whether it is over, revoked, of a disabled tenant, or never was. */
  ofToken(text: string): Holder | null {
    return this.#isFirst(text) ? this.#first : holderOf(this.#named.adminToken(text));
  }

  /** By {@link Holder.ref}: null as soon as the token lives no longer. */
  ofRef(ref: string): Holder | null {
    return ref === this.#first.ref ? this.#first : holderOf(this.#named.adminTokenOf(ref));
  }
}

function holderOf(token: AdminToken | null): Holder | null {
  if (token === null) return null;
  const { id, name, scope, tenant, expiresAt } = token;
  return { ref: id, id, name, access: { scope, tenant }, expiresAt };
}

const digest = (token: string): Buffer => createHash('sha256').update(token).digest();

/** Digests of equal length compare in constant time, whatever was sent. */
function tokenCheck(adminToken: string): (given: string) => boolean {
  const wanted = digest(adminToken);
  return (given) => timingSafeEqual(digest(given), wanted);
}
