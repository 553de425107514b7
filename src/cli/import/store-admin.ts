import { getRandomValues, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { epochMs } from '#kernel/brand.ts';
import type { Clock } from '#kernel/clock.ts';
import type { Rng } from '#kernel/rng.ts';
import { memoryLedger } from '#stores/memory/ledger-store.ts';
import { memorySharedState } from '#stores/memory/shared-state.ts';
import { openSqliteState } from '#stores/sqlite/state-store.ts';
import { lockDataDir } from '#ledger/index.ts';
import { VersionedPriceBook } from '#ledger/prices/index.ts';
import {
  adminApi,
  NO_ATTRIBUTION,
  openTenants,
  type AdminApiOptions,
  type Tenants,
} from '#capabilities/tenants/index.ts';
import { CliFailure } from '../failure.ts';
import type { Admin } from './state-apply.ts';

const clock: Clock = { now: () => epochMs(Date.now()), mono: () => performance.now() };
const rng: Rng = { next: () => getRandomValues(new Uint32Array(1))[0]! / 2 ** 32 };

export interface StoreAdmin extends Admin {
  close(): Promise<void>;
}

/** The same admin API on the store of a gate that is not running: its folder is held meanwhile, so that none starts. */
export async function openStoreAdmin(folder: string): Promise<StoreAdmin> {
  const lock = lockDataDir(folder, { pid: process.pid, since: clock.now(), address: null });
  if (!lock.held) throw held(lock.message);
  const state = openSqliteState(join(folder, 'state.db'));
  // Snapshots are the gate's own: these here know of no spending, and must not replace them.
  const scratch = mkdtempSync(join(tmpdir(), 'headgate-import-'));
  const none = new Set<string>();
  const names = { features: () => none, labels: () => none };
  const ledger = memoryLedger();
  const { budgets: counters, limits: limitCounters } = memorySharedState();
  const tenants = await openTenants({
    ...names,
    ...{ state, ledger, clock, dataDir: scratch, counters, limitCounters },
    onWarning: () => undefined,
    onTrouble: (_, error) => void Promise.reject(error),
  });
  const api = adminApi({
    ...names,
    tenants,
    ledger,
    clock,
    rng,
    randomBytes,
    prices: noPrices(),
    attribution: () => NO_ATTRIBUTION,
    leakWatch: () => null,
    configFile: () => null,
  });
  return {
    ask: async (method, path, { body } = {}) =>
      (await api.handle({ method, path: `/admin${path}`, query: {}, body, actor: 'headgate import' })).body,
    close: () =>
      closed(
        tenants,
        () => state.close(),
        () => {
          rmSync(scratch, { recursive: true, force: true });
          lock.release();
        },
      ),
  };
}

/** An import makes no prices, and no call is priced while no gate runs. */
function noPrices(): AdminApiOptions['prices'] {
  const book = new VersionedPriceBook({ list: null, source: 'none', overrides: [] });
  return {
    book,
    pricing: { book, priceOf: () => null },
    configured: () => [],
    bookOf: () => null,
    ofFile: () => [],
    refresh: () => undefined,
  };
}

async function closed(tenants: Tenants, store: () => Promise<void>, after: () => void): Promise<void> {
  await tenants.close();
  await store();
  after();
}

const held = (message: string): CliFailure =>
  new CliFailure({
    code: 'folder_held',
    message,
    hint: 'set HEADGATE_URL and HEADGATE_ADMIN_TOKEN to reach that gate',
  });
