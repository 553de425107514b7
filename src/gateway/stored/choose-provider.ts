import { HeadgateError } from '#kernel/errors.ts';
import type { Provider } from '#providers/index.ts';
import type { Gate } from '../gate.ts';
import type { StoredExchange } from './exchange.ts';
import { basePath } from './holder.ts';

/**
 * The provider that keeps a file which names no model: the only one that keeps files among those of the models that the
 * key may call, else the one that the operator chose, for the feature or for all (decision 0024). No header and no
 * field of the caller chooses it (clients.md 15).
 */
export function chooseProvider(gate: Gate, exchange: StoredExchange, feature: string | null): Provider {
  const usable = usableProviders(gate, exchange);
  const { file } = exchange.config;
  const wanted = (feature !== null ? file.features[feature]?.files?.provider : undefined) ?? file.files.provider;
  const chosen = wanted === undefined ? null : usable.find(({ name }) => name === wanted);
  if (chosen) return chosen;
  if (usable.length === 1 && wanted === undefined) return usable[0]!;
  const message =
    usable.length === 0 || wanted !== undefined
      ? 'No provider of the models that this key may call keeps files here.'
      : 'The models of this key are served by several providers that keep files, and `files.provider` chooses none.';
  throw new HeadgateError('policy_refused', { field: 'file', message });
}

/** Providers of models that the key may call, which keep files of this family; each once. */
function usableProviders(gate: Gate, exchange: StoredExchange): readonly Provider[] {
  const { config, caller } = exchange;
  const found = new Set<Provider>();
  for (const name of config.models.names) {
    if (!gate.tenants.mayCall(caller, name)) continue;
    for (const { provider } of config.models.find(name)?.deployments ?? [])
      if (basePath(provider, exchange)) found.add(provider);
  }
  return [...found];
}
