import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { dataFolder, gateAddress } from '../connect/address.ts';
import { adminClient, Unreachable } from '../connect/admin-client.ts';
import { gateSource } from '../connect/gate-source.ts';
import type { Source } from '../connect/source.ts';
import { openStoreSource } from '../connect/store-source.ts';
import type { CliContext } from '../context.ts';
import type { Admin } from './state-apply.ts';
import { NOTHING_YET, type ExistingState } from './state-diff.ts';

/** Where state goes: a running gate, or the store of one that is not running. */
export interface Target {
  /** An address or a folder, for people. */
  readonly name: string;
  readonly existing: ExistingState;
  /** Opens the admin API; the store's is held until `close`. */
  open(): Promise<Admin & { close(): Promise<void> }>;
}

export async function findTarget(context: CliContext, data: string | undefined): Promise<Target> {
  const folder = await dataFolder(data, context.env);
  const address = gateAddress(folder, context.env);
  if (address) {
    try {
      const client = adminClient(address);
      const existing = await read(gateSource(client));
      return {
        name: `the gate at ${address.url}`,
        existing,
        open: async () => ({ ...client, close: async () => undefined }),
      };
    } catch (error) {
      // The address file of a gate that was killed: its pid may be another program's by now.
      if (!(error instanceof Unreachable) || address.named) throw error;
    }
  }
  return {
    name: `${folder} (no gate is running)`,
    existing: existsSync(join(folder, 'state.db')) ? await read(openStoreSource(folder)) : NOTHING_YET,
    open: async () => (await import('./store-admin.ts')).openStoreAdmin(folder),
  };
}

async function read(source: Source): Promise<ExistingState> {
  try {
    const [tenants, teams, keys, budgets] = await Promise.all(
      (['tenants', 'teams', 'keys', 'budgets'] as const).map((kind) => source.list(kind)),
    );
    return { tenants: tenants!, teams: teams!, keys: keys!, budgets: budgets! };
  } finally {
    await source.close();
  }
}
