import { hkdfSync, randomBytes } from 'node:crypto';
import type { TenantId } from '#kernel/brand.ts';
import { KEY_BYTES, NONCE_BYTES, seal, unseal } from '#kernel/seal.ts';
import type { KeptReply } from '#ports/answer-cache.ts';

/** A key of a tenant for one use, from the operator's secret (RFC 5869). */
export const tenantKey = (secret: string, tenant: TenantId, use: 'name' | 'seal'): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, tenant, `headgate.answer-cache.${use}.1`, KEY_BYTES));

/** Tenants whose keys are at hand: one is made in 10 µs. */
const MOST_KEYS = 10_000;

/** Seals answers under a key of their tenant, each to its own name: whoever reads the store reads none of them, and none can stand for another. */
export class AnswerSealer {
  readonly #secret: string;
  readonly #keys = new Map<TenantId, Buffer>();

  constructor(secret: string) {
    this.#secret = secret;
  }

  seal(tenant: TenantId, name: string, { about, body }: Pick<KeptReply, 'about' | 'body'>): Buffer {
    const head = Buffer.from(about);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(head.length);
    const text = Buffer.concat([length, head, body]);
    return seal(this.#keyOf(tenant), randomBytes(NONCE_BYTES), { text, about: Buffer.from(name) });
  }

  /** Null: it was changed, or sealed under another secret. */
  open(tenant: TenantId, name: string, sealed: Buffer): Pick<KeptReply, 'about' | 'body'> | null {
    const opened = unseal(this.#keyOf(tenant), sealed, Buffer.from(name));
    if (!opened.ok) return null;
    const end = 4 + opened.value.readUInt32BE();
    return { about: opened.value.toString('utf8', 4, end), body: opened.value.subarray(end) };
  }

  #keyOf(tenant: TenantId): Buffer {
    let key = this.#keys.get(tenant);
    if (key === undefined) {
      if (this.#keys.size >= MOST_KEYS) this.#keys.clear();
      this.#keys.set(tenant, (key = tenantKey(this.#secret, tenant, 'seal')));
    }
    return key;
  }
}
