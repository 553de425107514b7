import type { Server } from 'node:http';
import type { StoreThread } from '#stores/remote/thread.ts';
import type { Gate } from '#gateway/gate.ts';

interface Drained {
  readonly gate: Gate;
  readonly server: Server;
  readonly stores: StoreThread;
  readonly log: Gate['log'];
  readonly before: () => void;
  readonly after: () => void;
}

/** The spool's last entries may take this long to reach the store; what is left is shipped by the next start. */
const SHIP_MS = 5_000;
/** A collector that is away must not hold a restart for longer. */
const FLUSH_MS = 3_000;

/** Ends the gate on SIGTERM and SIGINT: no new work, streams finish up to `drain.limit`, the spool is shipped. */
export function drainOn(parts: Drained): () => Promise<void> {
  let under: Promise<void> | null = null;
  const stop = (): Promise<void> => (under ??= drain(parts));
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      // A second signal means it.
      if (under) process.exit(1);
      void stop().then(() => process.exit(0));
    });
  }
  return stop;
}

async function drain({ gate, server, stores, log, before, after }: Drained): Promise<void> {
  gate.draining = true;
  gate.judges.stop();
  before();
  const { limit } = gate.config.file.drain;
  log.info({ inFlight: gate.meter.inFlight, limitMs: limit }, 'draining');
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), limit);
  const idle = setInterval(() => server.closeIdleConnections(), 50);
  await closed;
  clearTimeout(timer);
  clearInterval(idle);
  // A stream that waits for its reader waits in vain: nobody can come back.
  gate.streams.abandonUnread();
  // Calls whose connection was cut settle in this turn of the loop.
  while (gate.meter.inFlight > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  await gate.stored.jobs.stop();
  gate.grading.end();
  await gate.quality.flush();
  await gate.recounts.close();
  await gate.spool.seal();
  const flushing = gate.telemetry.close(FLUSH_MS);
  const telling = gate.alerts.close(FLUSH_MS);
  const shipped = await stores.drain(SHIP_MS).catch(() => false);
  await Promise.all([flushing, telling]);
  if (!shipped) log.warn({}, 'entries are left in the spool: the next start ships them');
  await closeParts(gate, stores);
  after();
}

/** Ends every thread and timer of a gate whose spool is sealed, so that the process can end. */
export async function closeParts(gate: Gate, stores: StoreThread): Promise<void> {
  await gate.stored.jobs.stop();
  await gate.telemetry.close(0);
  await gate.alerts.close(0);
  gate.feeds.close();
  await gate.tenants.close();
  await gate.streams.close();
  await gate.idempotency.close();
  gate.cache.answers.close();
  await gate.transport.close();
  await gate.decodePool.close();
  await gate.captures.close();
  gate.judges.journal.close();
  await stores.close();
}
