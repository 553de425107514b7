import type { EpochMs } from '#kernel/brand.ts';
import { nearest } from '#kernel/did-you-mean.ts';
import { err, ok, type Result } from '#kernel/result.ts';
import type { Drain } from '#ports/state-store.ts';
import { deploymentId, type Deployment, type ModelGroup, type ModelTable } from './models.ts';

export type DrainTarget = Drain['target'];
export type DrainLevel = DrainTarget['level'];

/** Is the model drained, under the name that was asked for or under that of its group (`gpt-*`)? */
export const coversModel = ({ target }: Drain, group: ModelGroup, asked: string): boolean =>
  target.level === 'model' && (target.name === group.name || target.name === asked);

export const coversDeployment = ({ target }: Drain, deployment: Deployment, asked: string): boolean =>
  (target.level === 'provider' && named(deployment.provider).includes(target.name)) ||
  (target.level === 'deployment' &&
    named(deployment.provider).some((name) => target.name === `${name}/${deployment.model ?? asked}`));

/** A provider that is drained serves nobody, whosever key it is called with. */
const named = ({ name, of }: Deployment['provider']): readonly string[] => [name, of];

/** What of an order of attempts is open, or when the first of it will be. */
export type OpenOrder =
  | { readonly open: readonly Deployment[] }
  | { readonly open: null; readonly until: EpochMs; readonly by: readonly Drain[] };

interface Asked {
  readonly group: ModelGroup;
  readonly model: string;
}

/** Takes away what is drained. `drains` are live; `order` holds the group's own deployments and those of a chain. */
export function openOrder(drains: readonly Drain[], { group, model }: Asked, order: readonly Deployment[]): OpenOrder {
  const ofModel = drains.filter((drain) => coversModel(drain, group, model));
  const covering = order.map((one) => [
    ...(group.deployments.includes(one) ? ofModel : []),
    ...drains.filter((drain) => coversDeployment(drain, one, model)),
  ]);
  const open = order.filter((_, i) => covering[i]!.length === 0);
  if (open.length > 0) return { open };
  const by = [...new Set(covering.flat())];
  const ends = covering.map((all) => Math.max(...all.map(({ until }) => until)));
  return { open: null, until: Math.min(...ends) as EpochMs, by };
}

/** Names of models that nothing serves while these drains last. */
export const strandedModels = (models: ModelTable, drains: readonly Drain[]): string[] =>
  models.names.filter((name) => {
    const group = models.find(name)!;
    return openOrder(drains, { group, model: name }, group.deployments).open === null;
  });

export interface Known {
  readonly models: ModelTable;
  readonly providers: ReadonlyMap<string, unknown>;
}

/** Finds what a name means; a fault says that it means nothing, or more than one thing. */
export function drainTarget(name: string, level: DrainLevel | null, known: Known): Result<DrainTarget, string> {
  const levels = (['provider', 'deployment', 'model'] as const).filter((one) => isKnown(one, name, known));
  const wanted = level === null ? levels : levels.filter((one) => one === level);
  if (wanted.length === 1) return ok({ level: wanted[0]!, name });
  if (wanted.length > 1) return err(`\`${name}\` is a ${wanted.join(' and a ')}: say which.`);
  const near = nearest(name, namesOf(known));
  const hint = near.length > 0 ? ` Did you mean ${near.map((one) => `\`${one}\``).join(', ')}?` : '';
  return err(`There is no ${level ?? 'provider, deployment or model'} \`${name.slice(0, 256)}\`.${hint}`);
}

function isKnown(level: DrainLevel, name: string, { models, providers }: Known): boolean {
  if (level === 'provider') return providers.has(name);
  if (level === 'model') return models.find(name) !== null || models.names.includes(name);
  return deploymentsOf(models).some(({ deployment, group }) => names(deployment, group, name));
}

/** A deployment without a model of its own serves each name that its group matches. */
function names(deployment: Deployment, group: ModelGroup, id: string): boolean {
  const prefix = `${deployment.provider.name}/`;
  if (!id.startsWith(prefix)) return false;
  const model = id.slice(prefix.length);
  if (deployment.model !== null) return deployment.model === model;
  return group.name.endsWith('*') ? model.startsWith(group.name.slice(0, -1)) : group.name === model;
}

const deploymentsOf = (models: ModelTable): { readonly deployment: Deployment; readonly group: ModelGroup }[] =>
  models.names.flatMap((name) => {
    const group = models.find(name) ?? { name, deployments: [] };
    return group.deployments.map((deployment) => ({ deployment, group }));
  });

const namesOf = ({ models, providers }: Known): Set<string> =>
  new Set([
    ...providers.keys(),
    ...models.names,
    ...deploymentsOf(models).map(({ deployment, group }) => deploymentId(deployment, group.name)),
  ]);
