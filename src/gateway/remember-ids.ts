import type { AnswerView } from '#wire/dialect.ts';
import type { AttemptRecord, Call } from './call.ts';
import type { Gate } from './gate.ts';

/** Ids that an answer names belong to its tenant from now on; that of a background response is asked for later. */
export function rememberIds(
  gate: Gate,
  { facts, cache, flight }: Call,
  record: AttemptRecord,
  ids: AnswerView['keptIds'],
): void {
  gate.tenants.rememberKeptIds(facts.caller, ids, record.deploymentName);
  // Whoever got such an answer again would use what another call made.
  cache?.draft?.spoil();
  flight?.dissolve();
  if (facts.view.background) record.responseId ??= ids.find(({ kind }) => kind === 'response')?.id ?? null;
}
