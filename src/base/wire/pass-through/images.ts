import { err, ok, type Result } from '#kernel/result.ts';
import type { AnswerView, Dialect, EventView, FieldFault, PolicyView, StreamReader } from '#wire/dialect.ts';
import { patchForm } from '#wire/form/patch-form.ts';
import { aBoolean, aString, firstWrong, integerWithin, wrongField, type Check } from '#wire/json/checks.ts';
import { countOf, listOf, objectOf, textOf, type JsonObject } from '#wire/json/read.ts';
import type { StrictJson } from '#wire/json/strict.ts';
import { NO_UNITS, type Units } from '#wire/usage.ts';
import { passThrough } from './dialect.ts';
import { filesOf, typedFields } from './form-fields.ts';
import { imageUnit, INPUT_IMAGE_TOKENS, mostImageTokens, PARTIAL_IMAGE_TOKENS } from './image-size.ts';
import { typedReader } from './stream.ts';
import { imageUsage } from './usage.ts';
import { withoutImages } from './without-images.ts';
import { answerView, firstMissing, MODEL_CHECK, MODEL_WANTED, plainView } from './view.ts';

/** Types of the fields that policy and metering read (openai 7.57.0 `ImageGenerateParamsBase`, `ImageEditParamsBase`). */
const CHECKS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['model', MODEL_CHECK],
  ['prompt', aString],
  // OpenAI's own bound, and money for no more than ten is reserved.
  ['n', integerWithin(1, 10)],
  ['size', aString],
  ['quality', aString],
  ['stream', aBoolean],
  ['partial_images', integerWithin(0, 3)],
  ['response_format', aString],
  ['user', aString],
  ['safety_identifier', aString],
]);
const FORM_KINDS = { n: 'count', stream: 'boolean', partial_images: 'count' } as const;
const MODEL = { model: MODEL_WANTED };
const PROMPT = { ...MODEL, prompt: 'a string' };

function generation(request: StrictJson): Result<PolicyView, FieldFault> {
  const body = request.value;
  const wrong = firstMissing(body, PROMPT) ?? firstWrong(body, CHECKS);
  return wrong ? err(wrong) : ok(view(body, 0));
}

/** Of a form: `image` alone or a list of them, and what else an edit looks at. */
const ofForm =
  (wanted: Readonly<Record<string, string>>) =>
  (request: StrictJson): Result<PolicyView, FieldFault> => {
    const typed = typedFields(request.value, FORM_KINDS);
    if (!typed.ok) return typed;
    const body = typed.value;
    const wrong = firstMissing(body, wanted) ?? firstWrong(body, CHECKS);
    if (wrong) return err(wrong);
    const images = filesOf(body, 'image').length;
    if (images === 0) return err(wrongField('image', 'a file', body['image']));
    return ok(view(body, images + filesOf(body, 'mask').length + filesOf(body, 'markup').length));
  };

function view(body: JsonObject, images: number): PolicyView {
  const plain = plainView(body, body['model'] as string);
  const [quality, size] = [textOf(body['quality']), textOf(body['size']) ?? sidesOf(body)];
  const n = countOf(body['n']) ?? 1;
  const units = { [imageUnit(quality, size)]: n };
  const partials = (countOf(body['partial_images']) ?? 0) * PARTIAL_IMAGE_TOKENS;
  return {
    ...plain,
    stream: body['stream'] === true,
    maxOutputTokens: n * (mostImageTokens(quality, size) + partials),
    media: { ...plain.media, images },
    asked: {
      units,
      most: units,
      textBytes: Buffer.byteLength(textOf(body['prompt']) ?? ''),
      mediaTokens: images * INPUT_IMAGE_TOKENS,
    },
  };
}

/** Together says the two sides in fields of their own. */
function sidesOf(body: JsonObject): string | null {
  const [width, height] = [countOf(body['width']), countOf(body['height'])];
  return width === null || height === null ? null : `${width}x${height}`;
}

/** Images that came, under the quality and size that the answer states, else those that were asked for. */
function unitsOf(answer: JsonObject, made: number, asked: Units): Units {
  const [quality, size] = [textOf(answer['quality']), textOf(answer['size'])];
  const [name = imageUnit(null, null)] = Object.keys(asked);
  if (quality === null && size === null) return { [name]: made };
  const [askedQuality = '', askedSize = ''] = name.replace(/\.image$/, '').split('-');
  return { [imageUnit(quality ?? askedQuality, size ?? askedSize)]: made };
}

function readAnswer(value: unknown, view?: PolicyView): AnswerView {
  const answer = objectOf(value);
  const made = listOf(answer['data']).length;
  const usage = imageUsage(answer, unitsOf(answer, made, view?.asked?.units ?? NO_UNITS));
  return { ...answerView(value, made > 0, usage, 'list of images'), counted: usage.inputTokens === null };
}

/** A stream makes as many images as were asked for; the last one ends it. */
function streamReader(view?: PolicyView): StreamReader {
  const asked = view?.asked?.units ?? NO_UNITS;
  let left = Object.values(asked)[0] ?? 1;
  return typedReader((type, event): Partial<EventView> | null => {
    if (type.endsWith('.partial_image')) return { content: true };
    if (!type.endsWith('.completed')) return null;
    left--;
    const usage = imageUsage(event, NO_UNITS);
    const stated = usage.inputTokens !== null || usage.outputTokens !== null;
    return { content: true, terminal: left <= 0, usage: stated ? usage : null };
  });
}

const IMAGES = { kind: 'image', readAnswer, streamReader, readable: withoutImages } as const;
const FORM: Pick<Dialect, 'form' | 'patch'> = { form: true, patch: patchForm };

/** OpenAI Images, unary and streamed (`image_generation.partial_image`, `image_generation.completed`). */
export const openaiImages = passThrough({ ...IMAGES, name: 'openai-images', policy: generation });
/** Edits of images, a form with one or more of them. */
export const openaiImageEdits = passThrough({ ...IMAGES, ...FORM, name: 'openai-image-edits', policy: ofForm(PROMPT) });
/** Variations of one image, a form without a prompt. */
export const openaiImageVariations = passThrough({
  ...IMAGES,
  ...FORM,
  name: 'openai-image-variations',
  policy: ofForm(MODEL),
});
