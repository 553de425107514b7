import type { AnswerView } from '../dialect.ts';
import { listOf, objectOf, textOf } from '../json/read.ts';
import { readFaultAt } from './faults.ts';
import { readStop } from './finish.ts';
import { containerIds, fileIds } from './kept-ids.ts';
import { readUsage } from './usage.ts';

/** What the gate needs of a unary answer. Total: an odd value gives nulls. */
export function readAnswer(value: unknown): AnswerView {
  const answer = objectOf(value);
  const isFault = answer['type'] === 'error' || (answer['error'] != null && answer['content'] === undefined);
  const usage = readUsage(answer['usage']);
  return {
    usage,
    finish: readStop(answer['stop_reason']),
    modelReturned: textOf(answer['model']),
    fingerprint: null,
    serviceTier: usage?.serviceTier ?? null,
    keptIds: [...containerIds(answer['container']), ...listOf(answer['content']).flatMap(fileIds)],
    fault: isFault ? readFaultAt(null, value) : null,
  };
}
