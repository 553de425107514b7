import { parentPort } from 'node:worker_threads';
import type { CountBegun, CountReply, CountRequest } from './token-counter.ts';
import { isUnbroken, streamTexts } from './stream-texts.ts';
import type { Tokenizer } from './tokenizer-of.ts';

/*
 * Counts streams one after another. Nothing of a text outlives its count: the tokenizer's own cache of pieces is
 * emptied each time, so that one tenant's words are never in memory, or in a timing, when another's are counted.
 */
const LOADED = {
  o200k_base: () => import('gpt-tokenizer/encoding/o200k_base'),
  cl100k_base: () => import('gpt-tokenizer/encoding/cl100k_base'),
} as const satisfies Record<Tokenizer, unknown>;

/** Marks such as `<|endoftext|>` are plain text here: a model that writes them writes letters. */
const PLAIN = { disallowedSpecial: new Set<string>() };

async function count({ id, dialect, tokenizer, bytes }: CountRequest): Promise<CountReply> {
  const texts = streamTexts(dialect, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  if (texts.some(isUnbroken)) return { id, tokens: null, why: 'too_hard' };
  const { countTokens, clearMergeCache } = await LOADED[tokenizer]();
  parentPort!.postMessage({ id, begun: true } satisfies CountBegun);
  try {
    return { id, tokens: texts.reduce((sum, text) => sum + countTokens(text, PLAIN), 0), why: null };
  } finally {
    clearMergeCache();
  }
}

parentPort!.on('message', (request: CountRequest) => {
  void count(request)
    .catch((): CountReply => ({ id: request.id, tokens: null, why: 'failed' }))
    .then((reply) => parentPort!.postMessage(reply));
});
