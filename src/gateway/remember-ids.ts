import type { AnswerView } from '#wire/dialect.ts';
import type { AttemptRecord, Call } from './call.ts';
import type { Gate } from './gate.ts';

/** Ids that an answer names belong to its tenant from now on; that of a background response is asked for later. */
export function rememberIds(gate: Gate, { facts }: Call, record: AttemptRecord, ids: AnswerView['keptIds']): void {
  gate.tenants.rememberKeptIds(facts.caller, ids, record.deploymentName);
  if (facts.view.background) record.responseId ??= ids.find(({ kind }) => kind === 'response')?.id ?? null;
}
