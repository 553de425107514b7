/** One row a call that counts: the columns of `--format csv`. Names stay; new ones come at the end. */
import { iso } from '#kernel/clock.ts';
import { usdDecimal, type NanoUsd } from '#kernel/money.ts';
import type { Cost, LedgerEntry } from '#ports/entry.ts';
import type { CellKind, Column } from './csv.ts';

type Of = Column<LedgerEntry>['of'];

const column = (name: string, kind: CellKind, about: string, of: Of): Column<LedgerEntry> => ({
  name,
  kind,
  about,
  of,
});
const text = (name: keyof LedgerEntry, as: string, about: string): Column<LedgerEntry> =>
  column(as, 'text', about, (entry) => entry[name] as string | null);
const usd = (amount: NanoUsd | null | undefined): string | null =>
  amount === null || amount === undefined ? null : usdDecimal(amount);
const part = (name: keyof Cost, as: string, about: string): Column<LedgerEntry> =>
  column(as, 'number', about, ({ cost }) => usd(cost?.[name]));
const tokens = (
  name: 'inputTokens' | 'cachedReadTokens' | 'cacheWriteTokens' | 'outputTokens' | 'reasoningTokens',
  as: string,
  about: string,
) => column(as, 'number', about, ({ usage }) => usage[name]);
const ms = (name: keyof LedgerEntry['timing'], as: string, about: string): Column<LedgerEntry> =>
  column(as, 'number', about, ({ timing }) => timing[name]);

export const CALL_COLUMNS: readonly Column<LedgerEntry>[] = [
  text('id', 'id', 'Id of the entry; stable, and another one once it is corrected.'),
  column('at', 'time', 'Admission: ISO 8601, UTC, milliseconds.', ({ at }) => iso(at)),
  text('corrects', 'corrects', 'Id of the entry whose place this one takes.'),
  text('environment', 'environment', 'Environment of the gate.'),
  text('tenant', 'tenant', 'Id of the tenant.'),
  text('team', 'team', 'Id of the team.'),
  text('feature', 'feature', 'Name of the feature.'),
  text('key', 'key', 'Id of the key.'),
  text('endUser', 'end_user', 'End user, as the ledger’s digits.'),
  text('session', 'session', 'Session that the caller named.'),
  column('labels', 'json', 'Labels as a JSON object.', ({ labels }) => JSON.stringify(labels)),
  text('kind', 'kind', 'What the call was for: generate, embed, …'),
  text('purpose', 'purpose', 'Why text was embedded.'),
  text('modelAsked', 'model', 'Model that the caller asked for.'),
  text('modelReturned', 'model_returned', 'Model that answered, in the provider’s words.'),
  text('provider', 'provider', 'Provider by its name in headgate.yaml.'),
  text('deployment', 'deployment', 'Provider and model id at it.'),
  text('status', 'outcome', 'How the call ended.'),
  column('http_status', 'number', 'What the client saw.', ({ httpStatus }) => httpStatus),
  tokens('inputTokens', 'input_tokens', 'All input, cached reads and cache writes among it.'),
  tokens('cachedReadTokens', 'cached_read_tokens', 'Input that was read from the provider’s cache.'),
  tokens('cacheWriteTokens', 'cache_write_tokens', 'Input that was written to it.'),
  tokens('outputTokens', 'output_tokens', 'All output, reasoning among it.'),
  tokens('reasoningTokens', 'reasoning_tokens', 'Output that nobody reads.'),
  column(
    'usage_source',
    'text',
    'Where the counts come from: provider, estimated, counted, none.',
    ({ usageSource }) => usageSource,
  ),
  part('input', 'cost_input_usd', 'Uncached input.'),
  part('cachedRead', 'cost_cached_read_usd', 'Cached reads.'),
  part('cacheWrite', 'cost_cache_write_usd', 'Cache writes.'),
  part('output', 'cost_output_usd', 'Output.'),
  part('other', 'cost_other_usd', 'Images, sound, tools, requests: what has a price of its own.'),
  part('total', 'cost_usd', 'Sum of the five, exact; empty: a price is not known.'),
  column('saved_usd', 'number', 'What caches saved.', ({ savedCostNanoUsd }) => usd(savedCostNanoUsd)),
  text('priceVersion', 'price_version', 'Hash of the prices that gave the cost.'),
  ms('firstTokenMs', 'first_token_ms', 'Milliseconds from admission to the first token.'),
  ms('totalMs', 'total_ms', 'Milliseconds from admission to the end.'),
];
