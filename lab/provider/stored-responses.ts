import { LabError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import type { ResponseStore } from './responses-store.ts';
import type { Route } from './routes.ts';

/** What can be done with a stored response: fetched, streamed anew, listed, cancelled, deleted. */
export async function storedResponse(store: ResponseStore, exchange: Exchange, { id, action }: Route): Promise<void> {
  const stored = store.get(id!);
  if (!stored) throw new LabError(404, `Response with id '${id}' not found.`);
  const query = new URLSearchParams(exchange.entry.path.split('?')[1] ?? '');
  if (action === 'input_items') return exchange.json(200, inputItems(stored.input, query));
  if (action === 'cancel') return exchange.json(200, cancelled(store, id!));
  if (action === 'delete') {
    store.delete(id!);
    return exchange.json(200, { id, object: 'response', deleted: true });
  }
  if (query.get('stream') !== 'true') return exchange.json(200, stored.response);
  const after = Number(query.get('starting_after') ?? -1);
  exchange.startStream();
  const writer = exchange.writer();
  writer.frames(stored.frames.slice(after + 1), 0);
  await writer.end();
}

function cancelled(store: ResponseStore, id: string): object {
  const stored = store.cancel(id);
  if (stored) return stored.response;
  throw new LabError(400, 'Cannot cancel a synchronous response.');
}

/** Newest first unless asked otherwise, as the API does; `after` names the last item of the page before. */
function inputItems(input: readonly unknown[], query: URLSearchParams): object {
  const items = input.map((item, i) => ({ id: `msg_in${i}`, type: 'message', ...contentOf(item) }));
  const ordered = query.get('order') === 'asc' ? items : items.toReversed();
  const from = ordered.findIndex(({ id }) => id === query.get('after')) + 1;
  const data = ordered.slice(from, from + Number(query.get('limit') ?? 20));
  const more = from + data.length < ordered.length;
  return { object: 'list', data, first_id: data[0]?.id, last_id: data.at(-1)?.id, has_more: more };
}

function contentOf(item: unknown): Record<string, unknown> {
  const { content, ...rest } = item as Record<string, unknown>;
  if (typeof content !== 'string') return item as Record<string, unknown>;
  return { ...rest, status: 'completed', content: [{ type: 'input_text', text: content }] };
}
