import { randomBytes } from 'node:crypto';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { StoreThread } from '#stores/remote/thread.ts';
import type { VersionedPriceBook } from '#ledger/prices/index.ts';
import { EchoDoor } from '#capabilities/streams/routes.ts';
import { attributionSettings } from '#capabilities/tenants/config.ts';
import { plansOf, remoteBooks } from '#capabilities/tenants/thread.ts';
import { adminApi } from '#capabilities/tenants/routes.ts';
import type { Gate } from '#gateway/gate.ts';
import { Holders } from '#gateway/holders.ts';
import { reportsHideCached } from '#gateway/prefix-cache/shown.ts';
import { createGateServer } from '#gateway/server.ts';
import { SocketDoor } from '#gateway/sockets/door.ts';
import { gateOperations } from '#gateway/operations/index.ts';
import { presentLines } from '#gateway/operations/quality.ts';
import { createSideDoor } from '#gateway/side-door.ts';
import type { ConfigHistory } from './config-history.ts';
import { openConsole } from './console.ts';
import type { DataFolder } from './data-folder.ts';
import { declaredFeatures } from './declared.ts';
import { priceDesk } from './prices.ts';
import { StartError } from './start-error.ts';
import { systemClock, systemRng } from './system.ts';
import { packageVersion } from './version.ts';

interface Parts {
  readonly gate: Gate;
  readonly stores: StoreThread;
  readonly folder: DataFolder;
  readonly history: ConfigHistory;
  readonly adminToken: string;
  readonly prices: VersionedPriceBook;
}

export interface Listening {
  readonly server: Server;
  readonly url: string;
  readonly echo: EchoDoor;
  readonly sockets: SocketDoor;
}

/** Opens the port for calls, health, metrics, the admin API and the console. */
export async function listen(parts: Parts): Promise<Listening> {
  const { gate, stores, folder, history, adminToken, prices } = parts;
  let storesLost = false;
  void stores.ended.then((error) => {
    if (!error || gate.draining) return;
    storesLost = true;
    gate.log.error({ err: error }, 'the thread of the stores ended: calls wait in the spool; restart this node');
  });
  const version = packageVersion();
  const notReady = (): string | null =>
    gate.draining ? 'draining' : storesLost ? 'the thread of the stores has ended: restart this node' : null;
  const isReady = (): boolean => notReady() === null;
  const { ledger, jobs } = stores;
  const startedAt = systemClock.now();
  const configuration = () => history.report();
  const echo = new EchoDoor({ now: systemClock.now, mono: systemClock.mono, randomBytes });
  const admin = adminApi({
    more: gateOperations({ gate, ledger, jobs, version, startedAt, isReady, configuration, echo }),
    tenants: gate.tenants,
    ledger,
    clock: systemClock,
    rng: systemRng,
    randomBytes,
    features: () => declaredFeatures(gate.config),
    labels: () => new Set(gate.config.file.labels),
    prices: priceDesk(gate, prices),
    attribution: () => attributionSettings(gate.config.file.attribution),
    books: remoteBooks({
      ask: stores.ask,
      file: () => gate.config.file.attribution,
      plans: () => plansOf(gate.tenants.directory.tenants()),
    }),
    leakWatch: () => gate.leaks.now,
    quality: () => presentLines(gate),
    configFile: () => gate.config.path,
    hidesCached: reportsHideCached(gate),
  });
  const holders = new Holders(adminToken, gate.tenants);
  const door = openConsole({ gate, folder, holders, opens: admin.opens });
  const sideDoor = createSideDoor({ gate, admin, version, holders, notReady, console: door, echo });
  const sockets = new SocketDoor(gate);
  const server = createGateServer(
    gate,
    sideDoor,
    (request, socket, head) => sockets.upgrade(request, socket, head) || echo.upgrade(request, socket, head),
  );
  const { host, port } = gate.config.file.listen;
  await opened(server, host, port);
  const { port: given } = server.address() as AddressInfo;
  return { server, echo, sockets, url: `http://${host.includes(':') ? `[${host}]` : host}:${given}` };
}

const opened = (server: Server, host: string, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE';
      reject(new StartError(taken ? `port ${port} on ${host} is taken: choose another with --port` : error.message));
    });
    server.listen({ host, port }, resolve);
  });
