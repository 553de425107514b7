import { createHash, timingSafeEqual } from 'node:crypto';

/** A working day and a half: longer than a shift, shorter than a week away from the desk. */
export const SESSION_MS = 12 * 3_600_000;
/** More people than look at one gate at once; the oldest login ends first. */
const MOST_SESSIONS = 256;
const ID_BYTES = 32;

/** What is kept of a session: whoever reads it cannot use it. */
export interface KeptSession {
  /** SHA-256 of the session's id in hex. */
  readonly hash: string;
  /** Digest of the admin token that opened it: another token ends it. */
  readonly token: string;
  readonly expiresAt: number;
}

export interface Session {
  /** Proof that a request was written by the page: another site can send the cookie at most, never this. */
  readonly csrf: string;
  readonly expiresAt: number;
}

export interface SessionsOptions {
  readonly adminToken: string;
  readonly randomBytes: (count: number) => Uint8Array;
  readonly now: () => number;
  /** Sessions outlive a restart of the gate. */
  readonly kept: { load(): readonly KeptSession[]; save(sessions: readonly KeptSession[]): void };
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
/** The cookie cannot be found from it, and it needs no place of its own on the server. */
const csrfOf = (id: string): string => createHash('sha256').update(`csrf:${id}`).digest('base64url');

/** Logins of the console: random ids, known by their hash alone, that expire. */
export class Sessions {
  readonly #options: SessionsOptions;
  readonly #token: string;
  #sessions: readonly KeptSession[];

  constructor(options: SessionsOptions) {
    this.#options = options;
    this.#token = sha256(`session:${options.adminToken}`);
    this.#sessions = this.#living(options.kept.load());
  }

  open(): Session & { readonly id: string } {
    const id = Buffer.from(this.#options.randomBytes(ID_BYTES)).toString('base64url');
    const expiresAt = this.#options.now() + SESSION_MS;
    this.#keep([...this.#living(this.#sessions), { hash: sha256(id), token: this.#token, expiresAt }]);
    return { id, csrf: csrfOf(id), expiresAt };
  }

  find(id: string): Session | null {
    const hash = sha256(id);
    const found = this.#living(this.#sessions).find((session) => session.hash === hash);
    return found ? { csrf: csrfOf(id), expiresAt: found.expiresAt } : null;
  }

  close(id: string): void {
    const hash = sha256(id);
    this.#keep(this.#sessions.filter((session) => session.hash !== hash));
  }

  #living(sessions: readonly KeptSession[]): readonly KeptSession[] {
    const now = this.#options.now();
    return sessions.filter(({ token, expiresAt }) => token === this.#token && expiresAt > now);
  }

  #keep(sessions: readonly KeptSession[]): void {
    this.#sessions = sessions.slice(-MOST_SESSIONS);
    this.#options.kept.save(this.#sessions);
  }
}

/** Compares in constant time for texts of one length. */
export function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
