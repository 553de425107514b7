import { err, type Result } from '#kernel/result.ts';
import type { FieldFault } from '#wire/dialect.ts';
import { itemsIn } from '#wire/json/items.ts';
import type { SpliceChanges } from '#wire/json/splice.ts';
import type { StrictJson } from '#wire/json/strict.ts';
import { inner, insertions, OPEN_ARRAY } from '#wire/seams.ts';

const QUOTE = 0x22;

/**
 * A text before each prompt, with an empty line between. Token ids have no place for a text, and `echo` would show it:
 * both are refused.
 */
export function lead({ bytes, spans, value }: StrictJson, text: string): Result<SpliceChanges, FieldFault> {
  if (value['echo'] === true) return refused('echo');
  const prompt = spans.get('prompt');
  const places = prompt && (bytes[prompt.start] === OPEN_ARRAY ? [...itemsIn(bytes, prompt)] : [prompt]);
  if (!places || places.length === 0 || places.some(({ start }) => bytes[start] !== QUOTE)) return refused('prompt');
  return insertions(places.map(({ start }) => ({ at: start + 1, text: `${inner(text)}\\n\\n` })));
}

const WHY = {
  echo: '`echo` is not taken where a text is put in front of the prompt.',
  prompt: 'The prompt must be one text or a list of texts: a text is put in front of it.',
} as const;

const refused = (field: keyof typeof WHY): Result<never, FieldFault> =>
  err({ code: 'unsupported_field', field, message: WHY[field] });
