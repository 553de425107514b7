import { ClusterConnection } from './cluster.ts';
import { Connection, type ValkeyAddress } from './connection.ts';
import type { Script } from './script.ts';

/** Scripts at a server, or at the nodes of a cluster. */
export interface Scripts {
  readonly up: boolean;
  /** Whoever has this key answers. */
  upFor(key: string): boolean;
  run(script: Script, keys: readonly string[], args: readonly (string | Buffer)[]): Promise<unknown>;
  close(): Promise<void>;
}

/** `changed` is told when all of it answers, and when not all of it does. */
export const openConnection = (
  address: ValkeyAddress,
  changed: (up: boolean, why: string | null) => void,
  scripts: Readonly<Record<string, Script>>,
): Scripts => new (address.cluster ? ClusterConnection : Connection)(address, changed, scripts);
