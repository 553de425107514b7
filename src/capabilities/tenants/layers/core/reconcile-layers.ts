import { isDeepStrictEqual } from 'node:util';
import type { EpochMs } from '#kernel/brand.ts';
import type { Layer, LayerScope } from '#ports/layer.ts';
import { declaredAt, isDeclared, type DeclaredLayer } from '../../core/declared.ts';
import { changedFields, removalStep, takenOver, type Step } from '../../core/reconcile-step.ts';
import { layerId } from './scope.ts';
import { newLayer, nextVersion } from './versions.ts';

interface Options {
  readonly now: EpochMs;
  readonly author: string;
  /** Ids of the declared keys by their paths. */
  readonly keyIds: ReadonlyMap<string, string>;
}

/** Layers as declared: a scope has one, so that one which is there already is taken over with its versions. */
export function layerSteps(held: readonly Layer[], wanted: readonly DeclaredLayer[], options: Options): Step[] {
  const byId = new Map(held.map((row) => [row.id, row]));
  const put = wanted.map((layer) => {
    const scope = scopeOf(layer, options.keyIds);
    const old = byId.get(layerId(scope));
    byId.delete(layerId(scope));
    return putStep(layer, scope, { ...options, old });
  });
  const gone = [...byId.values()].filter(isDeclared).map((row) => removalStep({ remove: 'layer', id: row.id }, row));
  return [...put.filter((step) => step !== null), ...gone];
}

const scopeOf = ({ scope, subject }: DeclaredLayer, keyIds: Options['keyIds']): LayerScope => ({
  ...scope,
  id: scope.level === 'key' ? keyIds.get(subject!)! : subject,
});

function putStep(
  { path, settings }: DeclaredLayer,
  scope: LayerScope,
  { old, now, author }: Options & { readonly old: Layer | undefined },
): Step | null {
  const by = { at: now, author };
  const next = old ? nextVersion(old, settings, by) : newLayer(scope, settings, by);
  const value: Layer = { ...next, declared: declaredAt(path) };
  if (isDeepStrictEqual(old, value)) return null;
  return {
    changes: [{ put: 'layer', value }],
    action: old ? 'layer.update' : 'layer.create',
    subject: value.id,
    tenant: scope.tenant,
    detail: { version: value.version },
    path,
    takenOver: takenOver(old),
    changed: changedFields(old?.settings, settings),
  };
}
