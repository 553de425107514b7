/** Word list and byte-level BPE merges for a generated model: readable answers without a downloaded tokenizer. */
import type { Rng } from './random.ts';
import { pick } from './random.ts';

/** Token strings in byte-level BPE spelling, their GGUF types, and the merges in order of rank. */
export interface Vocabulary {
  readonly tokens: readonly string[];
  readonly types: readonly number[];
  readonly merges: readonly string[];
  readonly special: typeof SPECIAL;
  /** First id that is a word or a part of one; all ids below are control tokens and single bytes. */
  readonly firstWordId: number;
}

/** Ids of the control tokens. `turnEnd` also ends generation. */
const SPECIAL = { bos: 0, eos: 1, turnStart: 2, turnEnd: 3 } as const;
const SPECIAL_TEXT = ['<|bos|>', '<|eos|>', '<|im_start|>', '<|im_end|>'] as const;

/** llama.cpp's `llama_token_type`: 1 normal, 3 control. */
const NORMAL = 1;
const CONTROL = 3;

/** A space as byte-level BPE spells it. */
const SPACE = '\u0120';
const CONSONANTS = 'bcdfghklmnprstvw';
const VOWELS = 'aeiou';

/** Frequent English words come first, so that ordinary prompts compress as they do with a trained tokenizer. */
const ENGLISH = `the of and to in is that it for was on are as with they be at this have from or one had by word but
not what all were we when your can said there use an each which she do how their if will up other about out many then
them these so some her would make like him into time has look two more write go see number no way could people my than
first water been call who its now find long down day did get come made may part over new sound take only little work
know place year live me back give most very after thing our just name good`.split(/\s+/);

/** Printable stand-ins for the 256 byte values, as GPT-2's tokenizer defines them. */
function byteAlphabet(): string[] {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    return String.fromCodePoint(printable ? byte : next++);
  });
}

/** Invents a pronounceable word of two or three syllables. */
function inventWord(rng: Rng): string {
  const syllables = 2 + Math.floor(rng() * 2);
  return Array.from({ length: syllables }, () => pick(rng, CONSONANTS) + pick(rng, VOWELS)).join('');
}

/**
 * Builds a vocabulary of exactly `size` tokens. The same size and generator state give the same vocabulary.
 * Words are reached by left-to-right merges (Ġ+t, Ġt+h, Ġth+e), so every prefix of a word is a token as well.
 */
export function buildVocabulary(size: number, rng: Rng): Vocabulary {
  const tokens: string[] = [...SPECIAL_TEXT, ...byteAlphabet()];
  const types = tokens.map((_, id) => (id < SPECIAL_TEXT.length ? CONTROL : NORMAL));
  const firstWordId = tokens.length;
  const known = new Set(tokens);
  const merges: string[] = [];
  const addWord = (word: string): void => {
    let left = SPACE;
    for (const letter of word) {
      const joined = left + letter;
      if (!known.has(joined)) {
        if (tokens.length >= size) return;
        known.add(joined);
        tokens.push(joined);
        types.push(NORMAL);
        merges.push(`${left} ${letter}`);
      }
      left = joined;
    }
  };
  for (const word of ENGLISH) addWord(word);
  while (tokens.length < size) addWord(inventWord(rng));
  return { tokens, types, merges, special: SPECIAL, firstWordId };
}
