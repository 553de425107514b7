import { HeadgateError } from '#kernel/errors.ts';
import type { Deployment } from '#capabilities/failover/index.ts';
import type { Effective } from '#capabilities/tenants/index.ts';

/** The deployments in regions where the call's data may go; one that names none is in none. Throws where nothing is left. */
export function withinRegions(
  order: readonly Deployment[],
  effective: Effective | null,
  model: string,
): readonly Deployment[] {
  if (effective === null || effective.regions === null) return order;
  const { value, by } = effective.regions;
  const within = order.filter(({ dataRegion }) => dataRegion !== undefined && value.includes(dataRegion));
  if (within.length > 0) return within;
  throw new HeadgateError('policy_refused', {
    field: 'model',
    message: `Nothing that serves \`${model.slice(0, 128)}\` is in a region that the ${by.split(/[:@]/, 1)[0]} layer allows.`,
  });
}
