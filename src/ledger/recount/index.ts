export { Recounts, type KeepableAttempt, type RecountParts, type RecountResult } from './recounts.ts';
export type { KeptBytes } from './kept-bytes.ts';
export { TokenCounter, type CounterLimits } from './token-counter.ts';
export { reasonsOutOfSight, tokenizerOf } from './tokenizer-of.ts';
