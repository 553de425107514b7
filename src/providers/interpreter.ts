import type { DialectName } from '#wire/canonical.ts';
import type { ProviderData, Timers } from './provider-data.ts';

/** A provider as configured: data file, base URL and one credential. The credential is bound to the origin. */
export interface Provider {
  readonly name: string;
  readonly data: ProviderData;
  readonly origin: string;
  /** Path part of the base URL, without a trailing slash. */
  readonly basePath: string;
  readonly apiKey: string | null;
  readonly timers: Timers;
  readonly headers: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
}

export interface ProviderSettings {
  readonly name: string;
  readonly data: ProviderData;
  readonly baseUrl?: string | undefined;
  readonly apiKey?: string | null | undefined;
  readonly timers?: Partial<Timers> | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly query?: Readonly<Record<string, string>> | undefined;
}

/** Joins settings and data. Throws a RangeError that says what is missing: configuration turns it into a diagnostic. */
export function makeProvider(settings: ProviderSettings): Provider {
  const { data } = settings;
  const text = settings.baseUrl ?? data.baseUrl;
  if (!text) throw new RangeError(`provider ${settings.name}: ${data.title} has no fixed address: set \`baseUrl\``);
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw new RangeError(`provider ${settings.name}: \`baseUrl\` must be http or https`);
  if (url.username || url.password)
    throw new RangeError(`provider ${settings.name}: credentials belong in \`apiKey\`, not in \`baseUrl\``);
  const apiKey = settings.apiKey ?? null;
  if (data.auth.required && !apiKey) throw new RangeError(`provider ${settings.name}: \`apiKey\` is missing`);
  return Object.freeze({
    name: settings.name,
    data,
    origin: url.origin,
    basePath: url.pathname.replace(/\/+$/, ''),
    apiKey,
    timers: Object.freeze({ ...data.timers, ...definedOf(settings.timers) }),
    headers: Object.freeze({ ...data.headers, ...settings.headers }),
    query: Object.freeze({ ...data.query, ...settings.query }),
  });
}

const definedOf = (timers: Partial<Timers> = {}): Partial<Timers> =>
  Object.fromEntries(Object.entries(timers).filter(([, value]) => value !== undefined));

/** The dialect in which to speak to a provider: the client's own where it can, else the first that carries its kind. */
export function dialectFor(data: ProviderData, asked: DialectName): DialectName | null {
  if (data.paths[asked]) return asked;
  for (const other of CROSSABLE[asked]) if (data.paths[other]) return other;
  return null;
}

// Preference of a foreign dialect: the one that carries most of the meaning first (docs/reference/crossing.md).
const CROSSABLE: Readonly<Record<DialectName, readonly DialectName[]>> = {
  'openai-chat': ['openai-responses', 'anthropic-messages'],
  'openai-responses': ['openai-chat', 'anthropic-messages'],
  'anthropic-messages': ['openai-responses', 'openai-chat'],
  'openai-embeddings': [],
  'anthropic-count': [],
};

/** Path and query of a call. The client's own query (`?beta=true`) is kept in the same dialect; ours wins on a clash. */
export function pathOf(provider: Provider, dialect: DialectName, model: string, clientQuery: string): string {
  const path = (provider.data.paths[dialect] ?? '').replace('{model}', encodeURIComponent(model));
  const own = Object.entries(provider.query);
  if (own.length === 0) return provider.basePath + path + (clientQuery ? `?${clientQuery}` : '');
  const query = new URLSearchParams(clientQuery);
  for (const [name, value] of own) query.set(name, value);
  return `${provider.basePath}${path}?${query}`;
}

/**
 * Headers of an upstream request as a flat list: the provider's credential, its fixed headers, and of the client's
 * headers only those on the provider's list. A client's credential, cookie, host or organisation never crosses.
 */
export function headersOf(
  provider: Provider,
  client: Readonly<Record<string, string | string[] | undefined>>,
): string[] {
  const { data } = provider;
  const out = ['content-type', 'application/json', 'accept-encoding', 'identity', 'user-agent', 'headgate'];
  const sent = new Set<string>();
  for (const pattern of data.passHeaders) {
    if (!pattern.endsWith('*')) {
      const value = client[pattern];
      if (typeof value === 'string') push(out, sent, pattern, value);
      continue;
    }
    const prefix = pattern.slice(0, -1);
    for (const name in client) {
      const value = client[name];
      if (name.startsWith(prefix) && typeof value === 'string') push(out, sent, name, value);
    }
  }
  for (const name in provider.headers) if (!sent.has(name)) out.push(name, provider.headers[name]!);
  if (provider.apiKey !== null) out.push(data.auth.header, data.auth.prefix + provider.apiKey);
  return out;
}

function push(out: string[], sent: Set<string>, name: string, value: string): void {
  if (sent.has(name)) return;
  sent.add(name);
  out.push(name, value);
}

/** May another deployment be tried after this status, before any content reached the client? */
export const retryableStatus = (data: ProviderData, status: number): boolean =>
  status === 408 || status === 429 || status >= 500 || data.retryStatuses.includes(status);
