import { createHash, type Hash } from 'node:crypto';
import type { CanonicalEvent, FinishReason } from '#wire/canonical.ts';
import { mergeUsage, type Usage } from '#wire/usage.ts';

/** What a stream's end says of its answer. */
export interface AnswerFacts {
  /** Of the first choice; null: the answer did not come to one. */
  readonly finish: FinishReason | null;
  /** As far as the caller's events say it. */
  readonly usage: Usage | null;
  /**
   * SHA-256, in hex, of the answer's text in UTF-8: the pieces of its text blocks in the order in which they came, of
   * all choices. Reasoning, refusals and arguments of tools are none of it.
   */
  readonly textSha256: string;
}

/**
 * Bytes of text that are gathered before they are hashed: a call of the hash costs more than a piece. They are kept as
 * bytes, since a kept piece would keep the whole event alive that it was cut out of.
 */
const PENDING_BYTES = 128;
/** UTF-8 of a UTF-16 unit is at most so many bytes. */
const MOST_BYTES = 3;

/** Facts of an answer, gathered as its events pass: a step costs the same however long the answer is. */
export class FactsSoFar {
  readonly #texts = new Set<number>();
  #hash: Hash | null = null;
  #pending: Buffer | null = null;
  #length = 0;
  /** First half of a character of two, which waits for the other. */
  #half = '';
  #finish: FinishReason | null = null;
  #usage: Usage | null = null;

  take(event: CanonicalEvent): void {
    switch (event.type) {
      case 'block_start':
        if (event.kind === 'text') this.#texts.add(blockKey(event));
        break;
      case 'delta':
        if (this.#texts.has(blockKey(event))) this.#text(event.text);
        break;
      case 'finish':
        if (event.choice === 0) this.#finish = event.reason;
        break;
      case 'usage':
        this.#usage = mergeUsage(this.#usage, event.usage);
        break;
      default:
    }
  }

  /** The facts now. The hash stays open: more may follow. */
  get(): AnswerFacts {
    const hash = (this.#hash?.copy() ?? createHash('sha256')).update(this.#gathered()).update(this.#half);
    return { finish: this.#finish, usage: this.#usage, textSha256: hash.digest('hex') };
  }

  #text(piece: string): void {
    const joined = this.#half + piece;
    this.#half = isFirstHalf(joined.charCodeAt(joined.length - 1)) ? joined.slice(-1) : '';
    const text = this.#half === '' ? joined : joined.slice(0, -1);
    if (text.length * MOST_BYTES > PENDING_BYTES - this.#length) this.#flush();
    if (text.length * MOST_BYTES > PENDING_BYTES) this.#hash!.update(text);
    else this.#length += (this.#pending ??= Buffer.allocUnsafe(PENDING_BYTES)).write(text, this.#length);
  }

  #gathered(): Buffer {
    return this.#pending?.subarray(0, this.#length) ?? NOTHING;
  }

  #flush(): void {
    this.#hash ??= createHash('sha256');
    this.#hash.update(this.#gathered());
    this.#length = 0;
  }
}

const NOTHING = Buffer.alloc(0);
const isFirstHalf = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;

/** Blocks of all choices under one number: a choice has fewer than a million. */
const blockKey = ({ choice, block }: { readonly choice: number; readonly block: number }): number =>
  choice * 1_000_000 + block;
