/** Seeded prompt text of a wanted size in tokens. */

/** Uniform in [0, 1). */
export type Rng = () => number;

/** mulberry32: small, fast, and the same on every machine. */
export function seededRng(seed: number): Rng {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * Frequent words of three letters: with the space before it each is four bytes, and one token in OpenAI's vocabularies
 * (tested). So a word is a token, whether the other side counts tokens or divides bytes by four.
 */
export const WORDS = (
  'the and for was are had but not all can use she how out has two way who its now did get may new key ' +
  'few end big try run set own off one day men put too old any our her him his see say let yes ten top ' +
  'low red hot car job law war art bed air eye far got hit kid lot map net oil pay sea six son sun tax ' +
  'ago act add age bad bit buy'
).split(' ');

/** Mooncake's block size. */
export const DEFAULT_BLOCK_TOKENS = 512;
/** Blocks that are kept; a block is about 2 KB, and shared ones repeat soon. */
const MAX_KEPT_BLOCKS = 4096;

function words(count: number, seed: number): string {
  const rng = seededRng(seed);
  let text = '';
  for (let i = 0; i < count; i++) text += ` ${WORDS[Math.floor(rng() * WORDS.length)]}`;
  return text;
}

/** Two numbers to one seed, so that near ids give unlike text. */
const mix = (a: number, b: number): number => (Math.imul(a + 1, 0x9e3779b1) ^ Math.imul(b + 1, 0x85ebca6b)) >>> 0;

export interface PromptShape {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly prefixBlocks?: readonly number[];
}

export interface PromptWriter {
  /** The same shape and index give the same text. It ends with the directive for the answer's length. */
  readonly write: (shape: PromptShape, index: number) => string;
}

/**
 * Writes prompts of about `inputTokens` tokens: shared blocks first, then words of the call's own.
 * The closing directive `[[lab output=N]]` tells the simulated provider how long its answer is; others ignore it.
 */
export function promptWriter(seed: number, blockTokens = DEFAULT_BLOCK_TOKENS): PromptWriter {
  const kept = new Map<number, string>();
  const block = (id: number): string => {
    const known = kept.get(id);
    if (known !== undefined) return known;
    const text = words(blockTokens, mix(seed, id));
    const oldest = kept.keys().next().value;
    if (kept.size >= MAX_KEPT_BLOCKS && oldest !== undefined) kept.delete(oldest);
    kept.set(id, text);
    return text;
  };
  const write = ({ inputTokens, outputTokens, prefixBlocks = [] }: PromptShape, index: number): string => {
    // A trace's last block may be partly filled: only whole blocks are text that others can share.
    const shared = prefixBlocks.slice(0, Math.floor(inputTokens / blockTokens));
    const own = words(inputTokens - shared.length * blockTokens, mix(~seed, index));
    return `${shared.map(block).join('')}${own} [[lab output=${outputTokens}]]`.trimStart();
  };
  return { write };
}
