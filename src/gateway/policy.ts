import { HeadgateError } from '#kernel/errors.ts';
import type { DialectName } from '#wire/canonical.ts';
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
  /** Dialect of the path. */
  readonly dialect: DialectName;
}

/**
 * The fields that policy reads (DESIGN, Trust): `n` is bounded, a caller's `cache_salt` and a `background` that no
 * job can settle are refused, and ids that a provider keeps must be the tenant's own (clients.md 14). Returns the
 * deployment that holds such an id: the call must go there. Null: the call is free to go anywhere.
 */
export function checkPolicy(gate: Gate, facts: Facts): MaybePromise<readonly Deployment[] | null> {
  const { view } = facts.decoded;
  if (view.n > MOST_CHOICES) throw refused('n', `\`n\` is at most ${MOST_CHOICES}.`);
  if (view.cacheSalt) throw refused('cache_salt', '`cache_salt` is set by the gate and never by a caller.');
  const able = view.background ? inBackground(facts) : null;
  if (view.keptIds.length === 0) return able;
  return andThen(gate.tenants.checkKeptIds(facts.caller, view.keptIds), (kept) => {
    if (!kept.ok) throw kept.error;
    return kept.value === null ? able : [holder(facts.group, view.model, kept.value, able)];
  });
}

const refused = (field: string, message: string) => new HeadgateError('policy_refused', { field, message });

/** A background response passes where a job can settle it: at a provider that can be asked for it later, and that keeps it. */
function inBackground({ decoded: { view }, group, dialect }: Facts): readonly Deployment[] {
  const keeps = ({ provider: { data } }: Deployment): boolean =>
    data.stored?.openai?.responses !== undefined && data.paths['openai-responses'] !== undefined;
  const able = group.deployments.filter(keeps).toSorted((a, b) => a.order - b.order || b.weight - a.weight);
  if (dialect !== 'openai-responses' || able.length === 0)
    throw refused('background', '`background` is not served here: no job of this gate could settle it.');
  if (view.store === false) throw refused('store', 'A background response must be stored: it is fetched later.');
  return able;
}

function holder(group: ModelGroup, model: string, name: string, able: readonly Deployment[] | null): Deployment {
  // The id lives at the provider's account: any deployment of this model there can read it.
  const provider = name.slice(0, name.indexOf('/'));
  const among = able ?? group.deployments;
  const found =
    among.find((one) => deploymentId(one, model) === name) ?? among.find((one) => one.provider.name === provider);
  if (found) return found;
  throw new HeadgateError('not_found', { field: 'model', message: 'An id of this request belongs to another model.' });
}
