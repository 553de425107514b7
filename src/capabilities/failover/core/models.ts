import { nearest } from '#kernel/did-you-mean.ts';
import type { CachedTokensRule, PrefixCacheRule, Provider } from '#providers/interpreter.ts';

/** One model id at one provider. `model` null: the name that the caller asked for. */
export interface Deployment {
  readonly provider: Provider;
  readonly model: string | null;
  readonly weight: number;
  readonly order: number;
  readonly maxOutputTokens?: number | undefined;
  /** Where it keeps and reads data, as the operator says; absent: nobody says. */
  readonly dataRegion?: string | undefined;
  readonly onUnsupported?: 'reject' | 'drop' | 'drop-hints' | undefined;
  /** This one and the next two absent: as its provider. */
  readonly prefixCache?: PrefixCacheRule | undefined;
  readonly cachedTokens?: CachedTokensRule | undefined;
  readonly ttftQuantumMs?: number | undefined;
}

/** A name that callers ask for: its deployments by order and weight. A name that ends in `*` is a prefix. */
export interface ModelGroup {
  readonly name: string;
  readonly deployments: readonly Deployment[];
}

export interface ModelTable {
  /** The group of a name: an exact one, else the longest prefix; null where none matches. */
  find(name: string): ModelGroup | null;
  /** Exact names first, then prefixes. */
  readonly names: readonly string[];
  /** Known names nearest to a wrong one. */
  near(name: string, allowed: (name: string) => boolean): string[];
}

export function modelTable(groups: readonly ModelGroup[]): ModelTable {
  const exact = new Map(groups.filter(({ name }) => !name.endsWith('*')).map((group) => [group.name, group]));
  const prefixes = groups
    .filter(({ name }) => name.endsWith('*'))
    .sort((a, b) => b.name.length - a.name.length)
    .map((group) => ({ prefix: group.name.slice(0, -1), group }));
  const names = [...exact.keys(), ...prefixes.map(({ group }) => group.name)];
  return {
    find: (name) => exact.get(name) ?? prefixes.find(({ prefix }) => name.startsWith(prefix))?.group ?? null,
    names,
    near: (name, allowed) => nearest(name, [...exact.keys()].filter(allowed)),
  };
}

/** Id of a deployment as entries and people name it. */
export const deploymentId = (deployment: Deployment, modelAsked: string): string =>
  `${deployment.provider.name}/${deployment.model ?? modelAsked}`;
