import type { GateConfig } from '#gateway/config/resolve.ts';

/** A set of names that a configuration declares, made once for each: it is asked for on every call. */
function declared(names: (config: GateConfig) => Iterable<string>): (config: GateConfig) => ReadonlySet<string> {
  const cache = new WeakMap<GateConfig, ReadonlySet<string>>();
  return (config) => {
    let set = cache.get(config);
    if (!set) cache.set(config, (set = new Set(names(config))));
    return set;
  };
}

export const declaredFeatures = declared(({ file }) => Object.keys(file.features));
export const declaredLabels = declared(({ file }) => file.labels);
