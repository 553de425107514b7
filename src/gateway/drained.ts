import { HeadgateError } from '#kernel/errors.ts';
import { inForce, type Drain } from '#ports/state-store.ts';
import {
  coversDeployment,
  coversModel,
  openOrder,
  type Deployment,
  type ModelGroup,
} from '#capabilities/failover/index.ts';
import type { Caller } from '#capabilities/tenants/index.ts';
import type { Call } from './call.ts';
import type { Gate } from './gate.ts';

interface Asked {
  readonly caller: Caller;
  readonly group: ModelGroup;
  /** The name that the caller asked for. */
  readonly model: string;
}

/** The order of attempts without what is drained; throws `drained` where nothing is left. */
export function withoutDrained(gate: Gate, asked: Asked, order: readonly Deployment[]): readonly Deployment[] {
  const { drains } = gate.tenants.directory;
  if (drains.length === 0) return order;
  const found = openOrder(inForce(drains, gate.clock.now()), asked, order);
  if (found.open !== null) return found.open;
  throw drainedError(gate, asked, found);
}

/** May a chain go on to this model? */
export function isModelOpen(gate: Gate, group: ModelGroup, model: string): boolean {
  const { drains } = gate.tenants.directory;
  if (drains.length === 0) return true;
  return !inForce(drains, gate.clock.now()).some((drain) => coversModel(drain, group, model));
}

/** The next place of the order that is open for a further attempt; past its end where none is. */
export function nextOpen(gate: Gate, call: Call, index: number): number {
  const { drains } = gate.tenants.directory;
  const { order, view } = call.facts;
  if (drains.length === 0) return index;
  const live = inForce(drains, gate.clock.now());
  let at = index;
  while (at < order.length && live.some((drain) => coversDeployment(drain, order[at]!, view.model))) at++;
  return at;
}

/** Callers get the time; what is drained and why is the operator's own affair, and stands in its own keys' answers. */
function drainedError(
  gate: Gate,
  { caller, model }: Asked,
  { until, by }: { readonly until: number; readonly by: readonly Drain[] },
): HeadgateError {
  const time = new Date(until).toISOString();
  const why = caller.key.operator ? ` Drained: ${by.map(wordsOf).join('; ')}.` : '';
  return new HeadgateError('drained', {
    message: `Everything that serves \`${model.slice(0, 128)}\` is drained until ${time}.${why}`,
    retryAfterMs: Math.max(0, until - gate.clock.now()),
    facts: { until: time },
  });
}

const wordsOf = ({ target, reason, actor, id }: Drain): string =>
  `${target.level} ${target.name} by ${actor} (${id}): ${reason}`;
