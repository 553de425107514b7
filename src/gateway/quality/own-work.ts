import type { Attribution, Caller } from '#capabilities/tenants/index.ts';
import type { CallKind, LedgerEntry } from '#ports/entry.ts';

/**
 * A call that the gate makes of itself for a tenant. It goes the way of every call, with its entry, its money and the
 * regions and own keys of its tenant's layers; what those layers say of prompts, names and parameters is not meant for it.
 */
export interface OwnWork {
  readonly kind: CallKind;
  /** For whom: what it costs is theirs. */
  readonly caller: Caller;
  readonly attribution: Attribution;
  /** Told once, where the call was admitted. */
  readonly settled: (entry: LedgerEntry) => void;
}
