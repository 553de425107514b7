import { HeadgateError } from '#kernel/errors.ts';
import type { ModelGroup } from '#capabilities/failover/index.ts';
import type { Caller } from '#capabilities/tenants/index.ts';
import type { GateConfig } from './config/resolve.ts';
import type { Gate } from './gate.ts';

/** An unknown model and one that the key may not call read the same. */
export function findModel(gate: Gate, { models }: GateConfig, caller: Caller, model: string): ModelGroup {
  const allowed = (name: string): boolean => gate.tenants.mayCall(caller, name);
  const group = allowed(model) ? models.find(model) : null;
  if (group) return group;
  const near = models.near(model, allowed);
  const hint = near.length > 0 ? ` Did you mean ${near.map((name) => `\`${name}\``).join(', ')}?` : '';
  throw new HeadgateError('model_not_found', {
    field: 'model',
    message: `The model \`${model.slice(0, 128)}\` does not exist or this key may not call it.${hint}`,
  });
}
