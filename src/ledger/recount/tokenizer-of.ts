/** Vocabularies of the public tokenizer that can be counted with. */
export type Tokenizer = 'o200k_base' | 'cl100k_base';

/** Their tokens are no text: what was heard or drawn is not in the stream's words. */
const NOT_TEXT = /audio|realtime|transcribe|tts|image/;

/**
 * Families by the start of their name, first match (tiktoken, `model.py`; `gpt-tokenizer` 4.0.0, `modelsMap`). Families
 * that reason out of sight (o1, o3, o4, gpt-5) are billed for tokens that no stream shows: counting what came would
 * understate them, and their estimate, which is calibrated by what was billed, is the better figure.
 */
const FAMILIES: readonly (readonly [RegExp, Tokenizer | null])[] = [
  [/^gpt-5(\.\d+)?-chat/, 'o200k_base'],
  [/^(gpt-4o|gpt-4\.1|gpt-4\.5|chatgpt-4o)/, 'o200k_base'],
  [/^(gpt-4|gpt-3\.5|gpt-35)(-|$)/, 'cl100k_base'],
];

/** Those families, and others of whom no stream shows all that is billed. */
const OUT_OF_SIGHT = /^(o[1-9](-|$)|gpt-5(?!(\.\d+)?-chat)|gemini-(2\.5|[3-9])|grok-[3-9])/;

const nameOf = (model: string): string => model.slice(model.lastIndexOf('/') + 1).replace(/^ft:/, '');

/** May a model have generated more than its answer's text, where the answer shows nothing of it? */
export const reasonsOutOfSight = (model: string): boolean => OUT_OF_SIGHT.test(nameOf(model));

/** The tokenizer of a model id, also under a reseller's or a fine-tune's name; null where no public one counts it. */
export function tokenizerOf(model: string): Tokenizer | null {
  const name = nameOf(model);
  if (NOT_TEXT.test(name)) return null;
  return FAMILIES.find(([family]) => family.test(name))?.[1] ?? null;
}
