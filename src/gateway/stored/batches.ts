import type { Provider } from '#providers/index.ts';
import type { Gate } from '../gate.ts';
import type { AdmittedPlan } from './batch-book.ts';
import { batchState } from './batch-state.ts';
import { createMessageBatch } from './create-message-batch.ts';
import { createOpenaiBatch } from './create-openai-batch.ts';
import { storedMaskOf } from '../prefix-cache/shown.ts';
import { headOf, pass, passError, sendJson, succeeded } from './deliver.ts';
import type { StoredExchange } from './exchange.ts';
import { idOf, OBJECT_BYTES, shownAnew } from './files.ts';
import { holderOf } from './holder.ts';
import { limitOf, messagesList, messagesPage, openaiPage, pageOf } from './lists.ts';
import { ownResultsUrl } from './results-url.ts';
import { ask, collect, maybeSent, type StoredRequest, type UpstreamAnswer } from './upstream.ts';

/** Batches of both APIs: made, asked for, listed, cancelled, read, deleted, each by its own tenant alone. */
export async function serveBatch(gate: Gate, exchange: StoredExchange): Promise<void> {
  const { action, family } = exchange.route;
  if (action === 'create')
    return family === 'openai' ? createOpenaiBatch(gate, exchange) : createMessageBatch(gate, exchange);
  if (action === 'list') return list(gate, exchange);
  const { provider, base } = await holderOf(gate, exchange);
  if (action === 'delete') await gate.stored.batches.beforeBatchGoes(exchange.caller.tenant.id, exchange.route.id);
  const { route, query, request } = exchange;
  const suffix = action === 'cancel' ? '/cancel' : action === 'content' ? '/results' : '';
  const answer = await ask(gate, {
    provider,
    family,
    method: action === 'delete' ? 'DELETE' : action === 'cancel' ? 'POST' : 'GET',
    path: `${base}/${encodeURIComponent(route.id)}${suffix}`,
    query,
    headers: request.headers,
  });
  if (action === 'content' || !succeeded(answer))
    return pass(exchange, provider, answer, action === 'content' ? storedMaskOf(gate, exchange, provider) : null);
  const body = await collect(answer, OBJECT_BYTES);
  if (action === 'delete') await gate.stored.things.remove(exchange.caller.tenant.id, 'batch', route.id);
  else await seen(gate, exchange, provider, body.toString('utf8'));
  sendJson(exchange, ownResultsUrl(exchange, body.toString('utf8')), headOf(exchange, provider, answer));
}

/** What the client sees of its batch, the gate notes too; one that has ended is settled now. */
async function seen(gate: Gate, { route, caller }: StoredExchange, provider: Provider, shown: string): Promise<void> {
  const { things, jobs } = gate.stored;
  const state = batchState(JSON.parse(shown) as unknown, route.family);
  const files = state.files.map((id) => ({ kind: 'file', id }));
  if (files.length > 0) gate.tenants.rememberKeptIds(caller, files, `${provider.name}/-`);
  // While the store is away the batch is shown all the same; its job finds out by itself.
  const thing = await things.get(caller.tenant.id, 'batch', route.id).catch(() => null);
  if (!thing) return;
  await shownAnew(gate, caller.tenant.id, { kind: 'batch', id: route.id, shown });
  const { job } = JSON.parse(thing.facts ?? '{}') as { job?: string };
  if (state.ended && job) await jobs.moveTo(caller.tenant.id, job, gate.clock.now()).catch(() => undefined);
}

async function list(gate: Gate, exchange: StoredExchange): Promise<void> {
  const { things } = gate.stored;
  if (exchange.route.family === 'anthropic') {
    const page = messagesPage(await messagesList(things, exchange, 'batch'));
    return sendJson(exchange, ownResultsUrl(exchange, JSON.stringify(page)));
  }
  const query = new URLSearchParams(exchange.query);
  const page = await pageOf(things, exchange, { kind: 'batch', limit: limitOf(query, 100), after: query.get('after') });
  sendJson(exchange, JSON.stringify(openaiPage(page)));
}

/**
 * Sends the creation of an admitted batch. An answer below 500 that is no success means that there is no batch; where no
 * answer came, that is not known, and the batch's job finds out.
 */
export async function sendCreation(
  gate: Gate,
  exchange: StoredExchange,
  admitted: AdmittedPlan,
  request: Pick<StoredRequest, 'provider' | 'path' | 'body' | 'contentType'>,
): Promise<void> {
  const { route, query } = exchange;
  const { provider } = request;
  const answer = await ask(gate, {
    ...request,
    family: route.family,
    method: 'POST',
    query,
    headers: exchange.request.headers,
  }).catch(async (error: unknown) => {
    if (maybeSent(error)) await gate.stored.batches.unanswered(admitted);
    else await gate.stored.batches.refused(admitted);
    throw error;
  });
  if (!succeeded(answer)) {
    await gate.stored.batches.refused(admitted);
    return passError(exchange, provider, answer);
  }
  const [id, shown] = await madeBatch(answer).catch(async (error: unknown) => {
    await gate.stored.batches.unanswered(admitted);
    throw error;
  });
  await gate.stored.batches.made(admitted, id, shown);
  sendJson(exchange, ownResultsUrl(exchange, shown), headOf(exchange, provider, answer));
}

/** Id and text of the batch that an answer shows. Rejects where the answer broke off or shows none. */
async function madeBatch(answer: UpstreamAnswer): Promise<readonly [id: string, shown: string]> {
  const shown = (await collect(answer, OBJECT_BYTES)).toString('utf8');
  return [idOf(shown), shown];
}
