import { join } from 'node:path';
import { pino } from 'pino';
import { memorySharedState } from '#stores/memory/shared-state.ts';
import { collectGarbage } from '#stores/remote/collect-garbage.ts';
import { isDied, startStoreThread, type StoreThread } from '#stores/remote/thread.ts';
import { lockDataDir, openSpool, unshippedTotals } from '#ledger/index.ts';
import type { DataDirLock, SpoolOptions, UnshippedTotal } from '#ledger/index.ts';
import { ByteEstimator } from '#ledger/prices/index.ts';
import { Affinity } from '#capabilities/failover/index.ts';
import { Accounts, openTenants, type Tenants } from '#capabilities/tenants/index.ts';
import { Telemetry } from '#telemetry/index.ts';
import { Transport } from '#providers/index.ts';
import { readSecret, type GateConfig } from '#gateway/config/resolve.ts';
import { DecodePool } from '#gateway/decode-pool.ts';
import { goOn } from '#gateway/redrive/redrive.ts';
import { DiedStreams } from '#gateway/streams/died-streams.ts';
import type { Gate, Log } from '#gateway/gate.ts';
import { Meter } from '#gateway/meter.ts';
import { openStored } from '#gateway/stored/open-stored.ts';
import { warmCredentials } from './credentials.ts';
import { declaredFeatures, declaredLabels } from './declared.ts';
import { DeclaredState } from './declared-state.ts';
import { adminToken, openDataFolder, writeAddress, type DataFolder } from './data-folder.ts';
import { ConfigHistory } from './config-history.ts';
import { FeedBoard } from '#gateway/feeds.ts';
import { openLeakWatch } from '#gateway/leaks.ts';
import { openCaptures } from './captures.ts';
import { closeParts, drainOn } from './drain.ts';
import { banner, startReport } from './banner.ts';
import { firstKey } from './first-key.ts';
import { housekeeping } from './housekeeping.ts';
import { listen } from './listen.ts';
import { openQuality } from './quality.ts';
import { openPrices, refreshPrices } from './prices.ts';
import { openRecounts } from './recounts.ts';
import { openCache } from './cache.ts';
import { openIdempotency } from './idempotency.ts';
import { openLimitCounters, type OpenLimitCounters } from './limit-counters.ts';
import { idempotencyOf, openStreamNames } from './stream-names.ts';
import { openAnswers, openStreamLog, openStreams } from './streams.ts';
import { watchConfig } from './reload.ts';
import { StartError } from './start-error.ts';
import {
  chooseConfig,
  isLoopback,
  overridden,
  overrideSources,
  type ChosenConfig,
  type UpOptions,
} from './start-options.ts';
import { systemClock, systemRng } from './system.ts';
import { openAlerts } from './alerts.ts';
import { telemetryOf } from './telemetry.ts';
import { moduleUrl } from '#kernel/module-url.ts';

export { StartError } from './start-error.ts';
export type { UpOptions } from './start-options.ts';

export interface Running {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts the gate and resolves once it listens. The process ends by SIGTERM or SIGINT, after a drain. */
export async function up(options: UpOptions): Promise<Running> {
  const chosen = await chooseConfig(options, process.env);
  const { config } = chosen;
  const folder = openDataFolder(config.file.dataDir);
  const configuredToken = config.file.admin.token ? readSecret(config.file.admin.token, process.env) : null;
  refuseUnsafe(chosen, configuredToken);
  const lock = lockDataDir(folder.path, { pid: process.pid, since: systemClock.now(), address: null });
  if (!lock.held) throw new StartError(lock.message);

  const log = pino({ level: config.file.log.level, base: null }, pino.destination({ dest: 2, sync: false }));
  const opened = await openGate(config, folder, log, options.spoolIo);
  const admin = adminToken(folder, configuredToken);
  try {
    return await serve({ ...opened, options, chosen, folder, lock, admin });
  } catch (error) {
    // The thread of the stores would keep a process alive that serves nothing.
    chosen.lab?.stop();
    await opened.gate.spool.seal();
    await closeParts(opened.gate, opened.stores);
    lock.release();
    throw error;
  }
}

interface Serving extends Opened {
  readonly options: UpOptions;
  readonly chosen: ChosenConfig;
  readonly folder: DataFolder;
  readonly lock: Extract<DataDirLock, { held: true }>;
  readonly admin: ReturnType<typeof adminToken>;
}

async function serve({ gate, stores, prices, options, chosen, folder, lock, admin }: Serving): Promise<Running> {
  const { config, lab } = chosen;
  const { log } = gate;
  const declared = new DeclaredState({ tenants: gate.tenants, log });
  await declared.apply(config);
  const key = await firstKey(gate.tenants, declaredFeatures(config));
  const { source } = chosen;
  const overrides = overrideSources(options, process.env);
  const history = new ConfigHistory(config, { source, overrides, now: () => systemClock.now() });
  collectGarbage();
  const listening = await listen({ gate, stores, prices, folder, history, adminToken: admin.token });
  const { server, url, echo, sockets } = listening;
  lock.describe({ pid: process.pid, since: systemClock.now(), address: url });
  warmCredentials(config, log);
  writeAddress(folder, url, chosen.source.path);
  const watched = watchConfig({
    gate,
    declared,
    source,
    env: process.env,
    prices,
    history,
    overrides: (next) => overridden(next, options, process.env),
  });
  const reloaded = (): void => refreshPrices(prices, gate.config, gate.tenants);
  const chores = housekeeping(gate, stores, { declared, reloaded });
  const before = (): void => {
    watched.close();
    chores.stop();
    echo.shut();
    sockets.drain(gate.config.file.drain.limit);
  };
  const after = (): void => {
    lab?.stop();
    lock.release();
  };
  const stop = drainOn({ gate, server, stores, log, before, after });
  const { path } = source;
  const facts = { url, folder, admin, key, lab: lab !== null, configPath: path, models: config.models.names };
  process.stdout.write(options.json ? startReport(facts) : banner(facts));
  return { url, stop };
}

/** Beyond loopback a start without an admin token of the operator's own, or with the lab, would be open to all. */
function refuseUnsafe({ config, lab }: ChosenConfig, token: string | null): void {
  if (isLoopback(config.file.listen.host)) return;
  if (lab) {
    lab.stop();
    throw new StartError('the lab provider serves loopback only: configure a provider before listening elsewhere');
  }
  if (!token) {
    const how = 'for example ${env:HEADGATE_ADMIN_TOKEN}';
    throw new StartError(`listening beyond loopback needs \`admin.token\` in headgate.yaml, ${how}`);
  }
}

interface Opened {
  readonly gate: Gate;
  readonly stores: StoreThread;
  readonly prices: Awaited<ReturnType<typeof openPrices>>;
}

/**
 * Stores, spool and tenants, in the order that makes a crash harmless: what an earlier process left in its spool is
 * read before the budgets are rebuilt, and shipped after.
 */
async function openGate(config: GateConfig, folder: DataFolder, log: Log, io: SpoolOptions['io']): Promise<Opened> {
  const onTrouble = (trouble: { kind: string; message: string }): void =>
    log.warn({ kind: trouble.kind }, trouble.message);
  // The gate is made last, and its configuration is replaced by a reload: what came before asks through this.
  const present = { config };
  // What an earlier process left may be counted before the gate is made.
  const meter = new Meter();
  // Before any thread: a start that is refused here leaves nothing that keeps the process.
  const streamLog = await openStreamLog(present, log);
  const names = await openStreamNames(present, log);
  const limits = await openLimitCounters(config, log);
  const cache = await openCache(present, log);
  const stores = startStoreThread({
    entry: moduleUrl('../worker.ts', import.meta.url),
    dataDir: folder.path,
    onNotice: (notice) => {
      if (!isDied(notice)) return onTrouble(notice as { kind: string; message: string });
      meter.streams.died(notice.streams);
      died.take(notice.streams);
    },
  });
  const died = new DiedStreams(stores.ledger);
  const unshipped: UnshippedTotal[] = [];
  const dir = join(folder.path, 'spool');
  unshippedTotals(dir, onTrouble, (total) => unshipped.push(total));
  const { fsync, onDiskFull } = config.file.ledger;
  const spool = openSpool({ dir, clock: systemClock, rng: systemRng, fsync, onDiskFull, onTrouble, ...(io && { io }) });
  const tenants = await openDirectory(present, { folder, stores, log, limits });
  await tenants.rebuild(unshipped);
  const feeds = new FeedBoard(stores.feeds, (why) => log.warn({ why }, 'the store is away: feeds wait for it'));
  // Before the first entry is shipped, so that a new feed misses none of this start.
  await feeds.use(config.feeds);
  await stores.ship({ owner: spool.owner, shared: spool.board.shared });
  const prices = await openPrices(config, tenants);
  const recounts = openRecounts({ present, prices, tenants, stores });
  const alerts = openAlerts({ present, tenants, stores, spool, dataDir: folder.path, log });
  const parts = { clock: systemClock, rng: systemRng, log };
  const captures = openCaptures(config, folder, log);
  const gate: Gate = Object.assign(present, {
    tenants,
    stored: openStored(() => gate, parts, stores),
    spool,
    prices,
    recounts,
    affinity: new Affinity(),
    accounts: new Accounts(systemClock),
    cache,
    streams: openStreams(present, streamLog, names),
    idempotency: idempotencyOf(openIdempotency(present, tenants, folder.path), openAnswers(present), names),
    estimator: new ByteEstimator(),
    transport: new Transport(),
    decodePool: new DecodePool(),
    meter,
    alerts,
    feeds,
    captures,
    leaks: openLeakWatch(() => gate),
    ...openQuality(() => gate, {
      scores: stores.scores,
      dataDir: folder.path,
      onTrouble: (error) => log.debug({ err: error }, 'scores wait for the store'),
      onJournal: (error) => log.warn({ err: error }, 'what judges were asked cannot be written down'),
    }),
    telemetry: new Telemetry((why) => log.warn({}, why)),
    ...parts,
    draining: false,
  });
  if (gate.streams.shared) gate.streams.shared.successor = (taken) => goOn(gate, taken);
  died.begin(gate);
  gate.telemetry.use(telemetryOf(config, spool.owner));
  // The folder is locked: nobody else runs its jobs.
  await Promise.all([
    gate.stored.jobs.abandon(),
    gate.stored.batches.adoptAll(),
    gate.stored.background.adoptAll(),
  ]).catch((error: unknown) => {
    log.warn({ err: error }, 'the store is away: the money of open batches is held again when each is asked for');
  });
  gate.stored.jobs.start();
  return { gate, stores, prices };
}

interface DirectoryParts {
  readonly folder: DataFolder;
  readonly stores: StoreThread;
  readonly log: Log;
  readonly limits: OpenLimitCounters;
}

const openDirectory = (
  present: { config: GateConfig },
  { folder, stores, log, limits }: DirectoryParts,
): Promise<Tenants> => {
  const shared = memorySharedState();
  return openTenants({
    counters: shared.budgets,
    limitCounters: limits.counters,
    closeCounters: () => limits.close(),
    state: stores.state,
    ledger: stores.ledger,
    dataDir: folder.path,
    clock: systemClock,
    features: () => declaredFeatures(present.config),
    labels: () => declaredLabels(present.config),
    aliases: () => present.config.file.attribution.aliases,
    valuesADay: () => present.config.file.attribution.valuesADay,
    onWarning: (warning) => log.warn({ budget: warning.budget.id }, 'a budget passed a warning threshold'),
    onTrouble: (what, error) => log.warn({ err: error }, what),
  });
};
