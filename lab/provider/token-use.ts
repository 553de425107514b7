import type { Ask, Choice, TokenUse } from './answer.ts';
import { choiceTokens, reasoningTokens } from './plan-answer.ts';
import { BYTES_PER_TOKEN, countTokens, hashBlocks } from './tokens.ts';

/** A prompt as the engine takes it. */
export interface Prompt {
  readonly tokens: number;
  /** Blocks that may be shared: all where the API caches by itself, those before the last marker where it does not. */
  readonly blocks: readonly string[];
}

export function promptOf(ask: Ask, marked: boolean, blockTokens: number): Prompt {
  const bytes = Buffer.from(ask.prompt);
  const cacheable = marked ? bytes.subarray(0, ask.markedBytes ?? 0) : bytes;
  return { tokens: Math.max(1, countTokens(ask.prompt)), blocks: hashBlocks(cacheable, blockTokens) };
}

interface UseInput {
  readonly ask: Ask;
  readonly prompt: Prompt;
  readonly choices: readonly Choice[];
  /** What the engine found in its prefix cache. */
  readonly cachedTokens: number;
  readonly anthropic: boolean;
  readonly cacheMinTokens: number;
}

// OpenAI reports cached tokens in steps of 128 (prompt caching guide).
const OPENAI_CACHE_STEP = 128;

/** Tokens of an answer as that API would bill them. */
export function tokenUse(input: UseInput): TokenUse {
  const cache = input.anthropic ? anthropicCache(input) : openaiCache(input);
  return {
    input: input.prompt.tokens,
    ...cache,
    output: input.choices.reduce((sum, choice) => sum + choiceTokens(choice), 0),
    reasoning: input.choices.reduce((sum, choice) => sum + reasoningTokens(choice), 0),
  };
}

type CacheUse = Pick<TokenUse, 'cachedRead' | 'cacheWrite5m' | 'cacheWrite1h'>;

function openaiCache({ prompt, cachedTokens, cacheMinTokens }: UseInput): CacheUse {
  const counts = prompt.tokens >= cacheMinTokens && cachedTokens >= Math.min(cacheMinTokens, OPENAI_CACHE_STEP);
  const cachedRead = counts ? Math.floor(cachedTokens / OPENAI_CACHE_STEP) * OPENAI_CACHE_STEP : 0;
  return { cachedRead, cacheWrite5m: 0, cacheWrite1h: 0 };
}

/** Reads what is there, writes the rest of what is marked; a marked prefix under the minimum is not cached at all. */
function anthropicCache({ ask, cachedTokens, cacheMinTokens }: UseInput): CacheUse {
  const markedTokens = Math.floor((ask.markedBytes ?? 0) / BYTES_PER_TOKEN);
  if (markedTokens < cacheMinTokens) return { cachedRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 };
  const cachedRead = Math.min(cachedTokens, markedTokens);
  const written = markedTokens - cachedRead;
  return {
    cachedRead,
    cacheWrite5m: ask.cacheTtl === '5m' ? written : 0,
    cacheWrite1h: ask.cacheTtl === '1h' ? written : 0,
  };
}

/** The `wrong-usage` fault: every figure too large by a factor. */
export const inflated = (use: TokenUse, factor: number): TokenUse => ({
  ...use,
  input: Math.round(use.input * factor),
  output: Math.round(use.output * factor),
});
