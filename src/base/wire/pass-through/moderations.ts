import { err, ok, type Result } from '#kernel/result.ts';
import type { FieldFault, PolicyView } from '#wire/dialect.ts';
import { anArray, anyOf, aString, firstWrong, type Check } from '#wire/json/checks.ts';
import { isUnset, listOf, objectOf, textOf } from '#wire/json/read.ts';
import type { StrictJson } from '#wire/json/strict.ts';
import { readUsage } from '#wire/openai-chat/usage.ts';
import { passThrough } from './dialect.ts';
import { answerView, firstMissing, MODEL_CHECK, plainView } from './view.ts';

/** What OpenAI takes where the caller names no model (openai 7.57.0 `ModerationCreateParams`). */
const USUAL_MODEL = 'omni-moderation-latest';

const CHECKS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['model', MODEL_CHECK],
  ['input', anyOf(aString, anArray)],
]);

function policy(request: StrictJson): Result<PolicyView, FieldFault> {
  const body = request.value;
  const wrong = firstMissing(body, { input: 'a string or an array' }) ?? firstWrong(body, CHECKS);
  if (wrong) return err(wrong);
  const images = listOf(body['input']).filter((part) => !isUnset(objectOf(part)['image_url'])).length;
  const view = plainView(body, textOf(body['model']) ?? USUAL_MODEL);
  return ok(images === 0 ? view : { ...view, media: { ...view.media, images } });
}

/** OpenAI Moderations: verdicts on texts and images. OpenAI states no usage, Mistral states tokens. */
export const openaiModerations = passThrough({
  name: 'openai-moderations',
  kind: 'moderation',
  policy,
  readAnswer: (value) => {
    const answer = objectOf(value);
    return answerView(value, Array.isArray(answer['results']), readUsage(answer), 'moderation');
  },
});
