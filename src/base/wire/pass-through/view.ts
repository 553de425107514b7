import type { AnswerView, FieldFault, PolicyView } from '#wire/dialect.ts';
import { shortString, wrongField } from '#wire/json/checks.ts';
import { isObject, isUnset, objectOf, textOf, type JsonObject } from '#wire/json/read.ts';
import { readFault } from '#wire/openai-chat/faults.ts';
import { MAX_MODEL_CHARS } from '#wire/openai-chat/policy.ts';

const NO_MEDIA = Object.freeze({ images: 0, audios: 0, files: 0 });
const NONE: readonly never[] = Object.freeze([]);

/** What policy reads of a request of which it needs no more than the model. */
export const plainView = (body: JsonObject, model: string): PolicyView => ({
  model,
  stream: false,
  includeUsage: true,
  maxOutputTokens: null,
  n: 1,
  serviceTier: textOf(body['service_tier']),
  store: null,
  background: false,
  cacheSalt: !isUnset(body['cache_salt']),
  hostedTools: NONE,
  endUser: textOf(body['user']) ?? textOf(body['safety_identifier']) ?? textOf(objectOf(body['metadata'])['user_id']),
  sessionHint: null,
  keptIds: NONE,
  media: NO_MEDIA,
  inputs: 1,
});

export const MODEL_CHECK = shortString(MAX_MODEL_CHARS);

/** The first of the fields that is not set. */
export function firstMissing(body: JsonObject, wanted: Readonly<Record<string, string>>): FieldFault | null {
  for (const [field, right] of Object.entries(wanted))
    if (isUnset(body[field])) return wrongField(field, right, body[field]);
  return null;
}

export const MODEL_WANTED = `a string of 1 to ${MAX_MODEL_CHARS} characters`;

const NO_ANSWER: AnswerView = Object.freeze({
  usage: null,
  finish: null,
  modelReturned: null,
  fingerprint: null,
  serviceTier: null,
  keptIds: NONE,
  fault: null,
});

/** An answer object, of which `usage` is what it says of its own cost; `right` tells it from an error under status 200. */
export function answerView(value: unknown, right: boolean, usage: AnswerView['usage'], what: string): AnswerView {
  const answer = objectOf(value);
  if (isObject(value) && !isUnset(value['error'])) return { ...NO_ANSWER, fault: readFault(null, value) };
  if (!right) return { ...NO_ANSWER, fault: notWhat(what) };
  return { ...NO_ANSWER, usage, modelReturned: textOf(answer['model']) };
}

const notWhat = (what: string): AnswerView['fault'] => ({
  type: 'server',
  status: null,
  message: `The provider answered with something that is no ${what}.`,
  code: null,
  field: null,
});
