import type { Gate } from '../gate.ts';
import { pass } from './deliver.ts';
import type { StoredExchange } from './exchange.ts';
import { holderOf } from './holder.ts';
import { ask } from './upstream.ts';

const SUFFIX: Readonly<Record<string, string>> = { cancel: '/cancel', input_items: '/input_items' };

/** A stored response: fetched, also as a stream from where it broke off (`starting_after`), cancelled or deleted. */
export async function serveResponse(gate: Gate, exchange: StoredExchange): Promise<void> {
  const { route, query, request } = exchange;
  const { provider, base } = await holderOf(gate, exchange);
  const { action } = route;
  const answer = await ask(gate, {
    provider,
    family: route.family,
    method: action === 'delete' ? 'DELETE' : action === 'cancel' ? 'POST' : 'GET',
    path: `${base}/${encodeURIComponent(route.id)}${SUFFIX[action] ?? ''}`,
    query,
    headers: request.headers,
  });
  await pass(exchange, provider, answer);
}
