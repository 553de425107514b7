import type { DialectName } from '#wire/canonical.ts';
import type { Dialect } from '#wire/dialect.ts';
import { openaiChat } from '#wire/openai-chat/index.ts';
import { openaiResponses } from '#wire/openai-responses/index.ts';
import { sseSplitter } from '#wire/sse/splitter.ts';

/** Dialects in which models with a public tokenizer stream. */
const DIALECTS: Readonly<Partial<Record<DialectName, Dialect>>> = {
  'openai-chat': openaiChat,
  'openai-responses': openaiResponses,
};

export const canReadTexts = (dialect: DialectName): boolean => DIALECTS[dialect] !== undefined;

/**
 * Generated texts of a stream, one for each block of each choice: text, refusal, reasoning, name and arguments of a
 * tool call. A model makes each of them anew, so each is counted by itself.
 */
export function streamTexts(dialect: DialectName, bytes: Buffer): readonly string[] {
  const decoder = DIALECTS[dialect]!.streamDecoder();
  const texts = new Map<string, string>();
  const add = (name: string, text: string): void => void texts.set(name, (texts.get(name) ?? '') + text);
  for (const event of sseSplitter().push(bytes))
    for (const made of decoder.push(event)) {
      if (made.type === 'delta') add(`${made.choice}/${made.block}`, made.text);
      if (made.type === 'block_start' && made.name) add(`${made.choice}/${made.block}/name`, made.name);
    }
  return [...texts.values()];
}

/** A run of one class of characters is one piece to a tokenizer, and its time grows with the square of it. */
const MOST_UNBROKEN = 4_000;
const RUN = /\p{L}+|[^\s\p{L}\p{N}]+|\s+/gu;

/** Would counting take longer than any prose or code does? 200,000 times one letter take 35 s; 4,000 take 50 ms. */
export function isUnbroken(text: string): boolean {
  for (const [run] of text.matchAll(RUN)) if (run.length > MOST_UNBROKEN) return true;
  return false;
}
