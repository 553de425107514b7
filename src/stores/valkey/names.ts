import type { SharedKeys } from '#ports/idempotency.ts';
import type { StreamNames } from '#ports/stream-names.ts';
import { Subscriptions, type ValkeyAddress } from './connection.ts';
import { ValkeyIdempotencyKeys, type ValkeyKeysParts } from './idempotency-keys.ts';
import { NAME_SCRIPTS } from './name-scripts.ts';
import { openConnection } from './open-connection.ts';
import { valkeyStreamNames } from './stream-names.ts';

export interface ValkeyNamesOptions extends ValkeyAddress, Omit<ValkeyKeysParts, 'connection' | 'subscriptions'> {
  /** The server answers, or does no more, and why. */
  readonly onChange?: (up: boolean, why: string | null) => void;
}

export interface ValkeyNames {
  readonly keys: SharedKeys;
  readonly streams: StreamNames;
  readonly up: boolean;
  close(): Promise<void>;
}

/** What all gates on one Valkey or Redis share about streams beside their logs, on one connection. */
export function valkeyNames(options: ValkeyNamesOptions): ValkeyNames {
  const { gate, leaseMs, bounds, now, onChange, ...address } = options;
  let keys: ValkeyIdempotencyKeys | null = null;
  const changed = (up: boolean, why: string | null): void => {
    if (up) keys?.back();
    onChange?.(up, why);
  };
  const connection = openConnection(address, changed, NAME_SCRIPTS);
  const subscriptions = new Subscriptions(address);
  keys = new ValkeyIdempotencyKeys({ connection, subscriptions, gate, leaseMs, bounds, now });
  return {
    keys,
    streams: valkeyStreamNames(connection),
    get up() {
      return connection.up;
    },
    close: async () => {
      keys.close();
      subscriptions.close();
      await connection.close();
    },
  };
}
