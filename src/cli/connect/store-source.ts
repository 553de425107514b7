import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { HeadgateError } from '#kernel/errors.ts';
import { jobView } from '#gateway/operations/job-view.ts';
import { openSqliteJobsReadOnly } from '#stores/sqlite/job-queue.ts';
import { openSqliteLedgerReadOnly } from '#stores/sqlite/ledger-store.ts';
import { openSqliteStateReadOnly } from '#stores/sqlite/state-store.ts';
import { usdDecimal } from '#kernel/money.ts';
import type { LedgerStore } from '#ports/ledger-store.ts';
import type { Layer } from '#ports/layer.ts';
import type { ApiKey, Budget, Limit, PriceOverride, StateSnapshot, StateStore, Tenant } from '#ports/state-store.ts';
import { CliFailure } from '../failure.ts';
import { ASKER, type Source, type StateKind, type StateView } from './source.ts';

/** The files of a gate that is not running, to read. */
export function openFolder(folder: string): { readonly ledger: LedgerStore; readonly state: StateStore } {
  if (!existsSync(join(folder, 'state.db')) && !existsSync(join(folder, 'ledger.db'))) {
    throw new CliFailure({
      code: 'no_data',
      message: `No gate is running, and ${folder} holds no data of one.`,
      hint: 'start one with `headgate up`, or name the folder with --data or HEADGATE_DATA',
    });
  }
  return {
    ledger: openSqliteLedgerReadOnly(join(folder, 'ledger.db')),
    state: openSqliteStateReadOnly(join(folder, 'state.db')),
  };
}

/** Reads the files of a gate that is not running. What its spool still holds is missing until the next start. */
export function openStoreSource(folder: string): Source {
  const { ledger, state } = openFolder(folder);
  return {
    kind: 'store',
    spend: (question) => orNone(ledger.spend(question), folder),
    calls: (question) => orNone(ledger.calls(question), folder),
    call: (id) => ledger.call(id, ASKER),
    list: async (kind, filter = {}) => {
      const views = kind === 'jobs' ? await jobsIn(folder) : viewsOf(await state.load(ASKER))[kind];
      const wanted = Object.entries(filter).filter(([, value]) => value !== undefined);
      return views.filter((view) => wanted.every(([name, value]) => fieldOf(view, name) === value));
    },
    close: async () => {
      await ledger.close();
      await state.close();
    },
  };
}

/** A gate that has served nothing has made no ledger yet. */
async function orNone<T>(rows: Promise<readonly T[]>, folder: string): Promise<readonly T[]> {
  try {
    return await rows;
  } catch (error) {
    if (error instanceof HeadgateError && !existsSync(join(folder, 'ledger.db'))) return [];
    throw error;
  }
}

/** A budget names its tenant in its scope. */
const fieldOf = (view: StateView, name: string): unknown =>
  view[name] ?? (view['scope'] as Record<string, unknown> | undefined)?.[name];

/** As many as the gate would list, and no more. */
const MOST_JOBS = 1_000;

async function jobsIn(folder: string): Promise<readonly StateView[]> {
  const path = join(folder, 'work.db');
  if (!existsSync(path)) return [];
  const queue = openSqliteJobsReadOnly(path);
  try {
    return (await queue.list({ whose: ASKER, limit: MOST_JOBS })).map((job) => jobView(job) as StateView);
  } finally {
    await queue.close();
  }
}

const viewsOf = ({
  tenants,
  teams,
  keys,
  budgets,
  limits,
  layers,
  prices,
}: StateSnapshot): Record<Exclude<StateKind, 'jobs'>, readonly StateView[]> => ({
  tenants: tenants.map(tenantView),
  teams: teams.map((team) => ({ ...team, ...times(team), ...declared(team) })),
  keys: keys.map(keyView),
  budgets: budgets.map(budgetView),
  limits: limits.map(limitView),
  layers: layers.map(layerView),
  // What is in force, a gate alone knows: it has the file and the built-in list.
  prices: prices.map(priceView),
  rows: prices.map(priceView),
});

const iso = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());
/** The store knows the place in the file, not which file: that is the gate's. */
const declared = ({ declared: mark }: Pick<Tenant, 'declared'>) => ({
  declared: mark && mark.removedAt === null ? { file: null, path: mark.path } : null,
});
const times = ({ createdAt, disabledAt }: Pick<Tenant, 'createdAt' | 'disabledAt'>) => ({
  createdAt: iso(createdAt),
  disabledAt: iso(disabledAt),
});

const tenantView = ({ secret: _, ...tenant }: Tenant): StateView => ({
  ...tenant,
  ...times(tenant),
  ...declared(tenant),
});

const priceView = ({ prices, imported, validFrom, ...row }: PriceOverride): StateView => ({
  ...row,
  validFrom: iso(validFrom),
  perMillion: prices,
  list: imported?.list ?? null,
  hash: imported?.hash ?? null,
  seenAt: iso(imported?.seenAt ?? null),
});

const keyView = ({ hash: _, previous, ...key }: ApiKey): StateView => ({
  ...key,
  createdAt: iso(key.createdAt),
  expiresAt: iso(key.expiresAt),
  revokedAt: iso(key.revokedAt),
  previousUntil: previous.map(({ until }) => iso(until)),
  ...declared(key),
});

const layerView = ({ history, ...layer }: Layer): StateView => ({
  ...layer,
  at: iso(layer.at),
  createdAt: iso(layer.createdAt),
  kept: history.length + 1,
  ...declared(layer),
});

/** What is used and in flight lives in the running gate: null here. */
function limitView({ raise, createdAt, ...limit }: Limit): StateView {
  const holds = raise !== null && raise.until > Date.now();
  return {
    ...limit,
    usual: limit.limit,
    limit: holds ? Math.max(0, limit.limit + raise.by) : limit.limit,
    used: null,
    reserved: null,
    raise: holds ? { ...raise, until: iso(raise.until) } : null,
    createdAt: iso(createdAt),
    ...declared(limit),
  };
}

/** What is spent and reserved lives in the running gate: null here. */
const budgetView = ({
  limitNanoUsd,
  unknownPriceNanoUsd,
  raise,
  opening,
  createdAt,
  ...budget
}: Budget): StateView => ({
  ...budget,
  limitUsd: usdDecimal(limitNanoUsd),
  spentUsd: null,
  reservedUsd: null,
  resetsAt: null,
  unknownPriceUsd: unknownPriceNanoUsd === null ? null : usdDecimal(unknownPriceNanoUsd),
  opening: opening
    ? { spentUsd: usdDecimal(opening.spentNanoUsd), at: iso(opening.at), source: opening.source, counts: null }
    : null,
  raise: raise && {
    byUsd: usdDecimal(raise.byNanoUsd),
    until: iso(raise.until),
    actor: raise.actor,
    reason: raise.reason,
  },
  createdAt: iso(createdAt),
  ...declared(budget),
});
