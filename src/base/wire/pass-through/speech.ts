import { err, ok, type Result } from '#kernel/result.ts';
import type { FieldFault, PolicyView } from '#wire/dialect.ts';
import { aNumber, anObject, anyOf, aString, firstWrong, type Check } from '#wire/json/checks.ts';
import { objectOf, textOf, type JsonObject } from '#wire/json/read.ts';
import type { StrictJson } from '#wire/json/strict.ts';
import { passThrough } from './dialect.ts';
import { typedReader } from './stream.ts';
import { speechUsage } from './usage.ts';
import { answerView, firstMissing, MODEL_CHECK, MODEL_WANTED, plainView } from './view.ts';

/** Types of the fields of `SpeechCreateParams` (openai 7.57.0). */
const CHECKS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['model', MODEL_CHECK],
  ['input', aString],
  ['voice', anyOf(aString, anObject)],
  ['instructions', aString],
  ['response_format', aString],
  ['speed', aNumber],
  ['stream_format', aString],
]);

/** Sound that a character may become: 20 tokens a second, and a Chinese character takes a quarter of one. */
const MOST_TOKENS_A_CHARACTER = 6;
const SOUND = /^(audio\/|video\/|application\/(octet-stream|ogg)\b)/i;

function policy(request: StrictJson): Result<PolicyView, FieldFault> {
  const body = request.value;
  const wrong = firstMissing(body, { model: MODEL_WANTED, input: 'a string' }) ?? firstWrong(body, CHECKS);
  return wrong ? err(wrong) : ok(view(body));
}

function view(body: JsonObject): PolicyView {
  const input = body['input'] as string;
  const character = codePoints(input);
  // A custom voice belongs to the account that made it.
  const voice = textOf(objectOf(body['voice'])['id']);
  return {
    ...plainView(body, body['model'] as string),
    stream: body['stream_format'] === 'sse',
    maxOutputTokens: character * MOST_TOKENS_A_CHARACTER,
    keptIds: voice === null ? [] : [{ kind: 'voice', id: voice, field: 'voice.id' }],
    asked: {
      units: { character },
      most: { character },
      textBytes: Buffer.byteLength(input) + Buffer.byteLength(textOf(body['instructions']) ?? ''),
      mediaTokens: 0,
    },
  };
}

/** Characters as people count them and providers bill them: a pair of surrogates is one. */
function codePoints(text: string): number {
  let count = text.length;
  for (let i = 0; i < text.length - 1; i++)
    if ((text.charCodeAt(i) & 0xfc00) === 0xd800 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) count--;
  return count;
}

const NO_ANSWER = 'sound';

/** OpenAI Speech: the answer is sound, or events of it (`speech.audio.delta`, `speech.audio.done` with its tokens). */
export const openaiSpeech = passThrough({
  name: 'openai-speech',
  kind: 'speech',
  policy,
  passes: (type) => SOUND.test(type),
  // JSON in place of sound is an error, whatever its status says.
  readAnswer: (value) => answerView(value, false, null, NO_ANSWER),
  streamReader: () =>
    typedReader((type, event) => {
      if (type === 'speech.audio.delta') return { content: true };
      return type === 'speech.audio.done' ? { terminal: true, usage: speechUsage(event) } : null;
    }),
});
