import type { CallId, EpochMs, KeyId } from '#kernel/brand.ts';
import { err, ok, type Result } from '#kernel/result.ts';
import type {
  ClaimReach,
  ClaimRefusal,
  IdempotencyKeys,
  IdempotencyName,
  KeyClaim,
  KeyUse,
} from '#ports/idempotency.ts';

export interface KeyBounds {
  /** How long a key is remembered, in milliseconds. */
  readonly rememberMs: number;
  /** Of one API key, and in all. */
  readonly ofOwner: number;
  readonly inAll: number;
}

/** What outlives the process: written before a claim is answered. */
export interface KeyJournal {
  claimed(claim: KeyClaim): void;
  released(name: IdempotencyName, call: CallId): void;
}

/** Idempotency keys of one process. The oldest are the first in the map, and the first to be forgotten. */
export class MemoryIdempotencyKeys implements IdempotencyKeys {
  readonly #claims = new Map<IdempotencyName, KeyClaim>();
  readonly #ofOwner = new Map<KeyId, number>();
  readonly #bounds: () => KeyBounds;
  readonly #journal: KeyJournal;
  readonly #now: () => EpochMs;

  constructor(parts: {
    readonly bounds: () => KeyBounds;
    readonly journal: KeyJournal;
    readonly now: () => EpochMs;
    /** What an earlier process left, oldest first. */
    readonly known: Iterable<KeyClaim>;
  }) {
    this.#bounds = parts.bounds;
    this.#journal = parts.journal;
    this.#now = parts.now;
    for (const claim of parts.known) this.#add(claim);
  }

  get size(): number {
    return this.#claims.size;
  }

  claim(claim: KeyClaim): Result<ClaimReach, ClaimRefusal> {
    this.#forgetOld();
    const earlier = this.#claims.get(claim.name);
    if (earlier) return err({ earlier: earlier.use });
    const { ofOwner, inAll } = this.#bounds();
    if (this.size >= inAll || (this.#ofOwner.get(claim.owner) ?? 0) >= ofOwner) return err('full');
    this.#journal.claimed(claim);
    this.#add(claim);
    return ok('whole');
  }

  /** What the key was used for; null: it is free. */
  find(name: IdempotencyName): KeyUse | null {
    this.#forgetOld();
    return this.#claims.get(name)?.use ?? null;
  }

  /** The newest claims, the oldest of them first. */
  newest(most: number): readonly KeyClaim[] {
    this.#forgetOld();
    return this.#claims
      .values()
      .drop(Math.max(0, this.size - most))
      .toArray();
  }

  release(name: IdempotencyName, call: CallId): void {
    const claim = this.#claims.get(name);
    if (claim?.use.call !== call) return;
    this.#journal.released(name, call);
    this.#remove(claim);
  }

  #forgetOld(): void {
    const due = this.#now() - this.#bounds().rememberMs;
    for (const claim of this.#claims.values()) {
      if (claim.use.at > due) return;
      this.#remove(claim);
    }
  }

  #add(claim: KeyClaim): void {
    this.#claims.set(claim.name, claim);
    this.#ofOwner.set(claim.owner, (this.#ofOwner.get(claim.owner) ?? 0) + 1);
  }

  #remove({ name, owner }: KeyClaim): void {
    this.#claims.delete(name);
    const left = this.#ofOwner.get(owner)! - 1;
    if (left === 0) this.#ofOwner.delete(owner);
    else this.#ofOwner.set(owner, left);
  }
}
