import type { EpochMs, TenantId } from '#kernel/brand.ts';
import { concerns, tenantOf, type TenantKey, type Whose } from '#kernel/whose.ts';
import type { AnswerCache, AnswerKey, ClearScope, KeepOptions, KeptReply, KeptShare } from '#ports/answer-cache.ts';

export interface AnswerBytes {
  readonly totalBytes: number;
  readonly tenantBytes: number;
}

/** What an answer takes beside its two texts: key, maps and objects (measured on Node 26: 510 bytes of heap). */
export const ANSWER_OVERHEAD_BYTES = 768;

const SWEEP_MS = 1_000;
/** Looked at in one turn of the loop: 0.1 ms. */
const SWEEP_ENTRIES = 2_000;

interface Kept {
  readonly key: AnswerKey;
  readonly reply: KeptReply;
  readonly expiresAt: number;
  readonly bytes: number;
}

/** Of one tenant: the one not read for longest comes first. */
interface OfTenant {
  readonly kept: Map<TenantKey<'answer'>, Kept>;
  bytes: number;
}

/**
 * Answers of one process. Who needs room takes it from its own tenant's oldest first; only where the whole is too
 * large does another's oldest go. What is too old is let go within a few seconds, read or not.
 */
export class MemoryAnswerCache implements AnswerCache {
  readonly #bounds: () => AnswerBytes;
  readonly #now: () => EpochMs;
  /** Over all tenants, the one not read for longest first. */
  readonly #all = new Map<TenantKey<'answer'>, Kept>();
  readonly #tenants = new Map<TenantId, OfTenant>();
  readonly #sweeper: NodeJS.Timeout;
  #sweep: Iterator<Kept> | null = null;
  #bytes = 0;
  /** It is always there. */
  readonly up = true;
  readonly unanswered = 0;
  /** Answers that were let go before their time, for want of room. */
  evicted = 0;

  constructor(bounds: () => AnswerBytes, now: () => EpochMs) {
    this.#bounds = bounds;
    this.#now = now;
    this.#sweeper = setInterval(() => this.#letGoOld(), SWEEP_MS);
    this.#sweeper.unref();
  }

  get bytes(): number {
    return this.#bytes;
  }
  get size(): number {
    return this.#all.size;
  }

  get(key: AnswerKey, now: EpochMs): KeptReply | null {
    const kept = this.#all.get(key.name);
    if (kept === undefined) return null;
    if (kept.expiresAt <= now) {
      this.#remove(kept);
      return null;
    }
    this.#touch(kept);
    return kept.reply;
  }

  put(key: AnswerKey, reply: KeptReply, { now, ttlMs }: KeepOptions): boolean {
    const earlier = this.#all.get(key.name);
    if (earlier !== undefined) this.#remove(earlier);
    const bytes = reply.body.length + reply.about.length + ANSWER_OVERHEAD_BYTES;
    const { totalBytes, tenantBytes } = this.#bounds();
    if (bytes > Math.min(totalBytes, tenantBytes)) return false;
    const own = this.#of(key.tenant);
    while (own.bytes + bytes > tenantBytes) this.#evict(own.kept);
    while (this.#bytes + bytes > totalBytes) this.#evict(this.#all);
    this.#add({ key, reply, expiresAt: now + ttlMs, bytes });
    return true;
  }

  clear({ whose, feature }: ClearScope): number {
    const tenant = tenantOf(whose);
    const from = tenant === null ? this.#all : this.#tenants.get(tenant)?.kept;
    const found = [...(from?.values() ?? [])].filter(({ key }) => feature === null || key.feature === feature);
    for (const kept of found) this.#remove(kept);
    return found.length;
  }

  shares(whose: Whose): readonly KeptShare[] {
    const shares = new Map<string, { -readonly [K in keyof KeptShare]: KeptShare[K] }>();
    for (const { key, bytes } of this.#all.values()) {
      const { tenant, feature } = key;
      if (!concerns(whose, tenant)) continue;
      const name = JSON.stringify([tenant, feature]);
      const share = shares.get(name) ?? { tenant, feature, answers: 0, bytes: 0 };
      share.answers += 1;
      share.bytes += bytes;
      shares.set(name, share);
    }
    return [...shares.values()];
  }

  close(): void {
    clearInterval(this.#sweeper);
  }

  #of(tenant: TenantId): OfTenant {
    let own = this.#tenants.get(tenant);
    if (own === undefined) this.#tenants.set(tenant, (own = { kept: new Map(), bytes: 0 }));
    return own;
  }

  #add(kept: Kept): void {
    // A tenant whose last answer made room may have gone from the map.
    const own = this.#of(kept.key.tenant);
    own.kept.set(kept.key.name, kept);
    own.bytes += kept.bytes;
    this.#all.set(kept.key.name, kept);
    this.#bytes += kept.bytes;
  }

  #touch(kept: Kept): void {
    for (const map of [this.#all, this.#tenants.get(kept.key.tenant)!.kept]) {
      map.delete(kept.key.name);
      map.set(kept.key.name, kept);
    }
  }

  #remove(kept: Kept): void {
    const own = this.#tenants.get(kept.key.tenant)!;
    own.kept.delete(kept.key.name);
    own.bytes -= kept.bytes;
    if (own.kept.size === 0) this.#tenants.delete(kept.key.tenant);
    this.#all.delete(kept.key.name);
    this.#bytes -= kept.bytes;
  }

  #evict(from: ReadonlyMap<TenantKey<'answer'>, Kept>): void {
    const [oldest] = from.values();
    this.#remove(oldest!);
    this.evicted += 1;
  }

  /** A part of all at a time, and from the start again once the end is reached. */
  #letGoOld(): void {
    const now = this.#now();
    this.#sweep ??= this.#all.values();
    for (let i = 0; i < SWEEP_ENTRIES; i++) {
      const { done, value } = this.#sweep.next();
      if (done) {
        this.#sweep = null;
        return;
      }
      if (value.expiresAt <= now) this.#remove(value);
    }
  }
}
