import type { StoredExchange } from './exchange.ts';

const RESULTS_URL = /("results_url"\s*:\s*)"[^"]*\/messages\/batches\/([A-Za-z0-9_.-]+)\/results"/g;

/**
 * Anthropic's clients fetch results from the address in the batch: it must be this gate's, or they would send the gate's
 * key to the provider. The address is the one under which this caller reached us; every other byte stays.
 */
export function ownResultsUrl({ request, route }: StoredExchange, shown: string): string {
  if (route.family !== 'anthropic') return shown;
  const { host } = request.headers;
  const origin = host && /^[A-Za-z0-9.:[\]_-]{1,255}$/.test(host) ? `${schemeOf(request)}://${host}` : '';
  return shown.replace(
    RESULTS_URL,
    (_, name: string, id: string) => `${name}"${origin}/v1/messages/batches/${id}/results"`,
  );
}

/** Behind a balancer that ends TLS, its word on what the caller used; it tells this caller alone where to ask. */
const schemeOf = (request: StoredExchange['request']): string =>
  'encrypted' in request.socket || request.headers['x-forwarded-proto'] === 'https' ? 'https' : 'http';
