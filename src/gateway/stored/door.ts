import type { IncomingMessage, ServerResponse } from 'node:http';
import { HeadgateError } from '#kernel/errors.ts';
import type { GateConfig } from '../config/resolve.ts';
import type { Gate } from '../gate.ts';
import type { StoredExchange } from './exchange.ts';
import { serveBatch } from './batches.ts';
import { serveFile } from './files.ts';
import { serveResponse } from './responses.ts';
import type { StoredRoute } from './routes.ts';

/** A request for a stored thing, before anybody is known. */
export interface StoredArrival {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly route: StoredRoute;
  readonly query: string;
  readonly config: GateConfig;
}

/**
 * The door for what providers keep: responses, files, batches. Who asks comes first, as everywhere; nothing of another
 * tenant is loaded before. None of these operations is a model call, so none owes an entry (decision 0022); what a
 * batch or a background response bills is settled by a job.
 */
export async function serveStored(gate: Gate, arrival: StoredArrival): Promise<void> {
  if (gate.draining) throw new HeadgateError('draining', { retryAfterMs: 1_000 });
  const caller = gate.tenants.authenticate(arrival.request.headers);
  if (!caller.ok) throw caller.error;
  const exchange: StoredExchange = { ...arrival, caller: caller.value };
  const { kind, action } = arrival.route;
  const most = UPLOADS.has(`${kind}.${action}`) ? MOST_UPLOADS : arrival.config.file.limits.inFlight;
  const slots = UPLOADS.has(`${kind}.${action}`) ? uploads : others;
  if (slots.taken >= most) throw new HeadgateError('overloaded', { retryAfterMs: 1_000 });
  slots.taken++;
  try {
    await SERVE[kind](gate, exchange);
  } finally {
    slots.taken--;
  }
  gate.meter.storedDone(kind, action);
}

/** What writes an upload into the data folder: each may be as large as `files.maxBytes`, twice. */
const UPLOADS: ReadonlySet<string> = new Set(['file.create', 'batch.create']);
const MOST_UPLOADS = 16;
const [uploads, others] = [{ taken: 0 }, { taken: 0 }];

const SERVE: Readonly<Record<StoredRoute['kind'], (gate: Gate, exchange: StoredExchange) => Promise<void>>> = {
  response: serveResponse,
  file: serveFile,
  batch: serveBatch,
};
