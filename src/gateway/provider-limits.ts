import type { Provider } from '#providers/index.ts';

/** What a provider last said is left of the account's own limits. Shown to the operator alone (clients.md 16). */
export interface SeenLimits {
  readonly at: number;
  /** By the provider's own header names. */
  readonly values: Readonly<Record<string, string>>;
}

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** Bound of a value that is somebody else's to choose. */
const MOST_CHARS = 64;

/** Forgotten with the provider, when a reload replaces it. */
const seen = new WeakMap<Provider, SeenLimits>();

/** Remembers the limits in an answer's headers; an answer without any changes nothing. */
export function noteLimits(provider: Provider, headers: Headers, now: number): void {
  let values: Record<string, string> | null = null;
  for (const name of provider.data.rateLimitHeaders) {
    const value = headers[name];
    if (typeof value === 'string') (values ??= {})[name] = value.slice(0, MOST_CHARS);
  }
  if (values) seen.set(provider, { at: now, values });
}

export const limitsOf = (provider: Provider): SeenLimits | null => seen.get(provider) ?? null;
