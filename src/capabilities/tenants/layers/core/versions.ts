import { isDeepStrictEqual } from 'node:util';
import type { EpochMs } from '#kernel/brand.ts';
import type { Layer, LayerScope, LayerSettings, LayerVersion } from '#ports/layer.ts';
import { layerId } from './scope.ts';

/** Versions that are kept behind the present one; a version with the longest template is 32 KB. */
export const MOST_VERSIONS = 20;

interface By {
  readonly at: EpochMs;
  readonly author: string;
}

export const newLayer = (scope: LayerScope, settings: LayerSettings, { at, author }: By): Layer => ({
  id: layerId(scope),
  scope,
  version: 1,
  at,
  author,
  settings,
  createdAt: at,
  history: [],
});

/** The next version of a layer; the layer itself where nothing changes. */
export function nextVersion(layer: Layer, settings: LayerSettings, { at, author }: By): Layer {
  if (isDeepStrictEqual(layer.settings, settings)) return layer;
  const { version, at: since, author: before, settings: old } = layer;
  const history = [{ version, at: since, author: before, settings: old }, ...layer.history].slice(0, MOST_VERSIONS);
  return { ...layer, version: version + 1, at, author, settings, history };
}

/** Every version that is still known, newest first. */
export const versionsOf = (layer: Layer): readonly LayerVersion[] => [layer, ...layer.history];
