import { invariant } from '#kernel/invariant.ts';
import type { CanonicalAnswer, CanonicalWhole, Part } from '#wire/canonical.ts';
import type { AnswerContext } from '#wire/dialect.ts';
import { countOf, isObject, listOf, numberOf, objectOf, textOf, type JsonObject } from '#wire/json/read.ts';
import { partsOfOutput } from './decode-items.ts';
import { finishOf } from './finish.ts';
import { minter, outputOf } from './output-items.ts';
import { endOf, responseId, responseObject } from './response-object.ts';
import { objectsOf } from './shape.ts';
import { readUsage } from './usage.ts';

/** A unary Response as a canonical answer of one choice. Total: what is missing is null or empty. */
export function decodeAnswer(value: unknown): CanonicalAnswer {
  const response = objectOf(value);
  const logprobs = logprobsOf(response);
  return {
    kind: 'generate',
    id: textOf(response['id']) ?? '',
    model: textOf(response['model']) ?? '',
    createdS: countOf(Math.trunc(numberOf(response['created_at']) ?? -1)),
    choices: [
      {
        parts: partsOfOutput(response['output']),
        finish: finishOf(response) ?? 'other',
        stopSequence: null,
        ...(logprobs.length > 0 && { logprobs: { content: logprobs, refusal: null } }),
      },
    ],
    usage: readUsage(response),
    serviceTier: textOf(response['service_tier']),
    fingerprint: null,
  };
}

/** In chat's form, one list for the choice: the entries of the two APIs are alike. */
const logprobsOf = (response: JsonObject): unknown[] =>
  objectsOf(response['output'])
    .flatMap((item) => objectsOf(item['content']))
    .flatMap((part) => listOf(part['logprobs']));

/** A canonical answer as a Response. Only the first choice: a caller of this API cannot ask for more. */
export function encodeAnswer(answer: CanonicalWhole, context: AnswerContext): object {
  invariant(answer.kind === 'generate', 'the Responses dialect writes generated answers');
  const choice = answer.choices[0];
  const parts: readonly Part[] = choice?.parts ?? [];
  const end = endOf(
    choice?.finish ?? null,
    parts.some((part) => part.type === 'refusal'),
  );
  const status = end.status === 'incomplete' ? 'incomplete' : 'completed';
  const scores = isObject(choice?.logprobs) ? listOf(choice.logprobs['content']) : [];
  return responseObject({
    id: responseId(answer.id, context.callId),
    model: answer.model || context.modelAsked,
    createdS: answer.createdS ?? context.nowS,
    ...end,
    output: outputOf(parts, minter(context.callId), scores, status),
    usage: answer.usage,
    serviceTier: answer.serviceTier,
    error: null,
  });
}
