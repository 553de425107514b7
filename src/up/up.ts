import { mkdirSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { pino } from 'pino';
import { moduleUrl } from '#kernel/module-url.ts';
import { memorySharedState } from '#stores/memory/shared-state.ts';
import { startStoreThread, type StoreThread } from '#stores/remote/thread.ts';
import { lockDataDir, openSpool, unshippedTotals, type UnshippedTotal } from '#ledger/index.ts';
import { ByteEstimator } from '#ledger/prices/index.ts';
import { openTenants } from '#capabilities/tenants/index.ts';
import { adminApi } from '#capabilities/tenants/routes.ts';
import { Transport } from '#providers/index.ts';
import type { GateConfig } from '#gateway/config/resolve.ts';
import { readSecret } from '#gateway/config/resolve.ts';
import { DecodePool } from '#gateway/decode-pool.ts';
import type { Gate } from '#gateway/gate.ts';
import { Meter } from '#gateway/meter.ts';
import { createGateServer } from '#gateway/server.ts';
import { createSideDoor } from '#gateway/side-door.ts';
import { findConfig, loadConfig, readSource, type ConfigSource } from './config-source.ts';
import { adminToken, openDataFolder, writeAddress, type DataFolder } from './data-folder.ts';
import { defaultConfig } from './default-config.ts';
import { drainOn } from './drain.ts';
import { firstKey } from './first-key.ts';
import { startLab, type LabChild } from './lab-child.ts';
import { openPrices } from './prices.ts';
import { watchConfig } from './reload.ts';
import { systemClock, systemRng } from './system.ts';
import { packageVersion } from './version.ts';
import { banner } from './banner.ts';

export interface UpOptions {
  readonly config?: string | undefined;
  readonly dataDir?: string | undefined;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  /** Stands in for providers even where a provider key is in the environment. */
  readonly lab?: boolean | undefined;
}

/** Thrown for what the operator must mend before a start; the CLI prints it and exits with 2. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

/** Starts the gate and resolves once it listens. The process ends by SIGTERM or SIGINT, after a drain. */
export async function up(options: UpOptions): Promise<{ readonly url: string; readonly stop: () => Promise<void> }> {
  const { env } = process;
  const path = findConfig(options.config, env);
  const labbed = path === null ? await labWhereNeeded(options, env) : null;
  const source: ConfigSource = path
    ? readSource(path)
    : { path: null, text: defaultConfig(env, labbed?.url ?? null).yaml };
  const config = overridden(loadConfig(source, env), options);
  const folder = openDataFolder(config.file.dataDir);
  const { host, port } = config.file.listen;
  const local = isLoopback(host);
  const configuredToken = config.file.admin.token ? readSecret(config.file.admin.token, env) : null;
  refuseUnsafe(local, configuredToken, labbed);
  const lock = lockDataDir(folder.path, { pid: process.pid, since: systemClock.now(), address: null });
  if (!lock.held) throw new StartError(lock.message);

  const log = pino({ level: config.file.log.level, base: null }, pino.destination({ dest: 2, sync: false }));
  const onTrouble = (trouble: { kind: string; message: string }): void =>
    log.warn({ kind: trouble.kind }, trouble.message);
  const stores = startStores(folder, (notice) => onTrouble(notice as { kind: string; message: string }));
  const unshipped: UnshippedTotal[] = [];
  const spoolDir = join(folder.path, 'spool');
  unshippedTotals(spoolDir, onTrouble, (total) => unshipped.push(total));
  const spool = openSpool({
    dir: spoolDir,
    clock: systemClock,
    rng: systemRng,
    fsync: config.file.ledger.fsync,
    onDiskFull: config.file.ledger.onDiskFull,
    onTrouble,
  });
  const gateRef: { config: GateConfig } = { config };
  const tenants = await openTenants({
    counters: memorySharedState().budgets,
    state: stores.state,
    ledger: stores.ledger,
    dataDir: folder.path,
    clock: systemClock,
    features: () => featureNames(gateRef.config),
    labels: () => new Set(gateRef.config.file.labels),
    onWarning: (warning) => log.warn({ budget: warning.budget.id }, 'a budget passed a warning threshold'),
    onTrouble: (what, error) => log.warn({ err: error }, what),
  });
  await tenants.rebuild(unshipped);
  await stores.ship({ owner: spool.owner, shared: spool.board.shared });
  const prices = await openPrices(config, tenants);
  const gate: Gate = Object.assign(gateRef, {
    tenants,
    spool,
    prices,
    estimator: new ByteEstimator(),
    transport: new Transport(),
    decodePool: new DecodePool(),
    meter: new Meter(),
    clock: systemClock,
    rng: systemRng,
    log,
    draining: false,
  });
  let storesLost = false;
  void stores.ended.then((error) => {
    if (!error || gate.draining) return;
    storesLost = true;
    log.error({ err: error }, 'the thread of the stores ended: calls go on and wait in the spool; restart this node');
  });
  const admin = adminToken(folder, configuredToken);
  const side = createSideDoor({
    gate,
    admin: adminApi({
      tenants,
      ledger: stores.ledger,
      clock: systemClock,
      rng: systemRng,
      randomBytes,
      features: () => featureNames(gate.config),
      labels: () => new Set(gate.config.file.labels),
    }),
    version: packageVersion(),
    adminToken: admin.token,
    isReady: () => !gate.draining && !storesLost,
  });
  const server = createGateServer(gate, side);
  const made = await firstKey(tenants, featureNames(config));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, resolve);
  }).catch((error: NodeJS.ErrnoException) => {
    throw new StartError(
      error.code === 'EADDRINUSE' ? `port ${port} on ${host} is taken: choose another with --port` : error.message,
    );
  });
  const address = server.address() as { port: number };
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`;
  lock.describe({ pid: process.pid, since: systemClock.now(), address: url });
  writeAddress(folder, url);
  const reload = watchConfig({ gate, source, env, prices, overrides: (next) => overridden(next, options) });
  const timers = housekeeping(gate, stores, log);
  const stop = drainOn({
    gate,
    server,
    stores,
    log,
    before: () => {
      reload.close();
      timers.forEach(clearInterval);
    },
    after: () => {
      labbed?.stop();
      lock.release();
    },
  });
  process.stdout.write(
    banner({ url, folder, admin, key: made, lab: labbed !== null, configPath: path, models: config.models.names }),
  );
  return { url, stop };
}

const featureCache = new WeakMap<GateConfig, ReadonlySet<string>>();
/** Names of the declared features; one set a configuration, since it is asked for on every call. */
function featureNames(config: GateConfig): ReadonlySet<string> {
  let names = featureCache.get(config);
  if (!names) featureCache.set(config, (names = new Set(Object.keys(config.file.features))));
  return names;
}

async function labWhereNeeded(options: UpOptions, env: NodeJS.ProcessEnv): Promise<LabChild | null> {
  const none = defaultConfig(env, null).providers.length === 0;
  return none || options.lab ? startLab() : null;
}

function overridden(config: GateConfig, options: UpOptions): GateConfig {
  const { file } = config;
  const dataDir = options.dataDir ?? process.env['HEADGATE_DATA'] ?? file.dataDir;
  const listen = { host: options.host ?? file.listen.host, port: options.port ?? file.listen.port };
  return Object.freeze({ ...config, file: { ...file, dataDir, listen } });
}

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127\./.test(host);

/** Beyond loopback a start without an admin token of the operator's own, or with the lab, would be open to all. */
function refuseUnsafe(local: boolean, token: string | null, lab: LabChild | null): void {
  if (local) return;
  if (lab) {
    lab.stop();
    throw new StartError('the lab provider serves loopback only: configure a provider before listening elsewhere');
  }
  if (!token)
    throw new StartError(
      'listening beyond loopback needs `admin.token` in headgate.yaml, for example ${env:HEADGATE_ADMIN_TOKEN}',
    );
}

function startStores(folder: DataFolder, onNotice: (notice: unknown) => void): StoreThread {
  mkdirSync(folder.path, { recursive: true });
  return startStoreThread({ entry: moduleUrl('../worker.ts', import.meta.url), dataDir: folder.path, onNotice });
}

/** What missed the store while it was away is made up for; old rows go. */
function housekeeping(gate: Gate, stores: StoreThread, log: Gate['log']): NodeJS.Timeout[] {
  const flush = setInterval(() => {
    const work = gate.tenants.origin === 'store' ? gate.tenants.flush() : gate.tenants.reload();
    work.catch((error: unknown) => log.debug({ err: error }, 'the store is still away'));
  }, 15_000);
  const retain = setInterval(() => {
    const { entries, minutes } = gate.config.file.ledger.retention;
    const now = systemClock.now();
    stores.ledger
      .retain({ entriesBefore: (now - entries) as typeof now, minutesBefore: (now - minutes) as typeof now })
      .catch((error: unknown) => log.debug({ err: error }, 'retention waits for the store'));
  }, 3_600_000);
  return [flush.unref(), retain.unref()];
}
