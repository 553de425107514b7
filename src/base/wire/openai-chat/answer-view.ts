import type { AnswerView } from '#wire/dialect.ts';
import type { FinishReason, ProviderFault } from '#wire/canonical.ts';
import { isObject, isUnset, listOf, objectOf, textOf, type JsonObject } from '#wire/json/read.ts';
import { readFault } from './faults.ts';
import { readFinish } from './finish.ts';
import { readUsage } from './usage.ts';

const EMPTY: AnswerView = Object.freeze({
  usage: null,
  finish: null,
  modelReturned: null,
  fingerprint: null,
  serviceTier: null,
  keptIds: Object.freeze([]),
  fault: null,
});

/** What the gate needs of a unary chat answer. A body that is no completion is a fault, whatever its status was. */
export function readAnswer(value: unknown): AnswerView {
  if (!isObject(value) || !Array.isArray(value['choices'])) return { ...EMPTY, fault: noCompletion(value) };
  return {
    usage: readUsage(value),
    finish: finishOf(value['choices']),
    modelReturned: textOf(value['model']),
    fingerprint: textOf(value['system_fingerprint']),
    serviceTier: textOf(value['service_tier']),
    keptIds: spokenIds(value),
    fault: isUnset(value['error']) ? null : readFault(null, value),
  };
}

function noCompletion(value: unknown): ProviderFault {
  if (isObject(value) && !isUnset(value['error'])) return readFault(null, value);
  const message = 'The provider answered with something that is no chat completion.';
  return { type: 'server', status: null, message, code: null, field: null };
}

/** Of several choices the one that says most: a cut one before a whole one. */
function finishOf(choices: readonly unknown[]): FinishReason | null {
  if (choices.length === 1) return readFinish(objectOf(choices[0])['finish_reason']);
  const reasons = choices.map((choice) => readFinish(objectOf(choice)['finish_reason'])).filter((r) => r !== null);
  return reasons.find((reason) => reason === 'length') ?? reasons[0] ?? null;
}

/** A spoken answer stays with the provider and may be named in a later call. */
function spokenIds(answer: JsonObject): AnswerView['keptIds'] {
  const isSpoken = (choice: unknown): boolean => objectOf(objectOf(choice)['message'])['audio'] !== undefined;
  if (!listOf(answer['choices']).some(isSpoken)) return EMPTY.keptIds;
  return listOf(answer['choices']).flatMap((choice) => {
    const id = textOf(objectOf(objectOf(objectOf(choice)['message'])['audio'])['id']);
    return id === null ? [] : [{ kind: 'audio', id }];
  });
}
