import { HeadgateError } from '#kernel/errors.ts';
import type { ModelGroup } from '#capabilities/failover/index.ts';
import type { Effective } from '#capabilities/tenants/index.ts';
import type { GateConfig } from '../config/resolve.ts';

// A group, its layers and a configuration give the same deployments for each call.
const known = new WeakMap<ModelGroup, WeakMap<Effective, ModelGroup>>();

/**
 * A model's deployments with the keys of the call's own layers, where they have some: each such key is an account of
 * its own, with its own name, turns and bill. A key that this gate does not hold is a refusal: the operator's never
 * stands in for it.
 */
export function withOwnKeys(config: GateConfig, group: ModelGroup, effective: Effective | null): ModelGroup {
  if (effective === null || effective.ownKeys.size === 0) return group;
  let made = known.get(group);
  if (!made) known.set(group, (made = new WeakMap()));
  let own = made.get(effective);
  if (!own) made.set(effective, (own = ownGroup(config, group, effective)));
  return own;
}

function ownGroup({ ownKeys }: GateConfig, group: ModelGroup, effective: Effective): ModelGroup {
  const deployments = group.deployments.map((deployment) => {
    const { name } = deployment.provider;
    const wanted = effective.ownKeys.get(name);
    if (!wanted) return deployment;
    const provider = ownKeys.get(wanted.value)?.get(name);
    if (provider) return { ...deployment, provider };
    throw new HeadgateError('no_provider', {
      message: `A key of the ${wanted.by.split(/[:@]/, 1)[0]} layer is not known to this gate: its file has another version.`,
    });
  });
  return Object.freeze({ ...group, deployments });
}
