import type { Gate } from '../gate.ts';
import { shownBody, storedMaskOf } from '../prefix-cache/shown.ts';
import { headOf, pass, sendJson, succeeded } from './deliver.ts';
import type { StoredExchange } from './exchange.ts';
import { holderOf } from './holder.ts';
import { ask, collect } from './upstream.ts';

const SUFFIX: Readonly<Record<string, string>> = { cancel: '/cancel', input_items: '/input_items' };

/** A stored response: fetched, also as a stream from where it broke off (`starting_after`), cancelled or deleted. */
export async function serveResponse(gate: Gate, exchange: StoredExchange): Promise<void> {
  const { route, query, request } = exchange;
  const { provider, base } = await holderOf(gate, exchange);
  const { action } = route;
  const { background } = gate.stored;
  const own = { tenant: exchange.caller.tenant.id, response: route.id };
  const pending = background.isPending(own);
  if (pending && action === 'delete') await background.beforeItGoes(own).catch(() => undefined);
  const answer = await ask(gate, {
    provider,
    family: route.family,
    method: action === 'delete' ? 'DELETE' : action === 'cancel' ? 'POST' : 'GET',
    path: `${base}/${encodeURIComponent(route.id)}${SUFFIX[action] ?? ''}`,
    query,
    headers: request.headers,
  });
  const json = String(answer.headers['content-type']).startsWith('application/json');
  const shows = action === 'get' || action === 'cancel';
  const mask = shows ? storedMaskOf(gate, exchange, provider) : null;
  if (!pending || !shows || !json || !succeeded(answer)) return pass(exchange, provider, answer, mask);
  const body = await collect(answer, exchange.config.file.limits.answerBytes);
  await background.seen(own, body);
  sendJson(exchange, mask ? shownBody(mask, body, 'openai-responses') : body, headOf(exchange, provider, answer));
}
