import { inForce } from '#ports/state-store.ts';
import { Draft, ruleFor } from '#capabilities/parity/index.ts';
import type { CallFacts } from './call.ts';
import type { Gate } from './gate.ts';

/** A caller's word that its text is not to be kept; always obeyed. */
const NO_CONTENT = 'x-headgate-no-content';

/** The draft of a call that a capture wants; null almost always, for one look at an empty list. */
export function draftOf(gate: Gate, facts: CallFacts, sent: Uint8Array, headers: CallHeaders): Draft | null {
  const { captures: rules } = gate.tenants.directory;
  if (rules.length === 0 || !gate.captures.allowed || headers[NO_CONTENT] !== undefined) return null;
  const { id, at, caller, attribution, view, dialect } = facts;
  const tenant = caller.tenant.id;
  const subject = { tenant, feature: attribution.feature, key: caller.key.id, model: view.model };
  const rule = ruleFor(inForce(rules, at), subject, gate.rng.next());
  const draft = { call: id, tenant, at, rule: rule?.id ?? '', dialect: dialect.name, sent };
  return rule && new Draft(draft, gate.captures.room);
}

type CallHeaders = Readonly<Record<string, string | string[] | undefined>>;
