/** Letters and digits of any script make words; a character of a script without spaces is one by itself. */
const WORD =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Khmer}\p{Script=Lao}]|[\p{L}\p{M}\p{N}]+/gu;
const ALONE = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Khmer}\p{Script=Lao}]$/u;
/** An unbroken run of letters longer than this is no word: it is cut here, so that a stream of them waits for nothing. */
const LONGEST = 128;

/** Two numbers of 32 bits: who does not have them cannot look for a word by its hash. */
export interface HashKey {
  readonly a: number;
  readonly b: number;
}

/** 32 bits of a word under a key (FNV-1a with Murmur's last steps). */
export function wordHash(word: string, { a, b }: HashKey): number {
  let hash = (0x811c9dc5 ^ a) >>> 0;
  for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16) ^ b, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/**
 * The words of a text as it comes in pieces, each as its hash and its weight: case, spaces, line breaks, punctuation
 * and forms of the same letter make no difference (NFKC). A character of a script without spaces weighs half a word.
 */
export class WordReader {
  readonly #key: HashKey;
  #rest = '';

  constructor(key: HashKey) {
    this.#key = key;
  }

  /** `each` is called with every word that is complete. */
  push(piece: string, each: (hash: number, weight: number) => void): void {
    const text = this.#rest + piece;
    const open = /[\p{L}\p{M}\p{N}]+$/u.exec(text);
    const cut = open && open[0].length <= LONGEST ? open.index : text.length;
    this.#rest = text.slice(cut);
    this.#words(text.slice(0, cut), each);
  }

  /** No piece follows: the last word is complete. */
  end(each: (hash: number, weight: number) => void): void {
    this.#words(this.#rest, each);
    this.#rest = '';
  }

  #words(text: string, each: (hash: number, weight: number) => void): void {
    for (const [word] of text.normalize('NFKC').toLowerCase().matchAll(WORD))
      each(wordHash(word, this.#key), ALONE.test(word) ? 0.5 : 1);
  }
}
