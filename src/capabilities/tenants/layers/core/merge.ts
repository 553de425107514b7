import { hash } from 'node:crypto';
import {
  LAYER_PARAMETERS,
  LOCKABLE,
  type Layer,
  type LayerParameter,
  type LayerSettings,
  type Lockable,
} from '#ports/layer.ts';
import { bindTemplate } from './bind.ts';
import type {
  BoundTemplate,
  Effective,
  EffectiveIsolation,
  EffectiveParameter,
  Overruled,
  Setting,
} from './effective.ts';
import { layerIdsOf, type LayeredCaller } from './scope.ts';

/** A layer as its version is called. */
export interface Named {
  readonly by: string;
  /** Where the file declares it; its keys are found by that. */
  readonly path: string;
  readonly settings: LayerSettings;
}

/** `tenant:acme@3`. */
export const versionName = ({ id, version }: Pick<Layer, 'id' | 'version'>): string => `${id}@${version}`;

/** The layers of a caller, from the outside in, whatever the order in which they were made; null: there are none. */
export function mergeLayers(find: (id: string) => Layer | undefined, caller: LayeredCaller): Effective | null {
  const layers = layerIdsOf(caller).flatMap((id) => find(id) ?? []);
  return layers.length === 0 ? null : merged(layers);
}

/** The rule of each field (decision 0050); `layers` stand from the outside in. */
export function merged(layers: readonly Layer[]): Effective {
  const named = layers.map((layer) => ({
    by: versionName(layer),
    path: layer.declared?.path ?? '',
    settings: layer.settings,
  }));
  const { locks, overruled, open } = locked(named);
  const templates = templatesOf(open);
  return {
    layers: named.map(({ by }) => by),
    templates: templates.flatMap(({ bound }) => bound ?? []),
    broken: templates.find(({ broken }) => broken !== null)?.broken ?? null,
    aliases: innermost(open, ({ aliases }) => Object.entries(aliases)),
    tools: named.flatMap(({ by, settings: { tools } }) => (tools === null ? [] : [{ value: tools, by }])),
    parameters: parametersOf(open),
    regions: regionsOf(named),
    isolation: isolationOf(named),
    ownKeys: innermost(open, ({ ownKeys }, path) => ownKeys.map((provider) => [provider, path])),
    locks,
    overruled,
    templateHash: hashOf(templates.flatMap(({ bound }) => bound ?? [])),
  };
}

/** What stays of each layer, once what outer ones have closed is taken out of it. */
function locked(layers: readonly Named[]): {
  readonly locks: ReadonlyMap<Lockable, string>;
  readonly overruled: readonly Overruled[];
  readonly open: readonly Named[];
} {
  const locks = new Map<Lockable, string>();
  const overruled: Overruled[] = [];
  const open = layers.map(({ by, path, settings }) => {
    const left: Record<string, unknown> = { ...settings };
    for (const field of LOCKABLE) {
      const lockedBy = locks.get(field);
      if (lockedBy === undefined || isUnsaid(settings[field])) continue;
      overruled.push({ by, field, lockedBy });
      left[field] = NOTHING[field];
    }
    for (const field of settings.locks) if (!locks.has(field)) locks.set(field, by);
    return { by, path, settings: left as unknown as LayerSettings };
  });
  return { locks, overruled, open };
}

const NOTHING: Readonly<Record<Lockable, unknown>> = {
  template: null,
  values: {},
  aliases: {},
  parameters: {},
  ownKeys: [],
};

const isUnsaid = (value: unknown): boolean => value === null || Object.keys(value as object).length === 0;

function templatesOf(layers: readonly Named[]): readonly { bound: BoundTemplate | null; broken: string | null }[] {
  return layers.flatMap((layer, i) => (layer.settings.template === null ? [] : [bindTemplate(layer, layers.slice(i))]));
}

/** By name, the value of the innermost layer that has one. */
function innermost<T>(
  layers: readonly Named[],
  entries: (settings: LayerSettings, path: string) => readonly (readonly [string, T])[],
): ReadonlyMap<string, Setting<T>> {
  const found = new Map<string, Setting<T>>();
  for (const { by, path, settings } of layers)
    for (const [name, value] of entries(settings, path)) found.set(name, { value, by });
  return found;
}

function parametersOf(layers: readonly Named[]): Effective['parameters'] {
  const found = new Map<LayerParameter, EffectiveParameter>();
  for (const name of LAYER_PARAMETERS) {
    const rules = layers.flatMap(({ by, settings: { parameters } }) => {
      const rule = parameters[name];
      return rule ? [{ by, rule }] : [];
    });
    if (rules.length === 0) continue;
    const of = (part: 'default' | 'force' | 'max'): Setting<number>[] =>
      rules.flatMap(({ by, rule }) => (rule[part] === undefined ? [] : [{ value: rule[part], by }]));
    const max = of('max').reduce<Setting<number> | null>((a, b) => (a !== null && a.value <= b.value ? a : b), null);
    found.set(name, { default: of('default').at(-1) ?? null, force: of('force')[0] ?? null, max });
  }
  return found;
}

/** Each layer can only take regions away. */
function regionsOf(layers: readonly Named[]): Effective['regions'] {
  let found: Setting<readonly string[]> | null = null;
  for (const { by, settings } of layers) {
    const { regions } = settings;
    if (regions === null) continue;
    const before: Setting<readonly string[]> | null = found;
    const value: readonly string[] = before === null ? regions : before.value.filter((one) => regions.includes(one));
    if (before === null || value.length < before.value.length) found = { value, by };
  }
  return found;
}

/** Each layer can only add. */
function isolationOf(layers: readonly Named[]): Effective['isolation'] {
  let found: EffectiveIsolation | null = null;
  for (const { by, settings } of layers) {
    if (!settings.isolation) continue;
    const { preamble, hideCachedTokens, ttftQuantumMs = 0 } = settings.isolation;
    const before: EffectiveIsolation = found ?? NO_ISOLATION;
    found = {
      preamble: before.preamble ?? (preamble ? { value: true, by } : null),
      hideCachedTokens: before.hideCachedTokens ?? (hideCachedTokens ? { value: true, by } : null),
      ttftQuantumMs:
        ttftQuantumMs > (before.ttftQuantumMs?.value ?? 0) ? { value: ttftQuantumMs, by } : before.ttftQuantumMs,
    };
  }
  return found;
}
const NO_ISOLATION: EffectiveIsolation = { preamble: null, hideCachedTokens: null, ttftQuantumMs: null };

function hashOf(templates: readonly BoundTemplate[]): string | null {
  if (templates.length === 0) return null;
  const said = JSON.stringify(templates.map(({ place, parts }) => [place, parts]));
  return hash('sha256', said, 'hex').slice(0, 16);
}

/** Is a tool on a list: exactly, or by a trailing `*`? */
export const listed = (list: readonly string[], tool: string): boolean =>
  list.some((rule) => (rule.endsWith('*') ? tool.startsWith(rule.slice(0, -1)) : rule === tool));

/** The first tool that some layer does not allow, with that layer; null: all are allowed. */
export function refusedTool(
  { tools }: Pick<Effective, 'tools'>,
  names: readonly string[],
): { readonly tool: string; readonly by: string } | null {
  for (const { value, by } of tools) for (const tool of names) if (!listed(value, tool)) return { tool, by };
  return null;
}

/** What a call gets for a parameter; null: what it has itself. The same for what is absent (null). */
export function parameterFor(rule: EffectiveParameter, asked: number | null): number | null {
  const wanted = rule.force?.value ?? asked ?? rule.default?.value ?? rule.max?.value ?? null;
  if (wanted === null) return null;
  const value = rule.max === null ? wanted : Math.min(wanted, rule.max.value);
  return value === asked ? null : value;
}
