import { createHash } from 'node:crypto';
import type { EpochMs } from '#kernel/brand.ts';
import { parsePricePerMillion } from '#kernel/money.ts';
import type { Cost } from '#ports/entry.ts';
import type { PriceOverride } from '#ports/state-store.ts';
import type { Usage } from '#wire/usage.ts';
import { flat, type Buckets } from './buckets.ts';
import { costOfUsage, quoteOf, toolHasPrice } from './cost.ts';
import { rowsOf } from './public-book.ts';
import type { PriceBook, PriceKey, PriceRow } from './price-book.ts';

/** Looks a model up in the public list; null where it is not listed. The list is loaded only when asked for. */
export type PublicList = (book: string, model: string) => { readonly id: string; readonly prices: never } | null;

interface Row extends PriceRow {
  readonly buckets: Buckets;
}

/** Names of models that calls made at one provider: bounded, since callers choose them. */
const MOST_REMEMBERED = 4_096;

/** Prices as dated rows: an operator's own before the public list. Lookups are remembered by provider and model. */
export class VersionedPriceBook implements PriceBook {
  readonly #list: PublicList | null;
  readonly #source: string;
  #overrides: readonly PriceOverride[];
  /** By provider, then by model. */
  readonly #rows = new Map<string, Map<string, readonly Row[]>>();

  constructor(options: {
    readonly list: PublicList | null;
    readonly source: string;
    readonly overrides: readonly PriceOverride[];
  }) {
    this.#list = options.list;
    this.#source = options.source;
    this.#overrides = options.overrides;
  }

  /** Overrides anew: from the file and from the store. */
  setOverrides(overrides: readonly PriceOverride[]): void {
    this.#overrides = overrides;
    this.#rows.clear();
  }

  row(key: PriceKey): PriceRow | null {
    const rows = this.#rowsOf(key);
    for (let i = rows.length - 1; i >= 0; i--) if (rows[i]!.validFrom <= key.at) return rows[i]!;
    return null;
  }

  cost(row: PriceRow, usage: Usage): Cost | null {
    return costOfUsage((row as Row).buckets, usage);
  }

  pricesTool(row: PriceRow, tool: string): boolean {
    return toolHasPrice((row as Row).buckets, tool);
  }

  /** Oldest first; an override of a model hides the public rows of that model altogether. */
  #rowsOf({ provider, book, model }: PriceKey): readonly Row[] {
    let ofProvider = this.#rows.get(provider);
    if (!ofProvider) this.#rows.set(provider, (ofProvider = new Map()));
    const known = ofProvider.get(model);
    if (known) return known;
    if (ofProvider.size >= MOST_REMEMBERED) ofProvider.clear();
    const own = bestOverrides(this.#overrides, provider, model).map(overrideRow);
    const rows = own.length > 0 ? own : this.#publicRows(book, model);
    ofProvider.set(model, rows);
    return rows;
  }

  #publicRows(book: string | null, model: string): readonly Row[] {
    const listed = book !== null ? this.#list?.(book, model) : null;
    return (listed ? (rowsOf(listed) ?? []) : []).map((row) =>
      makeRow(row.buckets, row.validFrom, `${this.#source}:${book}/${row.model}`),
    );
  }
}

/** Exact model before a prefix, a named provider before `*`; oldest first. */
function bestOverrides(overrides: readonly PriceOverride[], provider: string, model: string): PriceOverride[] {
  const matches = overrides.filter(
    (one) => (one.provider === provider || one.provider === '*') && matchLength(one.model, model) >= 0,
  );
  const rank = (one: PriceOverride): number => matchLength(one.model, model) * 2 + (one.provider === '*' ? 0 : 1);
  const best = Math.max(...matches.map(rank));
  return matches.filter((one) => rank(one) === best).sort((a, b) => a.validFrom - b.validFrom);
}

/** Longer is better: an exact name beats every prefix. -1: no match. */
function matchLength(pattern: string, model: string): number {
  if (pattern === model) return 10_000;
  return pattern.endsWith('*') && model.startsWith(pattern.slice(0, -1)) ? pattern.length : -1;
}

function overrideRow(override: PriceOverride): Row {
  const buckets = new Map(
    Object.entries(override.prices).flatMap(([bucket, text]) => {
      const price = parsePricePerMillion(text);
      return price === null ? [] : [[bucket, flat(price)] as const];
    }),
  );
  return makeRow(buckets, override.validFrom, `${override.source}:${override.provider}/${override.model}`);
}

function makeRow(buckets: Buckets, validFrom: EpochMs, source: string): Row {
  const text = [...buckets].map(
    ([name, { base, tiers }]) => `${name}=${base}${tiers.map(({ above, price }) => `;${above}:${price}`).join('')}`,
  );
  const version = createHash('sha256')
    .update(`${source}\n${validFrom}\n${text.sort().join('\n')}`)
    .digest('hex')
    .slice(0, 16);
  return Object.freeze({ version, source, validFrom, buckets, quote: quoteOf(buckets) });
}
