/** A TCP proxy that breaks connections on purpose, by plan and by seed. Needs no rights: both sides are sockets. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { runDirection } from './direction.ts';
import type { ConnectionPlan, FaultPlan, Rng } from './plan.ts';
import { planFor, seededRng } from './plan.ts';

export interface FaultProxyOptions {
  /** `host:port`, or a URL whose host and port are meant. */
  readonly target: string;
  readonly plan?: FaultPlan;
  readonly seed?: number;
  /** 0 (default): a free port. */
  readonly port?: number;
}

/** What the proxy saw of one connection; the object is updated while the connection lives. */
export interface ProxiedConnection {
  readonly index: number;
  readonly plan: ConnectionPlan;
  readonly openedAtMs: number;
  closedAtMs: number | null;
  bytesToServer: number;
  bytesToClient: number;
  /** Who ended it: a reset of ours, a refusal of ours, or the peers themselves. */
  outcome: 'open' | 'closed' | 'cut' | 'refused' | 'error';
}

export interface FaultProxy {
  /** `http://127.0.0.1:port`, for clients that want a base URL. */
  readonly url: string;
  readonly port: number;
  readonly connections: readonly ProxiedConnection[];
  /** Replaces the plan for connections that open from now on. */
  readonly setPlan: (plan: FaultPlan) => void;
  /** Resets what is open and frees the port. */
  readonly close: () => Promise<void>;
}

interface Address {
  readonly host: string;
  readonly port: number;
}

function parseTarget(target: string): Address {
  const url = new URL(target.includes('://') ? target : `tcp://${target}`);
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  // URL keeps the brackets of an IPv6 address; sockets want it bare.
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port };
}

/** Ends `seen` once; the first reason stays. */
function finish(seen: ProxiedConnection, outcome: ProxiedConnection['outcome']): void {
  if (seen.outcome !== 'open') return;
  seen.outcome = outcome;
  seen.closedAtMs = Date.now();
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  readonly seen: ProxiedConnection;
  readonly rng: Rng;
}

/** A reset when `hard`; both sides always go together, so that none outlives the other. */
function drop({ client, server }: Pick<Pair, 'client' | 'server'>, hard: boolean): void {
  for (const socket of [client, server]) {
    // A reset of a socket that is being shut down fails, and leaves a request that no exit of the process waits out.
    if (hard && !socket.writableEnded) socket.resetAndDestroy();
    else socket.destroy();
  }
}

async function pipe(pair: Pair): Promise<void> {
  const { client, server, seen, rng } = pair;
  const gone = new AbortController();
  const lose = (error?: Error): void => {
    gone.abort();
    finish(seen, error === undefined ? 'closed' : 'error');
    // An error on one side reaches the other as a reset, as it would without a proxy.
    drop(pair, error !== undefined);
  };
  for (const socket of [client, server]) {
    socket.once('error', lose);
    socket.once('close', () => {
      if (client.destroyed && server.destroyed) lose();
    });
  }
  const cut = (): void => {
    finish(seen, 'cut');
    gone.abort();
    drop(pair, true);
  };
  const shared = { rng, signal: gone.signal, cut };
  const toServer = (bytes: number): void => void (seen.bytesToServer += bytes);
  const toClient = (bytes: number): void => void (seen.bytesToClient += bytes);
  const { plan } = seen;
  await Promise.all([
    runDirection({ ...shared, source: client, sink: server, faults: plan.toServer ?? {}, onForward: toServer }),
    runDirection({ ...shared, source: server, sink: client, faults: plan.toClient ?? {}, onForward: toClient }),
  ]).catch((error: unknown) => {
    if (!gone.signal.aborted) lose(error as Error);
  });
}

function refuse(client: Socket, seen: ProxiedConnection): void {
  client.on('error', () => undefined);
  client.resetAndDestroy();
  finish(seen, 'refused');
}

/** Starts the proxy on 127.0.0.1. The same seed, plan and order of connections give the same faults. */
export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const target = parseTarget(options.target);
  const seed = options.seed ?? 1;
  let plan: FaultPlan = options.plan ?? {};
  const connections: ProxiedConnection[] = [];
  const open = new Set<Pick<Pair, 'client' | 'server'>>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const index = connections.length;
    const rng = seededRng(Math.imul(seed, 0x9e3779b1) + index);
    const counts = { closedAtMs: null, bytesToServer: 0, bytesToClient: 0, outcome: 'open' as const };
    const seen: ProxiedConnection = { index, plan: planFor(plan, index, rng), openedAtMs: Date.now(), ...counts };
    connections.push(seen);
    if (seen.plan.refuse === true) return refuse(client, seen);
    const upstream = connect({ ...target, allowHalfOpen: true, noDelay: true });
    const pair = { client, server: upstream, seen, rng };
    open.add(pair);
    // Where an end is swallowed, both directions are through while a socket is still open.
    for (const socket of [client, upstream])
      socket.once('close', () => {
        if (client.destroyed && upstream.destroyed) open.delete(pair);
      });
    void pipe(pair);
  });
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    const closed = once(server, 'close');
    server.close();
    for (const pair of open) drop(pair, true);
    await closed;
  };
  const setPlan = (next: FaultPlan): void => {
    plan = next;
  };
  return { url: `http://127.0.0.1:${port}`, port, connections, setPlan, close };
}
