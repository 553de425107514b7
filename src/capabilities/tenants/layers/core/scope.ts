import type { Fault } from '../../core/faults.ts';
import type { LayerScope } from '#ports/layer.ts';

/** The name of a layer: its scope as a text, the same on every node. There is one layer a scope. */
export function layerId({ level, tenant, id }: LayerScope): string {
  if (level === 'operator') return level;
  if (level === 'tenant') return `tenant:${tenant}`;
  // Ids of teams hold their tenant, and ids of keys are nobody else's.
  // No name of a tenant or of a feature has a plus in it.
  if (level === 'feature' && tenant !== null) return `feature:${tenant}+${id}`;
  return `${level}:${id}`;
}

/** Who calls, as far as layers ask. */
export interface LayeredCaller {
  readonly tenant: string;
  readonly plan: string | null;
  readonly team: string | null;
  readonly feature: string | null;
  readonly key: string | null;
}

/** Names of every layer that may apply to a call, from the outside in. */
export function layerIdsOf({ tenant, plan, team, feature, key }: LayeredCaller): readonly string[] {
  return [
    'operator',
    ...(plan === null ? [] : [`plan:${plan}`]),
    `tenant:${tenant}`,
    ...(team === null ? [] : [`team:${team}`]),
    // Of every tenant, then of this one.
    ...(feature === null ? [] : [`feature:${feature}`, `feature:${tenant}+${feature}`]),
    ...(key === null ? [] : [`key:${key}`]),
  ];
}

interface ScopeWords {
  readonly level: LayerScope['level'];
  readonly tenant?: string | undefined;
  readonly id?: string | undefined;
}

const NEEDS_TENANT: ReadonlySet<string> = new Set(['tenant', 'team', 'key']);
const NEEDS_ID: ReadonlySet<string> = new Set(['plan', 'team', 'feature', 'key']);

/** What is wrong with the words of a scope, whatever exists. */
export function layerScopeFault({ level, tenant, id }: ScopeWords): Fault | null {
  const wrong = (field: string, message: string): Fault => ({ field, message, hint: null });
  if (NEEDS_TENANT.has(level) && tenant === undefined) return wrong('tenant', `a layer of a ${level} names its tenant`);
  if (!NEEDS_TENANT.has(level) && level !== 'feature' && tenant !== undefined)
    return wrong('tenant', `a layer of the level ${level} has no tenant`);
  if (NEEDS_ID.has(level) && id === undefined) return wrong('id', `a layer of a ${level} names it in \`id\``);
  if (!NEEDS_ID.has(level) && id !== undefined) return wrong('id', `a layer of the level ${level} has no \`id\``);
  if (level === 'plan' && !PLAN.test(id!)) return wrong('id', 'is a name of lower-case letters, digits, _ and -');
  return null;
}
const PLAN = /^[a-z0-9][a-z0-9_-]{0,62}$/;
