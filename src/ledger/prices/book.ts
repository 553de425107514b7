import { createHash } from 'node:crypto';
import type { EpochMs } from '#kernel/brand.ts';
import type { NanoUsd } from '#kernel/money.ts';
import type { Cost } from '#ports/entry.ts';
import { PRICE_LISTS, type PriceOverride } from '#ports/state-store.ts';
import type { Units, Usage } from '#wire/usage.ts';
import { bucketsOf, pricesOf } from './bucket-name.ts';
import type { Buckets } from './buckets.ts';
import { costOfUnits, costOfUsage, pricesTokens, quoteOf, toolHasPrice } from './cost.ts';
import { isLater } from './import/plan-import.ts';
import { matchingOwn } from './own-prices.ts';
import { rowsOf } from './public-book.ts';
import type { PriceBook, PriceKey, PriceRow } from './price-book.ts';

/** Looks a model up in the public list; null where it is not listed. The list is loaded only when asked for. */
export type PublicList = (book: string, model: string) => { readonly id: string; readonly prices: never } | null;

interface Row extends PriceRow {
  readonly buckets: Buckets;
  /** Whose word it is: `own`, the name of an imported list, or that of the built-in one. */
  readonly layer: string;
}

/** One source's word on a price. */
export interface Opinion {
  readonly layer: string;
  readonly row: PriceRow;
}

/** Names of models that calls made at one provider: bounded, since callers choose them. */
const MOST_REMEMBERED = 4_096;

/**
 * Prices as dated rows. At any time the first of these that has a row by then decides: the operator's own, an imported
 * list, the built-in list. Lookups are remembered by provider and model.
 */
export class VersionedPriceBook implements PriceBook {
  readonly #list: PublicList | null;
  readonly #source: string;
  #own: readonly PriceOverride[] = [];
  #imported: ReadonlyMap<string, readonly PriceOverride[]> = new Map();
  /** By provider as configured, then by model: the row that decides first. */
  readonly #rows = new Map<string, Map<string, { readonly book: string | null; readonly rows: readonly Row[] }>>();

  constructor(options: {
    readonly list: PublicList | null;
    readonly source: string;
    readonly overrides: readonly PriceOverride[];
  }) {
    this.#list = options.list;
    this.#source = options.source;
    this.setOverrides(options.overrides);
  }

  /** Own prices of file and store and imported rows, anew. */
  setOverrides(overrides: readonly PriceOverride[]): void {
    this.#own = overrides.filter(({ imported }) => !imported);
    const imported = overrides.filter((one) => one.imported);
    this.#imported = Map.groupBy(imported, ({ provider, model }) => nameOf(provider, model));
    this.#rows.clear();
  }

  row(key: PriceKey): PriceRow | null {
    return this.#rowsOf(key).find(({ validFrom }) => validFrom <= key.at) ?? null;
  }

  /** What each source says, the one that decides first. */
  opinions(key: PriceKey): readonly Opinion[] {
    const byLayer = Map.groupBy(
      this.#rowsOf(key).filter(({ validFrom }) => validFrom <= key.at),
      ({ layer }) => layer,
    );
    return [...byLayer].map(([layer, rows]) => ({ layer, row: rows[0]! }));
  }

  cost(row: PriceRow, usage: Usage): Cost | null {
    return costOfUsage((row as Row).buckets, usage);
  }

  /** Decimal dollars for a million by bucket, as a person would state them. */
  prices(row: PriceRow): Readonly<Record<string, string>> {
    return pricesOf((row as Row).buckets);
  }

  unitCost(row: PriceRow, units: Units): NanoUsd | null {
    return costOfUnits((row as Row).buckets, units);
  }

  pricesTokens(row: PriceRow): boolean {
    return pricesTokens((row as Row).buckets);
  }

  pricesTool(row: PriceRow, tool: string): boolean {
    return toolHasPrice((row as Row).buckets, tool);
  }

  #rowsOf({ provider, book, model }: PriceKey): readonly Row[] {
    let ofProvider = this.#rows.get(provider);
    if (!ofProvider) this.#rows.set(provider, (ofProvider = new Map()));
    const known = ofProvider.get(model);
    // A provider as configured has one book; a reload may give its name another.
    if (known?.book === book) return known.rows;
    if (ofProvider.size >= MOST_REMEMBERED) ofProvider.clear();
    const listed = book === null ? [] : this.#publicRows(book, model);
    const rows = [
      ...matchingOwn(this.#own, provider, model).map((one) => statedRow(one, { layer: 'own', below: [] })),
      ...(book === null ? [] : this.#importedRows(book, model, listed)),
      ...listed,
    ];
    ofProvider.set(model, { book, rows });
    return rows;
  }

  #importedRows(book: string, model: string, below: readonly Row[]): readonly Row[] {
    const rows = this.#imported.get(nameOf(book, model)) ?? [];
    return PRICE_LISTS.flatMap((list) =>
      rows
        .filter(({ imported }) => imported!.list === list)
        .sort((a, b) => (isLater(a, b) ? -1 : 1))
        .map((one) => statedRow(one, { layer: list, below })),
    );
  }

  #publicRows(book: string, model: string): readonly Row[] {
    const listed = this.#list?.(book, model);
    const rows = (listed && rowsOf(listed)) || [];
    return rows
      .toReversed()
      .map(({ buckets, validFrom, model: id }) =>
        makeRow({ buckets, validFrom, source: `${this.#source}:${book}/${id}`, layer: this.#source }),
      );
  }
}

const nameOf = (provider: string, model: string): string => `${provider}\n${model}`;

/** Uses of a provider's tools have a price in no list that is imported: the built-in list's goes on. */
const USES = ['webSearch', 'request'] as const;

function statedRow(stated: PriceOverride, { layer, below }: { layer: string; below: readonly Row[] }): Row {
  const { prices, validFrom, source, provider, model } = stated;
  const buckets = new Map(bucketsOf(prices));
  const listed = below.find((row) => row.validFrom <= validFrom)?.buckets;
  for (const use of USES) if (!buckets.has(use) && listed?.has(use)) buckets.set(use, listed.get(use)!);
  return makeRow({ buckets, validFrom, source: `${source}:${provider}/${model}`, layer });
}

function makeRow(row: { buckets: Buckets; validFrom: EpochMs; source: string; layer: string }): Row {
  const { buckets, validFrom, source } = row;
  const text = [...buckets].map(
    ([name, { base, tiers }]) => `${name}=${base}${tiers.map(({ above, price }) => `;${above}:${price}`).join('')}`,
  );
  const version = createHash('sha256')
    .update(`${source}\n${validFrom}\n${text.sort().join('\n')}`)
    .digest('hex')
    .slice(0, 16);
  return Object.freeze({ ...row, version, quote: quoteOf(buckets) });
}
