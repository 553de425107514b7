import { contentText, type Json, required } from './reading.ts';

const CATEGORIES = [
  ...['harassment', 'harassment/threatening', 'hate', 'hate/threatening', 'illicit', 'illicit/violent'],
  ...['self-harm', 'self-harm/intent', 'self-harm/instructions', 'sexual', 'sexual/minors'],
  ...['violence', 'violence/graphic'],
];

/** Texts of `input`: a string, an array of strings, or one multi-modal input of parts. */
function inputsOf(input: unknown): string[] {
  if (!Array.isArray(input)) return [String(input)];
  return input.every((one) => typeof one === 'string') ? (input as string[]) : [contentText(input)];
}

/** A moderation as `ModerationCreateResponse` of openai 7.57.0 has it: `violence` is flagged where the text says so. */
export function moderation(body: Json, id: string): object {
  return {
    id: `modr-${id}`,
    model: String(body['model'] ?? 'omni-moderation-latest'),
    results: inputsOf(required(body, 'input')).map((text) => {
      const flagged = /\bviolence\b/i.test(text);
      const of = <T>(hit: T, miss: T): Record<string, T> =>
        Object.fromEntries(CATEGORIES.map((name) => [name, flagged && name === 'violence' ? hit : miss]));
      return {
        flagged,
        categories: of(true, false),
        category_scores: of(0.97, 0.0001),
        category_applied_input_types: of(['text'], ['text']),
      };
    }),
  };
}

export const moderationText = (body: Json): string => inputsOf(body['input']).join('\n');
