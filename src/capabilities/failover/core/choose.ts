import type { Rng } from '#kernel/rng.ts';
import type { Deployment, ModelGroup } from './models.ts';

/**
 * The deployments of a group in the order in which to try them: by `order`, and within an order drawn by weight
 * without replacement, so that load spreads as the weights say and a fallback never meets the same one twice.
 */
export function attemptOrder(group: ModelGroup, rng: Rng): readonly Deployment[] {
  if (group.deployments.length === 1) return group.deployments;
  const orders = [...new Set(group.deployments.map(({ order }) => order))].sort((a, b) => a - b);
  return orders.flatMap((order) =>
    drawAll(
      group.deployments.filter((one) => one.order === order),
      rng,
    ),
  );
}

function drawAll(from: readonly Deployment[], rng: Rng): Deployment[] {
  const left = [...from];
  const drawn: Deployment[] = [];
  while (left.length > 0) {
    const at = drawOne(left, rng);
    drawn.push(...left.splice(at, 1));
  }
  return drawn;
}

function drawOne(left: readonly Deployment[], rng: Rng): number {
  let rest = rng.next() * left.reduce((sum, { weight }) => sum + weight, 0);
  for (let i = 0; i < left.length - 1; i++) {
    rest -= left[i]!.weight;
    if (rest < 0) return i;
  }
  return left.length - 1;
}
