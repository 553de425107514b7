import { setTimeout as sleep } from 'node:timers/promises';
import type { CallId } from '#kernel/brand.ts';
import { err, ok, type Result } from '#kernel/result.ts';
import type {
  ClaimReach,
  ClaimRefusal,
  IdempotencyKeys,
  IdempotencyName,
  KeyClaim,
  KeyUse,
  SharedKeys,
} from '#ports/idempotency.ts';
import type { Answers } from './answers.ts';

/** The keys of this gate, in a journal: what it had is known to it whatever becomes of the shared store. */
export interface OwnKeys extends IdempotencyKeys {
  find(name: IdempotencyName): KeyUse | null;
  newest(most: number): readonly KeyClaim[];
  claim(claim: KeyClaim): Result<ClaimReach, ClaimRefusal>;
}

/** Claims that a store which was away is told again: some 20 µs of it each, and it may have lost what it had. */
const MOST_TOLD_AGAIN = 10_000;
/** Behind an outage no key is taken for so long: the store may have lost its keys, and each gate has to come back and tell its own. */
const TELLING_MS = 1_000;

/**
 * Idempotency keys over all gates on one store. Where it is away, a key that this gate does not know is claimed at this
 * gate alone, and the store hears of it once it is back.
 */
export class KeysOverGates implements IdempotencyKeys {
  readonly #own: OwnKeys;
  readonly #shared: SharedKeys;
  readonly #answers: Pick<Answers, 'find'>;
  /** Claims that other gates did not know. */
  alone = 0;
  #told: Promise<void> | null = null;

  constructor(parts: { readonly own: OwnKeys; readonly shared: SharedKeys; readonly answers: Pick<Answers, 'find'> }) {
    this.#own = parts.own;
    this.#shared = parts.shared;
    this.#answers = parts.answers;
    parts.shared.onBack(() => this.#tellAgain());
  }

  async claim(claim: KeyClaim): Promise<Result<ClaimReach, ClaimRefusal>> {
    const earlier = this.#own.find(claim.name);
    if (earlier) return err({ earlier });
    if (this.#told) await this.#told;
    const said = await this.#shared.claim(claim);
    if (!said.ok && said.error !== 'away') return err(said.error);
    const own = this.#own.claim(claim);
    if (!own.ok) {
      // Another call of this gate was first while the store was away, or the journal has no room.
      if (said.ok) void this.#shared.release(claim.name, claim.use.call);
      return own;
    }
    if (said.ok) return ok('whole');
    this.alone++;
    return ok('alone');
  }

  release(name: IdempotencyName, call: CallId): void {
    this.#own.release(name, call);
    void this.#shared.release(name, call);
  }

  #tellAgain(): void {
    const told = sleep(TELLING_MS, undefined, { ref: false }).then(() => {
      if (this.#told === told) this.#told = null;
    });
    this.#told = told;
    for (const claim of this.#own.newest(MOST_TOLD_AGAIN)) this.#tell(claim);
  }

  #tell(claim: KeyClaim): void {
    const { name, use } = claim;
    const answer = this.#answers.find(use.call);
    void this.#shared.claim(claim, answer !== null);
    if (answer === null) return;
    if (answer.status !== null) void this.#shared.ended(name, use.call, answer.status);
    else void answer.begun.then((begun) => void (begun === 'stream' && this.#shared.begun(name, use.call, 'stream')));
  }
}
