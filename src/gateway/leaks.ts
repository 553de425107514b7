import { HeadgateError } from '#kernel/errors.ts';
import { timeOrderedId } from '#kernel/ids.ts';
import type { TenantId } from '#kernel/brand.ts';
import { everyTenant } from '#kernel/whose.ts';
import { LEAK_FOUND, LeakWatch, type AnswerWatch, type LeakIncident } from '#capabilities/tenants/index.ts';
import type { CanonicalWhole, ProviderFault } from '#wire/canonical.ts';
import type { Call } from './call.ts';
import type { Gate } from './gate.ts';

/** Looks for other tenants' texts in the answer of a call; null: nobody asks for it. */
export const watchOf = (gate: Gate, { id, facts }: Call): AnswerWatch | null =>
  gate.leaks.reader({ id, tenant: facts.caller.tenant.id, sent: facts.body.value });

const ALL = everyTenant('the watch knows every tenant’s texts, to find them in another’s answer');

/** The watch over all answers; `gate` is asked once a call comes. */
export const openLeakWatch = (gate: () => Gate): LeakWatch =>
  new LeakWatch({
    settings: () => gate().config.file.leakWatch,
    layersAsOf: () => gate().tenants.directory.layerIndex,
    layers: () => gate().tenants.directory.layers(ALL),
    found: (incident) => note(gate(), incident),
  });

/** Into the log and, as an incident, into the audit of the tenant whose text it was. Neither holds the text. */
function note({ tenants, clock, rng, log }: Gate, { owner, ...facts }: LeakIncident): void {
  log.error({ ...facts, owner }, 'an answer held the text of another tenant');
  const at = clock.now();
  const audit = { id: timeOrderedId('aud_', at, rng), at, actor: 'leak-watch', action: LEAK_FOUND };
  const detail = JSON.stringify(facts);
  tenants
    .changeNow([], { ...audit, subject: facts.call, tenant: owner as TenantId, detail })
    .catch((error: unknown) => log.warn({ err: error, call: facts.call }, 'the audit of a leak was not stored'));
}

const message = 'The answer ends here: a rule of the operator withholds the rest.';

/** Says nothing of what was found, or whose it is. */
export const withheld = (): HeadgateError => new HeadgateError('answer_withheld');

/** The same inside a stream. */
export const WITHHELD: ProviderFault = Object.freeze({
  ...({ type: 'permission', status: 403, message, code: 'answer_withheld', field: null } as const),
});

/** Does a whole answer hold such a text, so that it is to be withheld? */
export function isWithheld(watch: AnswerWatch | null, read: () => CanonicalWhole): boolean {
  if (watch === null) return false;
  const answer = read();
  if (answer.kind !== 'generate') return false;
  for (const { parts } of answer.choices)
    for (const part of parts) {
      const text = part.type === 'tool_call' ? part.args : 'text' in part ? part.text : '';
      // Words of two parts are no run.
      if (watch.push(`${text}\n`)) return true;
    }
  return watch.end();
}
