/** Slows guesses of the admin token: by address, and over all addresses together. Pure but for its own memory. */

/** A mistyped token or two must not lock anybody out. */
const FREE = { address: 5, everybody: 50 } as const;
/** Many addresses together slow guessing down for all, but never so long that they keep the operator out. */
const LONGEST_WAIT_MS = { address: 15 * 60_000, everybody: 10_000 } as const;
const FIRST_WAIT_MS = 1_000;
/** After this long without a failure an address begins anew. */
const FORGET_MS = 60 * 60_000;
/** Addresses are the attacker's to choose: the oldest is forgotten, and the common count still holds. */
const MOST_ADDRESSES = 1_000;

interface Failures {
  readonly count: number;
  readonly lastAt: number;
}

export class LoginThrottle {
  readonly #addresses = new Map<string, Failures>();
  #everybody: Failures = { count: 0, lastAt: 0 };

  /** Milliseconds until the next try may come; 0: now. */
  waitMs(address: string, now: number): number {
    const own = waitOf(this.#addresses.get(address), 'address', now);
    return Math.max(own, waitOf(this.#everybody, 'everybody', now));
  }

  failed(address: string, now: number): void {
    const own = counted(this.#addresses.get(address), now);
    this.#addresses.delete(address);
    this.#addresses.set(address, own);
    if (this.#addresses.size > MOST_ADDRESSES) this.#addresses.delete(this.#addresses.keys().next().value!);
    this.#everybody = counted(this.#everybody, now);
  }

  succeeded(address: string): void {
    this.#addresses.delete(address);
  }
}

function counted(failures: Failures | undefined, now: number): Failures {
  const fresh = failures === undefined || now - failures.lastAt > FORGET_MS;
  return { count: fresh ? 1 : failures.count + 1, lastAt: now };
}

/** Doubles with each failure beyond the free ones. */
function waitOf(failures: Failures | undefined, whose: keyof typeof FREE, now: number): number {
  const free = FREE[whose];
  if (failures === undefined || failures.count < free || now - failures.lastAt > FORGET_MS) return 0;
  const wait = Math.min(LONGEST_WAIT_MS[whose], FIRST_WAIT_MS * 2 ** Math.min(20, failures.count - free));
  return Math.max(0, failures.lastAt + wait - now);
}
