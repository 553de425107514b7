import { createHash, timingSafeEqual } from 'node:crypto';
import type { Holder, Holders } from '../holders.ts';

/** A working day and a half: longer than a shift, shorter than a week away from the desk. */
export const SESSION_MS = 12 * 3_600_000;
/** More people than look at one gate at once. Beyond it the token with the most logins loses its oldest: nobody else. */
const MOST_SESSIONS = 256;
const ID_BYTES = 32;

/** What is kept of a session: whoever reads it cannot use it. */
export interface KeptSession {
  /** SHA-256 of the session's id in hex. */
  readonly hash: string;
  /** Reference of the admin token that opened it, which opens nothing: the token's end ends it. */
  readonly token: string;
  readonly expiresAt: number;
}

export interface Session {
  /** Proof that a request was written by the page: another site can send the cookie at most, never this. */
  readonly csrf: string;
  /** Its own end or that of its token, whichever is first. */
  readonly expiresAt: number;
  readonly holder: Holder;
}

export interface SessionsOptions {
  readonly holders: Pick<Holders, 'ofRef'>;
  readonly randomBytes: (count: number) => Uint8Array;
  readonly now: () => number;
  /** Sessions outlive a restart of the gate. */
  readonly kept: { load(): readonly KeptSession[]; save(sessions: readonly KeptSession[]): void };
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
/** The cookie cannot be found from it, and it needs no place of its own on the server. */
const csrfOf = (id: string): string => createHash('sha256').update(`csrf:${id}`).digest('base64url');

/** Logins of the console: random ids, known by their hash alone, that end with their time or with their token. */
export class Sessions {
  readonly #options: SessionsOptions;
  #sessions: readonly KeptSession[];

  constructor(options: SessionsOptions) {
    this.#options = options;
    this.#sessions = this.#living(options.kept.load());
  }

  /** Always a new id: one that a browser brought along is never taken over. */
  open(holder: Holder): Session & { readonly id: string } {
    const id = Buffer.from(this.#options.randomBytes(ID_BYTES)).toString('base64url');
    const expiresAt = Math.min(this.#options.now() + SESSION_MS, holder.expiresAt ?? Infinity);
    this.#keep(fitting([...this.#living(this.#sessions), { hash: sha256(id), token: holder.ref, expiresAt }]));
    return { id, csrf: csrfOf(id), expiresAt, holder };
  }

  find(id: string): Session | null {
    const hash = sha256(id);
    const found = this.#sessions.find((session) => session.hash === hash);
    const holder = found ? this.#holderOf(found) : null;
    return holder && { csrf: csrfOf(id), expiresAt: found!.expiresAt, holder };
  }

  close(id: string): void {
    const hash = sha256(id);
    const left = this.#sessions.filter((session) => session.hash !== hash);
    if (left.length < this.#sessions.length) this.#keep(left);
  }

  /** Null: the session is over, by its time or with its token. */
  #holderOf({ token, expiresAt }: KeptSession): Holder | null {
    return expiresAt > this.#options.now() ? this.#options.holders.ofRef(token) : null;
  }

  #living(sessions: readonly KeptSession[]): readonly KeptSession[] {
    return sessions.filter((session) => this.#holderOf(session) !== null);
  }

  #keep(sessions: readonly KeptSession[]): void {
    this.#sessions = sessions;
    this.#options.kept.save(sessions);
  }
}

/** Without the oldest of the token with the most: a holder who logs in without end throws out itself alone. */
function fitting(sessions: readonly KeptSession[]): readonly KeptSession[] {
  if (sessions.length <= MOST_SESSIONS) return sessions;
  const most = [...Map.groupBy(sessions, ({ token }) => token).values()].reduce((a, b) =>
    b.length > a.length ? b : a,
  );
  return fitting(sessions.filter((session) => session !== most[0]));
}

/** Compares in constant time for texts of one length. */
export function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
