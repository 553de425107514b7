import { err, ok, type Result } from '#kernel/result.ts';

/** A position at which nothing is read. */
export type Edge = 'start' | 'end' | 'word' | 'no_word';

export type Node =
  /** One code point out of a set. */
  | { readonly is: 'one'; readonly fits: (char: string, code: number) => boolean }
  | { readonly is: 'edge'; readonly edge: Edge }
  | { readonly is: 'all'; readonly parts: readonly Node[] }
  | { readonly is: 'any'; readonly of: readonly Node[] }
  | { readonly is: 'times'; readonly of: Node; readonly min: number; readonly max: number };

const ASCII = 128;

/**
 * Reads the part of JavaScript's regular expressions (with the flag `u`) that can be matched in time linear in the
 * text. References to groups and looking around cannot; nor are groups with flags of their own read.
 */
export function parseRegex(source: string): Result<Node, string> {
  try {
    // The engine's own words for what is no expression at all.
    new RegExp(source, 'u');
  } catch (error) {
    return err((error as Error).message.replace(/^Invalid regular expression: /, 'is no regular expression: '));
  }
  const reader = new Reader(source);
  const node = reader.choice();
  return reader.refused === null ? ok(node) : err(reader.refused);
}

/** Walks a source that the engine has found valid: what is left is to say what it means. */
class Reader {
  readonly #source: string;
  #at = 0;
  refused: string | null = null;

  constructor(source: string) {
    this.#source = source;
  }

  choice(): Node {
    const of = [this.#sequence()];
    while (this.#take('|')) of.push(this.#sequence());
    return of.length === 1 ? of[0]! : { is: 'any', of };
  }

  #sequence(): Node {
    const parts: Node[] = [];
    while (this.refused === null && this.#at < this.#source.length && !'|)'.includes(this.#source[this.#at]!))
      parts.push(this.#repeated(this.#atom()));
    return { is: 'all', parts };
  }

  #repeated(of: Node): Node {
    const [text, low, comma, high] = /^(?:[*+?]|\{(\d+)(,?)(\d*)\})/.exec(this.#source.slice(this.#at)) ?? [];
    if (text === undefined) return of;
    this.#at += text.length;
    // Lazy or greedy: whether there is a match is the same.
    this.#take('?');
    if (low === undefined) return { is: 'times', of, min: text === '+' ? 1 : 0, max: text === '?' ? 1 : Infinity };
    const min = Number(low);
    return { is: 'times', of, min, max: comma === '' ? min : high === '' ? Infinity : Number(high) };
  }

  #atom(): Node {
    const char = String.fromCodePoint(this.#source.codePointAt(this.#at)!);
    if (char === '(') return this.#group();
    if (char === '[') return one(this.#cut(this.#classEnd()));
    if (char === '\\') return this.#escape();
    this.#at += char.length;
    if (char === '^') return { is: 'edge', edge: 'start' };
    if (char === '$') return { is: 'edge', edge: 'end' };
    return char === '.' ? one('.') : exactly(char);
  }

  #group(): Node {
    const [head] = /^\((?:\?:|\?<(?![=!])[^>]*>|(?!\?))?/.exec(this.#source.slice(this.#at))!;
    if (this.#source.startsWith('(?', this.#at) && head.length < 3) {
      this.refused = 'looks ahead or behind, or sets flags within, which cannot be matched in bounded time';
      this.#at = this.#source.length;
      return { is: 'all', parts: [] };
    }
    this.#at += head.length;
    const inner = this.choice();
    this.#take(')');
    return inner;
  }

  #escape(): Node {
    const rest = this.#source.slice(this.#at);
    if (/^\\(?:[1-9]|k<)/.test(rest)) {
      this.refused = 'refers back to a group, which cannot be matched in bounded time';
      this.#at = this.#source.length;
      return { is: 'all', parts: [] };
    }
    if (/^\\b/i.test(rest)) {
      this.#at += 2;
      return { is: 'edge', edge: rest[1] === 'b' ? 'word' : 'no_word' };
    }
    // A pair of surrogates that are both escaped is one character.
    const pair = /^\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}/.exec(rest);
    const single = /^\\(?:u\{[^}]*\}|u[\da-fA-F]{4}|x[\da-fA-F]{2}|c[a-zA-Z]|[pP]\{[^}]*\}|[\s\S])/u.exec(rest);
    return one(this.#cut(this.#at + (pair ?? single)![0].length));
  }

  #classEnd(): number {
    let end = this.#at + 1;
    while (this.#source[end] !== ']') end += this.#source[end] === '\\' ? 2 : 1;
    return end + 1;
  }

  #cut(end: number): string {
    const cut = this.#source.slice(this.#at, end);
    this.#at = end;
    return cut;
  }

  #take(char: string): boolean {
    if (!this.#source.startsWith(char, this.#at)) return false;
    this.#at += char.length;
    return true;
  }
}

const exactly = (wanted: string): Node => {
  const code = wanted.codePointAt(0)!;
  return { is: 'one', fits: (_, found) => found === code };
};

/** The engine says what is in a set, asked about one character: there is nothing to go back over. */
function one(set: string): Node {
  const regex = new RegExp(`^(?:${set})$`, 'u');
  const ascii = Array.from({ length: ASCII }, (_, code) => regex.test(String.fromCharCode(code)));
  return { is: 'one', fits: (char, code) => (code < ASCII ? ascii[code]! : regex.test(char)) };
}
