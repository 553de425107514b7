import type { ProviderFault } from '#wire/canonical.ts';
import type { AnswerView } from '#wire/dialect.ts';
import { isObject, objectOf, textOf, type JsonObject } from '#wire/json/read.ts';
import { readFault } from '#wire/openai-chat/faults.ts';
import { finishOf } from './finish.ts';
import { keptByResponse } from './kept-ids.ts';
import { readUsage } from './usage.ts';

/** What the gate needs of a unary Response. Total: any JSON value gives a view. */
export function readAnswer(value: unknown): AnswerView {
  const response = objectOf(value);
  return {
    usage: readUsage(response),
    finish: finishOf(response),
    modelReturned: textOf(response['model']),
    // The Responses API has no system_fingerprint.
    fingerprint: textOf(response['system_fingerprint']),
    serviceTier: textOf(response['service_tier']),
    keptIds: keptByResponse(response),
    fault: faultOf(response),
  };
}

/** `error` of a failed response, or of a body that is an error in spite of its 200. */
export const faultOf = (response: JsonObject): ProviderFault | null =>
  isObject(response['error']) || typeof response['error'] === 'string' ? readFault(null, response) : failed(response);

const failed = (response: JsonObject): ProviderFault | null =>
  response['status'] === 'failed'
    ? { type: 'server', status: null, message: 'The response failed without a reason.', code: null, field: null }
    : null;
