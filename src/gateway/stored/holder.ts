import { HeadgateError } from '#kernel/errors.ts';
import type { Provider } from '#providers/index.ts';
import type { Gate } from '../gate.ts';
import type { StoredExchange } from './exchange.ts';

/** The thing that a request names, with where it is kept. */
export interface Held {
  readonly provider: Provider;
  readonly deployment: string;
  /** Path of the thing's kind after the provider's base URL. */
  readonly base: string;
}

/** The provider that keeps a caller's own thing. Another tenant's id, and one that nobody made here, is a 404 (clients.md 14). */
export async function holderOf(gate: Gate, exchange: StoredExchange): Promise<Held> {
  const { route, caller, config } = exchange;
  const { kind, id } = route;
  const kept = await gate.tenants.checkKeptIds(caller, [{ kind, id, field: 'id' }]);
  if (!kept.ok) throw kept.error;
  const deployment = kept.value!;
  const provider = config.accounts.get(providerOf(deployment));
  const base = provider && basePath(provider, exchange);
  if (provider && base) return { provider, deployment, base };
  throw new HeadgateError('not_found', {
    field: 'id',
    message: `The ${kind} \`${id.slice(0, 128)}\` is kept by a provider that this gate no longer asks for it.`,
  });
}

/** A deployment is `provider/model-id`; of a file the model is `-`. */
export const providerOf = (deployment: string): string => deployment.slice(0, deployment.indexOf('/'));

/** Path of a kind of things at a provider; null: it keeps none of that family. */
export function basePath({ data }: Provider, { route }: Pick<StoredExchange, 'route'>): string | null {
  const { kind, family } = route;
  const plural = kind === 'batch' ? 'batches' : kind === 'file' ? 'files' : 'responses';
  if (family === 'anthropic') return plural === 'responses' ? null : (data.stored?.anthropic?.[plural] ?? null);
  return data.stored?.openai?.[plural] ?? null;
}
