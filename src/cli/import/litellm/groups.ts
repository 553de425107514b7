/** From entries of `model_list` to model groups: weights, aliases, and fallbacks as higher orders. Pure. */
import { MOST_NAME_CHARS, type Findings, type WantedDeployment } from '../plan.ts';
import type { ReadDeployment } from './deployments.ts';

/** The schema's own bounds (headgate.yaml). */
const MOST_DEPLOYMENTS = 64;
const MOST_ORDER = 100;

export interface Group {
  readonly name: string;
  readonly deployments: readonly WantedDeployment[];
}

/** Deployments by the name that callers ask for; the same one twice is one with both weights. */
export function groupsOf(read: readonly ReadDeployment[], findings: Findings): Map<string, Group> {
  for (const { group, place } of read.filter(({ group }) => !isName(group)))
    findings.add('left', place, `model ${group.slice(0, 40)}…`, ['a name has 1 to 128 characters']);
  const byName = Map.groupBy(
    read.filter(({ group }) => isName(group)),
    ({ group }) => group,
  );
  return new Map(
    [...byName].map(([name, members]) => [name, { name, deployments: deploymentsOf(name, members, findings) }]),
  );
}

function deploymentsOf(name: string, members: readonly ReadDeployment[], findings: Findings): WantedDeployment[] {
  const weights = weightsOf(name, members, findings);
  const ranks = [...new Set(members.map(({ order }) => order))].sort((a, b) => a - b);
  const out = new Map<string, WantedDeployment>();
  members.forEach(({ provider, model, order, place }, i) => {
    // LiteLLM draws nobody with the weight 0 while others are there.
    const rank = ranks.indexOf(order) + (weights[i] === 0 ? 1 : 0);
    const identity = JSON.stringify([provider, model, rank]);
    const same = out.get(identity);
    if (same)
      findings.add('changed', place, `model ${name}: a deployment that stands twice`, [
        'it is one, with the weight of both',
      ]);
    const weight = (same?.weight ?? 0) + (weights[i] || 1);
    out.set(identity, { provider, ...(model !== null && { model }), weight, ...(rank > 0 && { order: rank }) });
  });
  return plainWeights([...out.values()]);
}

const isName = (name: string): boolean => name.length > 0 && name.length <= MOST_NAME_CHARS;

/** Shares by `weight`, else by `rpm`, else by `tpm`: as LiteLLM's simple shuffle draws. */
function weightsOf(name: string, members: readonly ReadDeployment[], findings: Findings): number[] {
  for (const field of ['weight', 'rpm', 'tpm'] as const) {
    if (!members.some((one) => one[field] !== undefined)) continue;
    for (const one of members) listLimits(name, one, field, findings);
    return members.map((one) => Math.max(0, one[field] ?? 0));
  }
  return members.map(() => 1);
}

function listLimits(name: string, one: ReadDeployment, used: 'weight' | 'rpm' | 'tpm', findings: Findings): void {
  for (const field of ['rpm', 'tpm'] as const) {
    if (one[field] === undefined) continue;
    const why =
      used === field
        ? 'it is the share of this deployment; as a limit it is not enforced'
        : 'it is not enforced as a limit';
    findings.add('changed', one.place, `model ${name}: ${field} ${one[field]}`, [why]);
  }
}

/** Bound of `weight` in headgate.yaml; `tpm` may be beyond. */
const MOST_WEIGHT = 1e6;

const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));

/** The smallest whole numbers of the same shares; equal weights need not be written. */
function plainWeights(deployments: readonly WantedDeployment[]): WantedDeployment[] {
  const weights = deployments.map(({ weight = 1 }) => weight);
  if (weights.every((weight) => weight === weights[0])) return deployments.map(({ weight: _, ...rest }) => rest);
  const whole = weights.every(Number.isSafeInteger);
  const common = whole ? weights.reduce(divisor) : 1;
  const scale = Math.max(1, Math.max(...weights) / common / MOST_WEIGHT);
  // A share below a millionth of the largest is still a share.
  return deployments.map((one, i) => ({
    ...one,
    weight: Math.max(1e-6, Number((weights[i]! / common / scale).toPrecision(12))),
  }));
}

/** Finds the group of a name, by pattern too; its deployments then name the model. */
export function deploymentsFor(name: string, groups: ReadonlyMap<string, Group>): readonly WantedDeployment[] | null {
  const exact = groups.get(name);
  if (exact) return exact.deployments;
  const patterns = [...groups.values()].filter(
    (group) => group.name.endsWith('*') && name.startsWith(group.name.slice(0, -1)),
  );
  const nearest = patterns.sort((a, b) => b.name.length - a.name.length)[0];
  return nearest ? nearest.deployments.map((one) => ({ ...one, model: one.model ?? name })) : null;
}

/** The group with its fallbacks behind it, each in orders of its own. */
export function withFallbacks(
  group: Group,
  fallbacks: readonly (readonly WantedDeployment[])[],
  findings: Findings,
): Group {
  const out = [...group.deployments];
  for (const next of fallbacks) {
    const behind = Math.max(...out.map(({ order = 0 }) => order)) + 1;
    for (const one of next) {
      const isThere = out.some(({ provider, model }) => provider === one.provider && model === one.model);
      if (!isThere) out.push({ ...one, order: Math.min(MOST_ORDER, behind + (one.order ?? 0)) });
    }
  }
  if (out.length > MOST_DEPLOYMENTS)
    findings.add(
      'left',
      'model_list',
      `model ${group.name}: ${out.length - MOST_DEPLOYMENTS} of ${out.length} deployments`,
      [`a model has at most ${MOST_DEPLOYMENTS}, fallbacks included`],
    );
  return { ...group, deployments: out.slice(0, MOST_DEPLOYMENTS) };
}
