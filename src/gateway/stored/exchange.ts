import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Caller } from '#capabilities/tenants/index.ts';
import type { GateConfig } from '../config/resolve.ts';
import type { StoredRoute } from './routes.ts';

/** One request for something that a provider keeps, from a caller that is known. */
export interface StoredExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly route: StoredRoute;
  readonly query: string;
  readonly config: GateConfig;
  readonly caller: Caller;
}
