import { HeadgateError } from '#kernel/errors.ts';
import { andThen, type MaybePromise } from '#ports/shared-state.ts';
import { deploymentId, type Deployment, type ModelGroup } from '#capabilities/failover/index.ts';
import type { Caller } from '#capabilities/tenants/index.ts';
import type { Decoded } from './decode.ts';
import type { Gate } from './gate.ts';

/** More answers of one call than this are a way around limits that count calls. */
const MOST_CHOICES = 8;

interface Facts {
  readonly caller: Caller;
  readonly decoded: Decoded;
  readonly group: ModelGroup;
}

/**
 * The fields that policy reads (DESIGN, Trust): `n` is bounded, a caller's `cache_salt` and a `background` that no
 * job settles are refused, and ids that a provider keeps must be the tenant's own (clients.md 14). Returns the
 * deployment that holds such an id: the call must go there. Null: the call is free to go anywhere.
 */
export function checkPolicy(gate: Gate, facts: Facts): MaybePromise<readonly Deployment[] | null> {
  const { view } = facts.decoded;
  if (view.n > MOST_CHOICES) throw refused('n', `\`n\` is at most ${MOST_CHOICES}.`);
  if (view.cacheSalt) throw refused('cache_salt', '`cache_salt` is set by the gate and never by a caller.');
  if (view.background) throw refused('background', '`background` is not served: no job of this gate could settle it.');
  if (view.keptIds.length === 0) return null;
  return andThen(gate.tenants.checkKeptIds(facts.caller, view.keptIds), (kept) => {
    if (!kept.ok) throw kept.error;
    return kept.value === null ? null : [holder(facts.group, view.model, kept.value)];
  });
}

const refused = (field: string, message: string) => new HeadgateError('policy_refused', { field, message });

function holder(group: ModelGroup, model: string, name: string): Deployment {
  // The id lives at the provider's account: any deployment of this model there can read it.
  const provider = name.slice(0, name.indexOf('/'));
  const found =
    group.deployments.find((one) => deploymentId(one, model) === name) ??
    group.deployments.find((one) => one.provider.name === provider);
  if (found) return found;
  throw new HeadgateError('not_found', { field: 'model', message: 'An id of this request belongs to another model.' });
}
