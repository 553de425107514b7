import type { CallId, TenantId } from '#kernel/brand.ts';
import type { Protocol } from './entry.ts';

/** A stream that died with its process, and whose entry is in the store, charged by an estimate. */
export interface DiedStream {
  readonly id: CallId;
  readonly tenant: TenantId;
  readonly protocol: Protocol;
}
