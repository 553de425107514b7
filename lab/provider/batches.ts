import type { Shop } from './answering.ts';
import { hasEnded, orderOf, type Batch, type BatchLine, type BatchResult } from './batch-store.ts';
import type { Json } from './dialects/reading.ts';
import { errorBody, LabError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import { answerOffline, isLabError } from './offline.ts';
import { randomId } from './plan-answer.ts';
import type { Route } from './routes.ts';

/** Serves `/batches` and `/messages/batches`. */
export function serveBatches(shop: Shop, exchange: Exchange, route: Route, body: Json): void {
  const family = route.dialect === 'anthropic' ? 'anthropic' : 'openai';
  const show = (batch: Batch): object => (family === 'anthropic' ? shownMessages(exchange, batch) : shownOpenai(batch));
  const { id, action } = route;
  if (id === null && exchange.entry.method === 'POST') {
    const made = family === 'anthropic' ? createMessages(shop, exchange, body) : createOpenai(shop, exchange, body);
    setTimeout(() => exchange.json(200, show(made)), made.order.answerMs);
    return;
  }
  if (id === null) {
    const own = [...shop.batches.values()].filter((batch) => batch.family === family).toReversed();
    const data = own.map((batch) => show(ended(shop, batch)));
    return exchange.json(200, {
      object: 'list',
      data,
      has_more: false,
      first_id: own[0]?.id ?? null,
      last_id: own.at(-1)?.id ?? null,
    });
  }
  const batch = shop.batches.get(id);
  if (!batch || batch.family !== family) throw new LabError(404, `No batch found with id '${id}'.`);
  ended(shop, batch);
  if (action === 'cancel') {
    if (!batch.result) batch.cancelledMs = Date.now();
    return exchange.json(200, show(ended(shop, batch)));
  }
  if (action === 'delete') {
    if (!batch.result) throw new LabError(400, 'The batch has not ended.');
    shop.batches.delete(id);
    return exchange.json(200, { id, type: 'message_batch_deleted' });
  }
  if (action !== 'results') return exchange.json(200, show(batch));
  if (!batch.result) throw new LabError(404, 'The batch has not ended: there are no results.');
  exchange.bytes(200, jsonl(batch.result.lines), 'application/x-jsonl');
}

const jsonl = (lines: readonly object[]): Buffer =>
  Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));

function begin(shop: Shop, exchange: Exchange, batch: Pick<Batch, 'id' | 'family' | 'lines'> & Partial<Batch>): Batch {
  const order = orderOf(exchange.request.headers['x-lab-batch']?.toString());
  const made: Batch = {
    ...{ endpoint: '', inputFileId: '', metadata: null, cancelledMs: null, result: null },
    ...batch,
    createdMs: Date.now(),
    order,
  };
  shop.batches.set(made.id, made);
  return made;
}

function createOpenai(shop: Shop, exchange: Exchange, body: Json): Batch {
  const inputFileId = String(body['input_file_id']);
  const file = shop.files.get(inputFileId);
  if (!file) throw new LabError(400, `File '${inputFileId}' not found.`);
  if (body['completion_window'] !== '24h') throw new LabError(400, "Invalid value: 'completion_window'");
  const lines = file.bytes
    .toString('utf8')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((text): BatchLine => {
      const line = JSON.parse(text) as Json;
      return { customId: String(line['custom_id']), path: String(line['url']), body: line['body'] as Json };
    });
  const { endpoint, metadata = null } = body;
  return begin(shop, exchange, {
    ...{ id: `batch_${randomId(shop.rng, '')}`, family: 'openai', lines, inputFileId },
    ...{ endpoint: String(endpoint), metadata },
  });
}

function createMessages(shop: Shop, exchange: Exchange, body: Json): Batch {
  const requests = body['requests'];
  if (!Array.isArray(requests) || requests.length === 0) throw new LabError(400, 'requests: Field required');
  const lines = (requests as Json[]).map((one): BatchLine => ({
    customId: String(one['custom_id']),
    path: '/v1/messages',
    body: one['params'] as Json,
  }));
  return begin(shop, exchange, { id: `msgbatch_${randomId(shop.rng, '')}`, family: 'anthropic', lines });
}

type LineEnd = { readonly line: BatchLine } & (
  | { readonly is: 'ok'; readonly body: object }
  | { readonly is: 'failed'; readonly error: LabError }
  | { readonly is: 'expired' | 'cancelled' }
);

/** Makes the results of a batch whose time has come. */
function ended(shop: Shop, batch: Batch): Batch {
  if (batch.result || !hasEnded(batch, Date.now()) || batch.order.end === 'failed') return batch;
  const cancelled = batch.cancelledMs !== null;
  const ends = batch.lines.map((line, i): LineEnd => {
    if (i >= Math.min(batch.order.done, cancelled ? (batch.order.done === Infinity ? 0 : batch.order.done) : Infinity))
      return { line, is: cancelled ? 'cancelled' : 'expired' };
    try {
      return { line, is: 'ok', body: answerOffline(shop, line.path, line.body) };
    } catch (error) {
      if (isLabError(error)) return { line, is: 'failed', error };
      throw error;
    }
  });
  batch.result = batch.family === 'openai' ? openaiResult(shop, batch, ends) : messagesResult(ends);
  return batch;
}

const countsOf = (ends: readonly LineEnd[]): BatchResult['counts'] => {
  const of = (is: LineEnd['is']): number => ends.filter((end) => end.is === is).length;
  return { ok: of('ok'), failed: of('failed'), expired: of('expired'), cancelled: of('cancelled') };
};

function openaiResult(shop: Shop, batch: Batch, ends: readonly LineEnd[]): BatchResult {
  const save = (name: string, lines: readonly object[]): string | null => {
    if (lines.length === 0) return null;
    const id = `file-${randomId(shop.rng, '')}`;
    const createdS = Math.floor(Date.now() / 1000);
    const bytes = jsonl(lines);
    shop.files.put({
      id,
      bytes,
      filename: `${batch.id}_${name}.jsonl`,
      mimeType: 'application/jsonl',
      purpose: 'batch_output',
      createdS,
    });
    return id;
  };
  const rowOf = (end: LineEnd): object => {
    const id = `batch_req_${randomId(shop.rng, '')}`;
    const custom_id = end.line.customId;
    const response = (status_code: number, body: object) => ({ status_code, request_id: `req_${id}`, body });
    if (end.is === 'ok') return { id, custom_id, response: response(200, end.body), error: null };
    if (end.is === 'failed')
      return { id, custom_id, response: response(end.error.status, errorBody('openai', end.error, '')), error: null };
    const why = { code: `batch_${end.is}`, message: 'This request could not be executed in time.' };
    return { id, custom_id, response: null, error: why };
  };
  return {
    outputFileId: save('output', ends.filter(({ is }) => is === 'ok').map(rowOf)),
    errorFileId: save('error', ends.filter(({ is }) => is !== 'ok').map(rowOf)),
    lines: [],
    counts: countsOf(ends),
  };
}

function messagesResult(ends: readonly LineEnd[]): BatchResult {
  const resultOf = (end: LineEnd): object => {
    if (end.is === 'ok') return { type: 'succeeded', message: end.body };
    if (end.is === 'failed') return { type: 'errored', error: errorBody('anthropic', end.error, 'req_batch') };
    return { type: end.is === 'cancelled' ? 'canceled' : 'expired' };
  };
  // Results come in any order.
  const lines = ends.map((end) => ({ custom_id: end.line.customId, result: resultOf(end) })).toReversed();
  return { outputFileId: null, errorFileId: null, lines, counts: countsOf(ends) };
}

const seconds = (ms: number): number => Math.floor(ms / 1000);

function shownOpenai(batch: Batch): object {
  const { order, result, createdMs } = batch;
  const failed = order.end === 'failed' && hasEnded(batch, Date.now());
  const status = failed ? 'failed' : !result ? 'in_progress' : batch.cancelledMs !== null ? 'cancelled' : order.end;
  const at = (wanted: string): number | null => (status === wanted ? seconds(Date.now()) : null);
  return {
    id: batch.id,
    object: 'batch',
    endpoint: batch.endpoint,
    errors: failed
      ? {
          object: 'list',
          data: [{ code: 'token_limit_exceeded', message: 'Enqueued token limit reached.', line: null, param: null }],
        }
      : null,
    input_file_id: batch.inputFileId,
    completion_window: '24h',
    status,
    output_file_id: result?.outputFileId ?? null,
    error_file_id: result?.errorFileId ?? null,
    created_at: seconds(createdMs),
    in_progress_at: seconds(createdMs),
    expires_at: seconds(createdMs) + order.expiresS,
    ...{ finalizing_at: null, completed_at: at('completed'), failed_at: at('failed'), expired_at: at('expired') },
    ...{ cancelling_at: at('cancelled'), cancelled_at: at('cancelled') },
    request_counts: {
      total: batch.lines.length,
      completed: result?.counts.ok ?? 0,
      failed: result ? batch.lines.length - result.counts.ok : 0,
    },
    metadata: batch.metadata,
  };
}

function shownMessages(exchange: Exchange, batch: Batch): object {
  const { result, createdMs, order } = batch;
  const iso = (ms: number): string => new Date(ms).toISOString();
  const counts = result?.counts;
  const host = exchange.request.headers.host;
  return {
    id: batch.id,
    type: 'message_batch',
    processing_status: result ? 'ended' : 'in_progress',
    request_counts: {
      processing: result ? 0 : batch.lines.length,
      succeeded: counts?.ok ?? 0,
      errored: counts?.failed ?? 0,
      canceled: counts?.cancelled ?? 0,
      expired: counts?.expired ?? 0,
    },
    ended_at: result ? iso(Date.now()) : null,
    created_at: iso(createdMs),
    expires_at: iso(createdMs + order.expiresS * 1000),
    archived_at: null,
    cancel_initiated_at: batch.cancelledMs === null ? null : iso(batch.cancelledMs),
    results_url: result ? `http://${host}/v1/messages/batches/${batch.id}/results` : null,
  };
}
