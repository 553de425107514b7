import type { EpochMs } from '#kernel/brand.ts';
import type { NanoUsd, PricePerMillion } from '#kernel/money.ts';
import type { Cost } from '#ports/entry.ts';
import type { Units, Usage } from '#wire/usage.ts';

/** Which price is asked for: the provider as configured, its id in the public book, and the model id sent. */
export interface PriceKey {
  readonly provider: string;
  /** Null: the provider has no public prices (self-hosted); overrides still apply. */
  readonly book: string | null;
  readonly model: string;
  readonly at: EpochMs;
}

/** What a reservation multiplies with, in nano-dollars for a million tokens. */
export interface PriceQuote {
  readonly inputPerMillion: PricePerMillion;
  readonly outputPerMillion: PricePerMillion;
  /** The dearest that a token can cost in any tier or bucket (cache write, long context, audio). */
  readonly dearestInputPerMillion: PricePerMillion;
  readonly dearestOutputPerMillion: PricePerMillion;
  /** For each request, whatever it holds; zero where there is none. */
  readonly perCallNanoUsd: NanoUsd;
}

/** One price of one model from a day on. Rows are never changed: a new price is a new row. */
export interface PriceRow {
  /** Hash over everything that decides a cost; stamped on each entry. */
  readonly version: string;
  readonly source: string;
  readonly validFrom: EpochMs;
  readonly quote: PriceQuote;
}

export interface PriceBook {
  /** The row that holds at that time; an operator's override wins. Null: unknown, which is never zero. */
  row(key: PriceKey): PriceRow | null;
  /** Cost by part of a usage at a row; null where a part has no price (a tier or a tool that no source prices). */
  cost(row: PriceRow, usage: Usage): Cost | null;
  /** Cost of units that are no tokens (`Usage.units`), and of the request; null where one of them has no price. */
  unitCost(row: PriceRow, units: Units): NanoUsd | null;
  /** Has a token of the model a price? */
  pricesTokens(row: PriceRow): boolean;
  /** Can a hosted tool of this name be priced? An unpriced one is refused under a `strict` budget. */
  pricesTool(row: PriceRow, tool: string): boolean;
}

/** Tokens from bytes, corrected per model by what providers really counted. */
export interface Estimator {
  inputTokens(model: string, bytes: number): number;
  outputTokens(model: string, textBytes: number): number;
  /** One more answer with the provider's own count. Null where a side is not known. */
  learn(
    model: string,
    seen: { bytesIn: number; inputTokens: number | null; textBytes: number; outputTokens: number | null },
  ): void;
  /** Mean absolute relative error of recent estimates, for the metrics page; null before the first. */
  error(model: string): { readonly input: number | null; readonly output: number | null };
  /** The same of every model that it remembers, the longest known first. */
  errors(): Iterable<ModelError>;
}

/** Mean absolute relative errors of a model's estimates; null: no answer with the provider's own count has come yet. */
export interface ModelError {
  readonly model: string;
  readonly input: number | null;
  readonly output: number | null;
}
