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
  /** Names in lower case: the data file's, and the operator's over them. */
  readonly headers: Readonly<Record<string, string>>;
  /** Names that no client header may replace: the operator's own and the credential's. */
  readonly ownHeaders: ReadonlySet<string>;
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
  const url = baseUrlOf(settings.name, text);
  const apiKey = settings.apiKey ?? null;
  if (data.auth.required && !apiKey) throw new RangeError(`provider ${settings.name}: \`apiKey\` is missing`);
  if (apiKey !== null && NOT_IN_HEADERS.test(apiKey))
    throw new RangeError(
      `provider ${settings.name}: \`apiKey\` holds a character that no header can carry, such as a line break`,
    );
  const own = ownHeadersOf(settings.name, settings.headers);
  return Object.freeze({
    name: settings.name,
    data,
    origin: url.origin,
    basePath: url.pathname.replace(/\/+$/, ''),
    apiKey,
    timers: Object.freeze({ ...data.timers, ...definedOf(settings.timers) }),
    headers: Object.freeze({ ...data.headers, ...own }),
    ownHeaders: new Set([...Object.keys(own), data.auth.header]),
    query: Object.freeze({ ...data.query, ...settings.query }),
  });
}

const NOT_IN_HEADERS = /[^\t\x20-\x7e]|^\s|\s$/;

/** Framing is the transport's, and a compressed answer could not be read for its usage. */
const TRANSPORT_HEADERS: ReadonlySet<string> = new Set([
  'accept-encoding',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

function baseUrlOf(name: string, text: string): URL {
  if (!URL.canParse(text)) throw new RangeError(`provider ${name}: \`baseUrl\` is not a URL`);
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw new RangeError(`provider ${name}: \`baseUrl\` must be http or https`);
  if (url.username || url.password)
    throw new RangeError(`provider ${name}: credentials belong in \`apiKey\`, not in \`baseUrl\``);
  if (url.search || url.hash)
    throw new RangeError(`provider ${name}: \`baseUrl\` ends with its path: what follows \`?\` belongs in \`query\``);
  return url;
}

function ownHeadersOf(name: string, headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  const own = Object.entries(headers).map(([header, value]) => [header.toLowerCase(), value] as const);
  for (const [header, value] of own) {
    if (!/^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(header) || NOT_IN_HEADERS.test(value))
      throw new RangeError(`provider ${name}: \`headers.${header}\` is not a valid header`);
    if (TRANSPORT_HEADERS.has(header))
      throw new RangeError(`provider ${name}: \`headers.${header}\` is set by the gate itself`);
  }
  return Object.fromEntries(own);
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

/** Query fields by which providers take a key. A caller chooses no credential (Google reads `key`). */
const CREDENTIAL_FIELDS: ReadonlySet<string> = new Set([
  'key',
  'api-key',
  'api_key',
  'apikey',
  'access_token',
  'subscription-key',
]);

/**
 * Path and query of a call. The client's own query (`?beta=true`, without its `?`) keeps its bytes and order; on a
 * clash of names, whatever their case, ours wins, and a credential in it is left out.
 */
export function pathOf(provider: Provider, dialect: DialectName, model: string, clientQuery: string): string {
  // Nothing but dots would name another path, and half a surrogate pair has no encoding.
  const segment = encodeURIComponent(/^\.+$/.test(model) ? '_' : model.toWellFormed());
  const path = provider.basePath + (provider.data.paths[dialect] ?? '').replace('{model}', segment);
  const own = new URLSearchParams(provider.query as Record<string, string>).toString();
  if (clientQuery === '') return own === '' ? path : `${path}?${own}`;
  const query = [...clientPairs(provider, clientQuery), ...(own === '' ? [] : [own])].join('&');
  return query === '' ? path : `${path}?${query}`;
}

function clientPairs(provider: Provider, clientQuery: string): string[] {
  const own = new Set(Object.keys(provider.query).map((name) => name.toLowerCase()));
  return clientQuery.split('&').filter((pair) => {
    const name = fieldName(pair);
    return name !== null && !own.has(name) && !CREDENTIAL_FIELDS.has(name);
  });
}

/** Decoded, in lower case; null where it is empty or not valid percent-encoding. */
function fieldName(pair: string): string | null {
  const raw = pair.split('=', 1)[0]!.replaceAll('+', ' ');
  try {
    return decodeURIComponent(raw).trim().toLowerCase() || null;
  } catch {
    return null;
  }
}

/**
 * Headers of an upstream request as a flat list: the provider's credential, the operator's headers, and of the
 * client's headers only those on the provider's list. Where both have one, the operator's wins, while the data file's
 * is a default that the client's replaces. A client's credential, cookie, host or organisation never crosses.
 */
export function headersOf(
  provider: Provider,
  client: Readonly<Record<string, string | string[] | undefined>>,
): string[] {
  const { data } = provider;
  const out = ['content-type', 'application/json', 'accept-encoding', 'identity'];
  const sent = new Set<string>();
  for (const pattern of data.passHeaders) {
    if (!pattern.endsWith('*')) {
      pass(out, sent, provider, pattern, client[pattern]);
      continue;
    }
    const prefix = pattern.slice(0, -1);
    for (const name in client) if (name.startsWith(prefix)) pass(out, sent, provider, name, client[name]);
  }
  if (provider.apiKey !== null) add(out, sent, data.auth.header, data.auth.prefix + provider.apiKey);
  for (const name in provider.headers) add(out, sent, name, provider.headers[name]!);
  add(out, sent, 'user-agent', 'headgate');
  return out;
}

function pass(
  out: string[],
  sent: Set<string>,
  provider: Provider,
  name: string,
  value: string | string[] | undefined,
): void {
  if (typeof value === 'string' && !provider.ownHeaders.has(name)) add(out, sent, name, value);
}

function add(out: string[], sent: Set<string>, name: string, value: string): void {
  if (sent.has(name)) return;
  sent.add(name);
  out.push(name, value);
}

/** May another deployment be tried after this status, before any content reached the client? */
export const retryableStatus = (data: ProviderData, status: number): boolean =>
  status === 408 || status === 429 || status >= 500 || data.retryStatuses.includes(status);
