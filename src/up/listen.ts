import { randomBytes } from 'node:crypto';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { StoreThread } from '#stores/remote/thread.ts';
import type { VersionedPriceBook } from '#ledger/prices/index.ts';
import { adminApi } from '#capabilities/tenants/routes.ts';
import type { Gate } from '#gateway/gate.ts';
import { createGateServer } from '#gateway/server.ts';
import { createSideDoor } from '#gateway/side-door.ts';
import { declaredFeatures } from './declared.ts';
import { priceDesk } from './prices.ts';
import { StartError } from './start-error.ts';
import { systemClock, systemRng } from './system.ts';
import { packageVersion } from './version.ts';

interface Parts {
  readonly gate: Gate;
  readonly stores: StoreThread;
  readonly adminToken: string;
  readonly prices: VersionedPriceBook;
}

/** Opens the port for calls, health, metrics and the admin API. */
export async function listen({ gate, stores, adminToken, prices }: Parts): Promise<{ server: Server; url: string }> {
  let storesLost = false;
  void stores.ended.then((error) => {
    if (!error || gate.draining) return;
    storesLost = true;
    gate.log.error({ err: error }, 'the thread of the stores ended: calls wait in the spool; restart this node');
  });
  const admin = adminApi({
    tenants: gate.tenants,
    ledger: stores.ledger,
    clock: systemClock,
    rng: systemRng,
    randomBytes,
    features: () => declaredFeatures(gate.config),
    labels: () => new Set(gate.config.file.labels),
    prices: priceDesk(gate, prices),
    configFile: () => gate.config.path,
  });
  const notReady = (): string | null =>
    gate.draining ? 'draining' : storesLost ? 'the thread of the stores has ended: restart this node' : null;
  const server = createGateServer(
    gate,
    createSideDoor({ gate, admin, version: packageVersion(), adminToken, notReady }),
  );
  const { host, port } = gate.config.file.listen;
  await opened(server, host, port);
  const { port: given } = server.address() as AddressInfo;
  return { server, url: `http://${host.includes(':') ? `[${host}]` : host}:${given}` };
}

const opened = (server: Server, host: string, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE';
      reject(new StartError(taken ? `port ${port} on ${host} is taken: choose another with --port` : error.message));
    });
    server.listen({ host, port }, resolve);
  });
