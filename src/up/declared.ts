import type { GateConfig } from '#gateway/config/resolve.ts';

const cache = new WeakMap<GateConfig, ReadonlySet<string>>();

/** Names of the declared features; one set a configuration, since it is asked for on every call. */
export function declaredFeatures(config: GateConfig): ReadonlySet<string> {
  let names = cache.get(config);
  if (!names) cache.set(config, (names = new Set(Object.keys(config.file.features))));
  return names;
}
