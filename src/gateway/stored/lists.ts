import { HeadgateError } from '#kernel/errors.ts';
import type { ListedThing, StoredThings, ThingKind, ThingsQuestion } from '#ports/stored-things.ts';
import type { StoredExchange } from './exchange.ts';

/** A page of a tenant's own things, as the provider showed each last. */
export interface Page {
  readonly objects: readonly Record<string, unknown>[];
  readonly more: boolean;
}

const DEFAULT_LIMIT = 20;
const READ_AT_ONCE = 200;
/** A filter that matches nothing reads so many rows and no more. */
const MOST_READ = 10_000;

/** `limit` of the query, from 1 to `most`; else a 400. */
export function limitOf(query: URLSearchParams, most: number, otherwise = DEFAULT_LIMIT): number {
  const text = query.get('limit');
  if (text === null) return otherwise;
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= 1 && limit <= most) return limit;
  throw new HeadgateError('invalid_request', {
    field: 'limit',
    message: `\`limit\` must be a whole number from 1 to ${most}.`,
  });
}

interface Asked {
  readonly kind: ThingKind;
  readonly limit: number;
  readonly order?: 'asc' | 'desc';
  readonly after?: string | null;
  readonly matches?: (object: Record<string, unknown>) => boolean;
}

/** Reads from the gate's own record, never from the account's list: that has other tenants' things. */
export async function pageOf(things: StoredThings, exchange: StoredExchange, asked: Asked): Promise<Page> {
  const { kind, limit, order = 'desc', matches = () => true } = asked;
  const objects: Record<string, unknown>[] = [];
  let after = asked.after ?? undefined;
  for (let read = 0; read < MOST_READ; read += READ_AT_ONCE) {
    const rows = await things.list(questionOf(exchange, { kind, order, after }));
    for (const row of rows) {
      const object = objectOf(row);
      if (matches(object)) objects.push(object);
      if (objects.length > limit) return { objects: objects.slice(0, limit), more: true };
    }
    if (rows.length < READ_AT_ONCE) break;
    after = rows.at(-1)!.id;
  }
  return { objects, more: false };
}

const questionOf = (
  { caller, route }: StoredExchange,
  { kind, order, after }: { kind: ThingKind; order: 'asc' | 'desc'; after: string | undefined },
): ThingsQuestion => ({
  tenant: caller.tenant.id,
  kind,
  family: route.family,
  limit: READ_AT_ONCE,
  order,
  ...(after !== undefined && { after }),
});

export const objectOf = ({ shown }: Pick<ListedThing, 'shown'>): Record<string, unknown> =>
  JSON.parse(shown) as Record<string, unknown>;

/** OpenAI's form of a list. */
export const openaiPage = ({ objects, more }: Page): object => ({
  object: 'list',
  data: objects,
  first_id: objects[0]?.['id'] ?? null,
  last_id: objects.at(-1)?.['id'] ?? null,
  has_more: more,
});

/** Anthropic's form, with the cursor of its older lists (`after_id`) and of its newer ones (`page`). */
export const messagesPage = ({ objects, more }: Page): object => ({
  data: objects,
  first_id: objects[0]?.['id'] ?? null,
  last_id: objects.at(-1)?.['id'] ?? null,
  has_more: more,
  next_page: more ? (objects.at(-1)?.['id'] ?? null) : null,
});

/** A page of Anthropic's lists, forwards from `after_id` or `page`, backwards from `before_id`. */
export async function messagesList(
  things: StoredThings,
  exchange: StoredExchange,
  kind: ThingKind,
  matches?: Asked['matches'],
): Promise<Page> {
  const query = new URLSearchParams(exchange.query);
  const limit = limitOf(query, 1000);
  const before = query.get('before_id');
  const more = matches ? { matches } : {};
  if (before === null)
    return pageOf(things, exchange, { kind, limit, after: query.get('after_id') ?? query.get('page'), ...more });
  const page = await pageOf(things, exchange, { kind, limit, order: 'asc', after: before, ...more });
  return { ...page, objects: page.objects.toReversed() };
}
