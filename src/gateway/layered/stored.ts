import { HeadgateError } from '#kernel/errors.ts';
import type { Caller, Effective } from '#capabilities/tenants/index.ts';
import type { Gate } from '../gate.ts';

/**
 * Files and batches go to a provider without a way through the layers: a caller whose prompt, tools, parameters, models,
 * keys or regions are set by one is refused, rather than served around it.
 */
export function refuseUnderLayers(gate: Gate, caller: Caller, feature: string | null): void {
  const effective = gate.tenants.layersOf(caller, feature);
  const by = effective === null ? null : binding(effective);
  if (by === null) return;
  throw new HeadgateError('policy_refused', {
    message: `Files and batches are not served to this key: the ${by.split(/[:@]/, 1)[0]} layer sets what they would not get.`,
  });
}

/** The first layer that sets anything of a call; null: none does. */
function binding(effective: Effective): string | null {
  const { templates, tools, parameters, aliases, ownKeys, regions, isolation, broken, layers } = effective;
  if (broken !== null) return layers[0]!;
  const [parameter] = parameters.values();
  const rule = parameter && (parameter.force ?? parameter.max ?? parameter.default);
  const [alias] = aliases.values();
  const [own] = ownKeys.values();
  return (templates[0] ?? tools[0] ?? rule ?? alias ?? own ?? regions ?? isolation?.preamble)?.by ?? null;
}
