import { usdDecimal, type PricePerMillion } from '#kernel/money.ts';
import { bucketText, plainBucket, priceProblem, problemsOf, readBucketName } from '../bucket-name.ts';

/** A model's prices as a list states them, under the provider's id of public price lists. */
export interface ListedPrice {
  readonly book: string;
  readonly model: string;
  /** Bucket name to decimal dollars for a million. */
  readonly prices: Readonly<Record<string, string>>;
}

/** What a list came to. Nothing of it is left out without a word. */
export interface ParsedList {
  readonly rows: readonly ListedPrice[];
  /** Models whose prices cannot be right, with why. */
  readonly refused: readonly { readonly model: string; readonly why: string }[];
  /** Models that are not read, by why: a provider that no data file knows, a price that is not by token. */
  readonly left: ReadonlyMap<string, number>;
  /** Fields of prices that have no bucket here, and fields that nobody knows, by how many models have them. */
  readonly unread: ReadonlyMap<string, number>;
  readonly unknown: ReadonlyMap<string, number>;
}

/** Collects a list's models; a model twice with two prices is refused both times. */
export class ListReader {
  readonly #rows = new Map<string, ListedPrice>();
  readonly #refused = new Map<string, string>();
  readonly #left = new Map<string, number>();
  readonly #unread = new Map<string, number>();
  readonly #unknown = new Map<string, number>();

  leave(why: string): void {
    count(this.#left, why);
  }
  unread(field: string): void {
    count(this.#unread, field);
  }
  unknown(field: string): void {
    count(this.#unknown, field);
  }
  refuse(model: string, why: string): void {
    this.#refused.set(model, why);
  }

  add({ book, model, prices }: ListedPrice): void {
    const row = { book, model, prices: withFirstPrices(prices) };
    const name = `${book}/${model}`;
    const [wrong] = problemsOf(row.prices);
    if (wrong) return this.refuse(name, wrong);
    const earlier = this.#rows.get(name);
    if (earlier && !samePrices(earlier.prices, row.prices)) this.refuse(name, 'is listed twice, with two prices');
    else this.#rows.set(name, row);
  }

  done(): ParsedList {
    return {
      rows: [...this.#rows].filter(([name]) => !this.#refused.has(name)).map(([, row]) => row),
      refused: [...this.#refused].map(([model, why]) => ({ model, why })),
      left: this.#left,
      unread: this.#unread,
      unknown: this.#unknown,
    };
  }
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

export function samePrices(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

/** A price of a list as text, or why it cannot be one. */
export function statedPrice(
  value: unknown,
  read: (text: string) => PricePerMillion | null,
  bucket: string | null = null,
): { readonly text: string } | { readonly wrong: string } {
  const price = typeof value === 'number' ? read(String(value)) : null;
  const wrong = priceProblem(price, bucket === null ? null : plainBucket(bucket));
  return wrong ? { wrong: `${wrong} (${JSON.stringify(value)?.slice(0, 40)})` } : { text: usdDecimal(price as never) };
}

const PLAIN: Readonly<Record<string, 'input' | 'output'>> = {
  ...{ cachedRead: 'input', cacheWrite: 'input', inputAudio: 'input', inputImage: 'input' },
  ...{ reasoning: 'output', outputAudio: 'output', outputImage: 'output' },
};

/** A kind that a list prices above a size alone costs below it what its plain kind costs, as providers bill it. */
function withFirstPrices(prices: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const all = { ...prices };
  for (const name of Object.keys(prices)) {
    const bucket = readBucketName(name)?.bucket;
    if (bucket === undefined || all[bucket] !== undefined) continue;
    const cut = bucket.lastIndexOf('.') + 1;
    const plain = all[bucketText(bucket.slice(0, cut) + PLAIN[bucket.slice(cut)], null)];
    if (plain !== undefined) all[bucket] = plain;
  }
  return all;
}
