import { createHash } from 'node:crypto';
import type { EpochMs } from '#kernel/brand.ts';
import type { ImportedFrom, PriceOverride } from '#ports/state-store.ts';
import { samePrices, type ListedPrice } from './parsed-list.ts';

export interface PriceChange {
  /** `openai/gpt-4o`. */
  readonly model: string;
  readonly bucket: string;
  /** Decimal dollars for a million; null: the bucket had, or has, no price. */
  readonly old: string | null;
  readonly new: string | null;
}

export interface ImportPlan {
  readonly added: readonly string[];
  readonly changed: readonly PriceChange[];
  readonly same: number;
  /** In an earlier import of the list and not in this one. Their rows stay. */
  readonly gone: readonly string[];
  /** Rows to store: new ones, and known ones that were seen again. */
  readonly rows: readonly PriceOverride[];
}

export interface ImportFacts extends Omit<ImportedFrom, 'seenAt'> {
  readonly at: EpochMs;
  readonly validFrom: EpochMs;
}

/** What an import would change, against the newest row of each model from the same list. */
export function planImport(
  stored: Iterable<PriceOverride>,
  listed: readonly ListedPrice[],
  facts: ImportFacts,
): ImportPlan {
  const known = newestOf(stored, facts.list);
  const [added, changed, rows]: [string[], PriceChange[], PriceOverride[]] = [[], [], []];
  for (const row of listed) {
    const name = `${row.book}/${row.model}`;
    const earlier = known.get(name);
    known.delete(name);
    const imported = { list: facts.list, hash: facts.hash, seenAt: facts.at };
    if (earlier && samePrices(earlier.prices, row.prices)) {
      rows.push({ ...earlier, imported: { ...imported, hash: earlier.imported!.hash } });
      continue;
    }
    if (earlier) changed.push(...changesOf(name, earlier.prices, row.prices));
    else added.push(name);
    rows.push({
      id: rowId(name, facts),
      provider: row.book,
      model: row.model,
      validFrom: facts.validFrom,
      prices: row.prices,
      source: facts.list,
      imported,
    });
  }
  const fresh = new Set([...added, ...changed.map(({ model }) => model)]);
  return { added, changed, same: rows.length - fresh.size, gone: [...known.keys()], rows };
}

/** Is a row of the same list and model the later word? */
export const isLater = (a: PriceOverride, b: PriceOverride): boolean =>
  a.validFrom > b.validFrom || (a.validFrom === b.validFrom && a.imported!.seenAt > b.imported!.seenAt);

function newestOf(stored: Iterable<PriceOverride>, list: string): Map<string, PriceOverride> {
  const newest = new Map<string, PriceOverride>();
  for (const row of stored) {
    if (row.imported?.list !== list) continue;
    const name = `${row.provider}/${row.model}`;
    const known = newest.get(name);
    if (!known || isLater(row, known)) newest.set(name, row);
  }
  return newest;
}

function changesOf(
  model: string,
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): PriceChange[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names
    .filter((name) => before[name] !== after[name])
    .map((bucket) => ({ model, bucket, old: before[bucket] ?? null, new: after[bucket] ?? null }));
}

/** One row a model, time and content of the list: an import that is sent twice stores it once. */
const rowId = (name: string, { list, hash, validFrom }: ImportFacts): string =>
  `imp_${createHash('sha256').update(`${list}\n${hash}\n${name}\n${validFrom}`).digest('hex').slice(0, 24)}`;
