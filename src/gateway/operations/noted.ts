import type { TenantId } from '#kernel/brand.ts';
import { timeOrderedId } from '#kernel/ids.ts';
import type { Gate } from '../gate.ts';

interface Noted {
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  /** Whose; absent: it concerns no one tenant. */
  readonly tenant?: TenantId;
  readonly detail: object;
}

/** Writes what an operator did to the audit, before it is done. */
export function noted({ tenants, clock, rng }: Gate, { detail, ...entry }: Noted): Promise<void> {
  const at = clock.now();
  const audit = { id: timeOrderedId('aud_', at, rng), at, tenant: null, ...entry, detail: JSON.stringify(detail) };
  return tenants.change([], audit);
}
