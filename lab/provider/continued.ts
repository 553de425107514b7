import type { Choice } from './answer.ts';
import { type Json, contentText } from './dialects/reading.ts';
import { LabError } from './errors.ts';

/** Claude from 4.6 on takes no beginning of its answer. */
const NO_PREFILL = /claude-(?:(?:opus|sonnet|haiku)-(?:4-[6-9]|[5-9])|fable)/;

const lastOf = (messages: readonly Json[]): Json | null => {
  const last = messages.at(-1);
  return last?.['role'] === 'assistant' ? last : null;
};

/** As Anthropic: a last message of the assistant is the beginning of the answer, where the model takes one. */
export function prefilled(body: Json, messages: readonly Json[], model = String(body['model'])): string | null {
  const last = lastOf(messages);
  if (last === null) return null;
  if (NO_PREFILL.test(model)) {
    throw new LabError(
      400,
      'This model does not support assistant message prefill. The conversation must end with a user message.',
    );
  }
  if (['enabled', 'adaptive'].includes(String((body['thinking'] as Json | undefined)?.['type'])))
    throw new LabError(400, 'messages: prefill is not supported with thinking');
  const text = contentText(last['content']);
  if (text !== text.trimEnd())
    throw new LabError(400, 'messages: final assistant content cannot end with trailing whitespace');
  return text;
}

/** As vLLM: it is one that is over unless the request says otherwise, and then the answer begins anew behind it. */
export function continuedFinal(body: Json, messages: readonly Json[]): string | null {
  if (body['continue_final_message'] !== true) return null;
  if (body['add_generation_prompt'] !== false)
    throw new LabError(400, 'Cannot set both `continue_final_message` and `add_generation_prompt` to True.');
  const last = lastOf(messages);
  if (last === null) throw new LabError(400, '`continue_final_message` needs a last message of the assistant.');
  return contentText(last['content']);
}

/** As Gemini has been seen to: it goes on with a last turn of the model's. */
export function goneOnWith(contents: readonly Json[]): string | null {
  const last = contents.at(-1);
  return last?.['role'] === 'model' ? contentText(last['parts']) : null;
}

/** A model without turns writes on: a prompt that ends in `A:` and a text has the beginning of the answer. */
export function writtenOn(prompt: string): { readonly asked: string; readonly said: string | null } {
  const at = prompt.lastIndexOf(ANSWER);
  if (at < 0) return { asked: prompt, said: null };
  const said = prompt.slice(at + ANSWER.length);
  return { asked: prompt.slice(0, at), said: said === '' ? null : said };
}
const ANSWER = '\n\nA:';

/** What is left to say behind what was said. An answer that does not begin so is said as it is. */
export function behind(choice: Choice, said: string | null): Choice {
  if (said === null) return choice;
  const parts = choice.parts.flatMap((part) => {
    if (part.kind !== 'text' || !part.text.startsWith(said)) return [part];
    const text = part.text.slice(said.length);
    return [{ ...part, text }];
  });
  return { ...choice, parts };
}
