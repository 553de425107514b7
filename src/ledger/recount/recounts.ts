import type { CallId } from '#kernel/brand.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import type { DialectName } from '#wire/canonical.ts';
import type { Usage } from '#wire/usage.ts';
import { correctionOf, type Pricing } from '../entry/correction.ts';
import { CountedErrors } from './counted-errors.ts';
import { KeptBytes, KeptRoom } from './kept-bytes.ts';
import { canReadTexts } from './stream-texts.ts';
import type { Counted, TokenCounter, Uncounted } from './token-counter.ts';
import { tokenizerOf, type Tokenizer } from './tokenizer-of.ts';

/** A streamed attempt as far as it matters here. `kept` undefined: not decided yet; null: nothing is kept. */
export interface KeepableAttempt {
  readonly n: number;
  readonly model: string;
  readonly modelReturned: string | null;
  readonly dialect: { readonly name: DialectName };
  /** What the provider itself said before it broke off; its words are not lowered. */
  readonly usage: Usage | null;
  kept: KeptBytes | null | undefined;
}

export interface RecountParts {
  readonly counter: Pick<TokenCounter, 'count' | 'close'>;
  readonly pricing: Pricing;
  readonly newId: () => CallId;
  /** Stores a correction, or rejects while the store is away. */
  readonly ship: (correction: LedgerEntry) => Promise<unknown>;
  /** Money that budgets counted for the first row, moved to what the correction says. */
  readonly moved: (before: LedgerEntry, after: LedgerEntry) => unknown;
  readonly room?: KeptRoom;
}

/** What became of streams that ended without a usage, by a closed set of words. */
export type RecountResult = Uncounted | 'counted' | 'same' | 'store_away';

/**
 * Exact counts of streams that were cut. While a stream of a model with a public tokenizer runs, what its provider
 * sends is kept by reference; a stream that ends with its provider's own usage lets go of it. A cut one is counted in a
 * thread, and the count becomes a new row that names the first. The text is in memory alone, until it is counted.
 */
export class Recounts {
  readonly #parts: RecountParts;
  readonly #room: KeptRoom;
  readonly results = new Map<RecountResult, number>();
  readonly errors = new CountedErrors();

  constructor(parts: RecountParts) {
    this.#parts = parts;
    this.#room = parts.room ?? new KeptRoom();
  }

  get keptBytes(): number {
    return this.#room.usedBytes;
  }

  /** Called for each chunk of a stream, after its events were read: what the model is called may stand in the first. */
  keep(attempt: KeepableAttempt, chunk: Buffer): void {
    if (attempt.kept === undefined) attempt.kept = tokenizerFor(attempt) === null ? null : new KeptBytes(this.#room);
    attempt.kept?.add(chunk);
  }

  /** Once a call, when its entry is written. Lets go of what need not be counted. */
  settled(entry: LedgerEntry, attempts: readonly KeepableAttempt[]): void {
    let cut: KeepableAttempt[] | null = null;
    for (let i = 0; i < attempts.length; i++) {
      const attempt = attempts[i]!;
      if (!attempt.kept) continue;
      if (entry.attempts[i]!.usageSource === 'estimated') (cut ??= []).push(attempt);
      else attempt.kept.release();
    }
    if (cut) void this.#recount(entry, cut);
  }

  async #recount(entry: LedgerEntry, cut: readonly KeepableAttempt[]): Promise<void> {
    const exact = new Map<number, number>();
    for (const attempt of cut) {
      const { tokens, why } = await this.#count(attempt);
      attempt.kept!.release();
      if (tokens === null) this.#note(why!);
      else exact.set(attempt.n, Math.max(tokens, attempt.usage?.outputTokens ?? 0));
    }
    if (exact.size > 0) await this.#correct(entry, exact);
  }

  #count({ kept, dialect, ...attempt }: KeepableAttempt): Promise<Counted> {
    const chunks = kept!.chunks;
    if (chunks === null) return Promise.resolve({ tokens: null, why: 'no_room' });
    return this.#parts.counter.count({
      chunks,
      dialect: dialect.name,
      tokenizer: tokenizerFor({ dialect, ...attempt })!,
    });
  }

  async #correct(entry: LedgerEntry, exact: ReadonlyMap<number, number>): Promise<void> {
    for (const { n, deployment, provider, usage } of entry.attempts)
      if (exact.has(n))
        this.errors.note(deployment.slice(provider.length + 1), usage?.outputTokens ?? 0, exact.get(n)!);
    const attempts = entry.attempts.map((attempt) => withCount(attempt, exact.get(attempt.n)));
    if (attempts.every((attempt, i) => attempt === entry.attempts[i])) return this.#note('same');
    const { newId, pricing, ship, moved } = this.#parts;
    const correction = correctionOf(entry, { id: newId(), attempts }, pricing);
    try {
      await ship(correction);
    } catch {
      // What is lost is exactness: the first row stands, and says that it is an estimate.
      return this.#note('store_away');
    }
    moved(entry, correction);
    this.#note('counted');
  }

  /** Exact tokens of a stream that lies elsewhere; null: no public tokenizer counts this model, or it could not. */
  async tokensOf(
    model: string,
    { dialect, chunks }: { readonly dialect: DialectName; readonly chunks: readonly Buffer[] },
  ): Promise<number | null> {
    const tokenizer = tokenizerFor({ model, modelReturned: null, dialect: { name: dialect } });
    return tokenizer && (await this.#parts.counter.count({ chunks, dialect, tokenizer })).tokens;
  }

  /** A new row with the usage of one attempt as it is known now, and why; false: the store is away. */
  async settledAnew(
    entry: LedgerEntry,
    { n, usage, errorCode }: { readonly n: number; readonly usage: Usage; readonly errorCode: string },
  ): Promise<boolean> {
    const attempts = entry.attempts.map((attempt) => (attempt.n === n ? { ...attempt, usage } : attempt));
    const { newId, pricing, ship, moved } = this.#parts;
    const correction = correctionOf(entry, { id: newId(), attempts, errorCode }, pricing);
    try {
      await ship(correction);
    } catch {
      return false;
    }
    moved(entry, correction);
    return true;
  }

  #note(result: RecountResult): void {
    this.results.set(result, (this.results.get(result) ?? 0) + 1);
  }

  close(): Promise<void> {
    return this.#parts.counter.close();
  }
}

type Named = Pick<KeepableAttempt, 'model' | 'modelReturned' | 'dialect'>;

/** By the id that was sent, else by what the provider calls the model (an Azure deployment has any name). */
function tokenizerFor({ model, modelReturned, dialect }: Named): Tokenizer | null {
  if (!canReadTexts(dialect.name)) return null;
  return tokenizerOf(model) ?? (modelReturned === null ? null : tokenizerOf(modelReturned));
}

type Attempt = LedgerEntry['attempts'][number];

/** The text that came was generated and billed; that it was all is not known, so the row stays an estimate. */
function withCount(attempt: Attempt, tokens: number | undefined): Attempt {
  if (tokens === undefined || !attempt.usage || attempt.usage.outputTokens === tokens) return attempt;
  return { ...attempt, usage: { ...attempt.usage, outputTokens: tokens } };
}
