import { tenantOf } from '#kernel/whose.ts';
import type { LedgerFilter } from '#ports/ledger-store.ts';
import { CliFailure } from '../failure.ts';
import type { AdminClient } from './admin-client.ts';
import { entryOf, spendRowOf } from './json-entry.ts';
import type { Source, StateKind, StateView } from './source.ts';

type Rows<K extends string> = Readonly<Record<K, readonly unknown[]>>;

/** Reads through the admin API of a running gate. */
export const gateSource = (client: AdminClient): Source => ({
  kind: 'gate',
  spend: async ({ by, bucket, sketches, ...filter }) => {
    const figures = sketches === false ? 'sums' : undefined;
    const query = { ...filterQuery(filter), by: by.join(','), bucket, figures };
    const { rows } = (await client.ask('GET', '/spend', { query })) as Rows<'rows'>;
    return rows.map(spendRowOf);
  },
  calls: async ({ limit, before, after, counted, ...filter }) => {
    const query = { ...filterQuery(filter), limit, before, after, counted: counted && 'true' };
    const { calls } = (await client.ask('GET', '/calls', { query })) as Rows<'calls'>;
    return calls.map(entryOf);
  },
  call: async (id) => {
    try {
      return entryOf(await client.ask('GET', `/calls/${encodeURIComponent(id)}`));
    } catch (error) {
      if (error instanceof CliFailure && error.code === 'not_found') return null;
      throw error;
    }
  },
  list: async (kind, { id, ...filter } = {}) => {
    if (id !== undefined) return one(client, `/${kind}/${encodeURIComponent(id)}`);
    const answer = (await client.ask('GET', PATHS[kind] ?? `/${kind}`, { query: filter })) as Rows<string>;
    return answer[kind] as readonly StateView[];
  },
  close: async () => undefined,
});

/** One thing by its id, or none. */
async function one(client: AdminClient, path: string): Promise<readonly StateView[]> {
  try {
    return [(await client.ask('GET', path)) as StateView];
  } catch (error) {
    if (error instanceof CliFailure && error.code === 'not_found') return [];
    throw error;
  }
}

/** `prices` are those in force, `rows` all that are stored. */
const PATHS: Readonly<Partial<Record<StateKind, string>>> = { rows: '/prices/rows' };

export const filterQuery = ({
  label,
  whose,
  ...filter
}: LedgerFilter): Record<string, string | number | undefined> => ({
  ...filter,
  tenant: tenantOf(whose) ?? undefined,
  label: label && `${label.name}=${label.value}`,
});
