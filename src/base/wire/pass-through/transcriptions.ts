import { err, ok, type Result } from '#kernel/result.ts';
import type { AnswerView, FieldFault, PolicyView } from '#wire/dialect.ts';
import { patchForm } from '#wire/form/patch-form.ts';
import { isFormFile, type FormFile } from '#wire/form/read-form.ts';
import { aBoolean, aString, firstWrong, wrongField, type Check } from '#wire/json/checks.ts';
import { objectOf, textOf, type JsonObject } from '#wire/json/read.ts';
import type { StrictJson } from '#wire/json/strict.ts';
import { hasUnits, type Usage } from '#wire/usage.ts';
import { passThrough } from './dialect.ts';
import { typedFields } from './form-fields.ts';
import { typedReader } from './stream.ts';
import { soundUsage } from './usage.ts';
import { answerView, firstMissing, MODEL_CHECK, MODEL_WANTED, plainView } from './view.ts';

const CHECKS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['model', MODEL_CHECK],
  ['prompt', aString],
  ['response_format', aString],
  ['stream', aBoolean],
]);

/** The leanest speech codec in use (Opus at 6 kbit/s): no file holds more sound by its length. */
const LEAST_BYTES_A_SECOND = 750;
/** Tokens of sound that `gpt-4o-transcribe` counts, ten a second. */
const MS_A_TOKEN = 100;
/** The longest text that it writes (its model page). */
const MOST_OUTPUT_TOKENS = 16_000;
const TEXT = /^(text\/(?!html|event-stream)|application\/(x-subrip|srt|octet-stream)\b)/i;

function policy(request: StrictJson): Result<PolicyView, FieldFault> {
  const typed = typedFields(request.value, { stream: 'boolean' });
  if (!typed.ok) return typed;
  const body = typed.value;
  const wrong = firstMissing(body, { model: MODEL_WANTED }) ?? firstWrong(body, CHECKS);
  if (wrong) return err(wrong);
  const file = body['file'];
  return isFormFile(file) ? ok(view(body, file)) : err(wrongField('file', 'a file', file));
}

function view(body: JsonObject, file: FormFile): PolicyView {
  const plain = plainView(body, body['model'] as string);
  const mostMs = file.wavMs ?? Math.ceil((file.bytes * 1000) / LEAST_BYTES_A_SECOND);
  return {
    ...plain,
    stream: body['stream'] === true,
    maxOutputTokens: MOST_OUTPUT_TOKENS,
    media: { ...plain.media, audios: 1 },
    asked: {
      units: file.wavMs === null ? null : { audioMs: file.wavMs },
      most: { audioMs: mostMs },
      textBytes: Buffer.byteLength(textOf(body['prompt']) ?? ''),
      mediaTokens: Math.ceil(mostMs / MS_A_TOKEN),
    },
  };
}

/** The provider's word, else the length that the file itself states; null: nobody says it. */
function usageOf(answer: JsonObject, view?: PolicyView): Pick<AnswerView, 'usage' | 'counted'> {
  const stated = soundUsage(answer);
  if (saysSomething(stated)) return { usage: stated };
  const units = view?.asked?.units;
  return units ? { usage: { ...stated, units }, counted: true } : { usage: null };
}

const saysSomething = (usage: Usage): boolean =>
  usage.inputTokens !== null || usage.outputTokens !== null || hasUnits(usage);

function readAnswer(value: unknown, view?: PolicyView): AnswerView {
  const answer = objectOf(value);
  const { usage, ...counted } = usageOf(answer, view);
  return { ...answerView(value, typeof answer['text'] === 'string', usage, 'transcription'), ...counted };
}

const SOUND = {
  kind: 'transcription',
  form: true,
  policy,
  patch: patchForm,
  passes: (type: string) => TEXT.test(type),
  readAnswer,
  streamReader: () =>
    typedReader((type, event) => {
      // Mistral's names begin with `transcription` (mistralai 2.7.0 `TranscriptionStreamEventTypes`).
      if (type === 'transcript.text.delta' || type === 'transcription.text.delta')
        return { content: true, textBytes: Buffer.byteLength(textOf(event['delta'] ?? event['text']) ?? '') };
      if (type === 'transcript.text.segment' || type === 'transcription.segment') return { content: true };
      if (type !== 'transcript.text.done' && type !== 'transcription.done') return null;
      const usage = soundUsage(event);
      return { content: true, terminal: true, usage: saysSomething(usage) ? usage : null };
    }),
} as const;

/** OpenAI Transcriptions: a form with a sound file; JSON, plain text, subtitles or events (`transcript.text.done`). */
export const openaiTranscriptions = passThrough({ ...SOUND, name: 'openai-transcriptions' });
/** The same into English. */
export const openaiTranslations = passThrough({ ...SOUND, name: 'openai-translations' });
