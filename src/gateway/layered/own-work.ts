import { HeadgateError } from '#kernel/errors.ts';
import type { ModelGroup } from '#capabilities/failover/index.ts';
import type { Effective } from '#capabilities/tenants/index.ts';
import type { GateConfig } from '../config/resolve.ts';

// Layers are the same for each call of a key and a feature.
const known = new WeakMap<Effective, Effective>();

/** What of a call's layers says where its text may go. Prompts, names and parameters are for the tenant's own calls. */
export function placesOf(effective: Effective | null): Effective | null {
  if (effective === null) return null;
  let places = known.get(effective);
  if (!places) known.set(effective, (places = { ...effective, ...NO_SHAPE }));
  return places;
}

const NO_SHAPE = {
  templates: [],
  broken: null,
  aliases: new Map(),
  tools: [],
  parameters: new Map(),
  templateHash: null,
} as const;

/**
 * The model that the gate itself asks, whatever the key may call: the file names it, not the caller. A tenant with keys
 * of its own is served under those alone, since what they are there for is that no other account sees its text.
 */
export function ownModel({ models }: GateConfig, model: string, effective: Effective | null): ModelGroup {
  const group = models.find(model);
  if (!group) throw new HeadgateError('model_not_found', { field: 'model' });
  if (effective === null || effective.ownKeys.size === 0) return group;
  const deployments = group.deployments.filter(({ provider }) => effective.ownKeys.has(provider.name));
  if (deployments.length > 0) return { ...group, deployments };
  throw new HeadgateError('policy_refused', {
    field: 'model',
    message: 'No key of the tenant’s own serves this model.',
  });
}
