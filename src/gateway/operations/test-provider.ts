import { request } from 'undici';
import { headersOf, type Provider } from '#providers/index.ts';
import { noteLimits } from '../provider-limits.ts';

/** Whether a provider is reached and takes our credential, by its list of models: no tokens, no entry, no cost. */
export interface ProviderTest {
  readonly verdict: 'ok' | 'no_credential' | 'credential_refused' | 'reached' | 'failing' | 'unreachable';
  readonly httpStatus: number | null;
  /** Of the network, such as ECONNREFUSED; null where an answer came. */
  readonly errorCode: string | null;
  readonly tookMs: number;
}

/** Somebody waits at a button. */
const TIMEOUT_MS = 10_000;

export async function testProvider(provider: Provider, mono: () => number): Promise<ProviderTest> {
  const from = mono();
  const took = (): number => mono() - from;
  const path = pathFor(provider);
  let authorization: readonly string[] = [];
  try {
    authorization = (await provider.authorizer?.headers({ method: 'GET', path, body: NO_BODY })) ?? [];
  } catch {
    return { verdict: 'no_credential', httpStatus: null, errorCode: 'provider_credential', tookMs: took() };
  }
  try {
    const answer = await request(provider.origin + path, {
      method: 'GET',
      headers: headersFor(provider, authorization),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await answer.body.dump({ limit: 1024 * 1024 });
    const { statusCode: status } = answer;
    noteLimits(provider, answer.headers, Date.now());
    return { verdict: verdictOf(status), httpStatus: status, errorCode: null, tookMs: took() };
  } catch (error) {
    return { verdict: 'unreachable', httpStatus: null, errorCode: codeOf(error), tookMs: took() };
  }
}

const NO_BODY = Buffer.alloc(0);

function pathFor({ basePath, query, data }: Provider): string {
  const own = new URLSearchParams(query as Record<string, string>).toString();
  return `${basePath}${data.modelsPath ?? '/models'}${own === '' ? '' : `?${own}`}`;
}

/** A signature covers the type of the body, so a signed request keeps it. */
function headersFor(provider: Provider, authorization: readonly string[]): Record<string, string> {
  const flat = [...headersOf(provider, {}), ...authorization];
  const pairs = flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1]!] as const] : []));
  const signed = authorization.includes('x-amz-date');
  return Object.fromEntries(pairs.filter(([name]) => signed || name !== 'content-type'));
}

function verdictOf(status: number): ProviderTest['verdict'] {
  if (status < 300) return 'ok';
  if (status === 401 || status === 403) return 'credential_refused';
  // Some have no list of models: they answer, and that is all that is known.
  return status < 500 && status !== 429 ? 'reached' : 'failing';
}

const codeOf = (error: unknown): string => {
  const { name, code } = error as { readonly name?: string; readonly code?: string };
  return name === 'TimeoutError' ? 'timeout' : (code ?? 'failed');
};
