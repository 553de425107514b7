import type { DialectName } from '#wire/canonical.ts';
import { authorizerOf, type Authorizer, type StaticAwsKeys } from './credentials/index.ts';
import type { OptionName, ProviderData, Timers } from './provider-data.ts';
import { COMPLETIONS_CONTINUE, CONTINUES, type Continues } from './continues.ts';
import { filled, optionsOf, templateOf } from './options.ts';

/** A provider as configured: data file, base URL and one credential. The credential is bound to the origin. */
export interface Provider {
  readonly name: string;
  /** The entry of the file that it is: another name, where it is called with a tenant's own key. */
  readonly of: string;
  readonly data: ProviderData;
  readonly origin: string;
  /** Path part of the base URL, without a trailing slash. */
  readonly basePath: string;
  readonly apiKey: string | null;
  /** Authorizes each request by the platform's own chain; null: the key, where there is one, is all. */
  readonly authorizer: Authorizer | null;
  /** A caller's own login may be used here, in place of the credential. */
  readonly subscription: boolean;
  /** How it goes on with a text that an answer began with, by dialect; absent: not, or nobody knows. */
  readonly continues: Continues;
  /** Chats carry Anthropic's cache marks. */
  readonly cacheControl: boolean;
  /** Whether tenants share what their prompts leave in its cache, or what keeps them apart. */
  readonly prefixCache: PrefixCacheRule;
  /** Whether answers say what of their prompt came of a cache; null: by whether tenants share it. */
  readonly cachedTokens: CachedTokensRule | null;
  /** First tokens go out at multiples of it after the call began; 0: at once. */
  readonly ttftQuantumMs: number;
  readonly timers: Timers;
  /** Names in lower case: the data file's, and the operator's over them. */
  readonly headers: Readonly<Record<string, string>>;
  /** Names that no client header may replace: the operator's own and the credential's. */
  readonly ownHeaders: ReadonlySet<string>;
  readonly query: Readonly<Record<string, string>>;
  /** What of the W3C trace context is sent to it. */
  readonly traceContext: TraceContextRule;
  /** What every request to it carries, worked out once. */
  readonly plan: RequestPlan;
}

export type PrefixCacheRule = 'shared' | 'salt' | 'preamble';
export type CachedTokensRule = 'show' | 'hide';
export type TraceContextRule = 'off' | 'traceparent' | 'all';

interface RequestPlan {
  /** Path and query of each dialect whose path names no model and does not depend on streaming; without a client's own query. */
  readonly paths: Readonly<Partial<Record<DialectName, string>>>;
  /** Flat list of names and values that no client header replaces. */
  readonly headers: readonly string[];
  /** Names of client headers that cross, and prefixes of such names; none of them is in `headers`. */
  readonly pass: readonly string[];
  readonly passPrefixes: readonly string[];
  /** Of list headers, the words that cross; null: all of all. */
  readonly accepted: NonNullable<ProviderData['acceptedWords']> | null;
  /** The data file's own values, for names that a client may set. */
  readonly defaults: readonly (readonly [name: string, value: string])[];
}

export interface ProviderSettings {
  readonly name: string;
  /** Absent: its name. */
  readonly of?: string | undefined;
  readonly data: ProviderData;
  readonly baseUrl?: string | undefined;
  readonly apiKey?: string | null | undefined;
  readonly subscription?: boolean | undefined;
  readonly continues?: keyof typeof CONTINUES | undefined;
  readonly cacheControl?: boolean | undefined;
  readonly prefixCache?: PrefixCacheRule | undefined;
  readonly cachedTokens?: CachedTokensRule | undefined;
  readonly ttftQuantumMs?: number | undefined;
  readonly timers?: Partial<Timers> | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly query?: Readonly<Record<string, string>> | undefined;
  readonly traceContext?: TraceContextRule | undefined;
  /** What the operator or the environment says of region, project and the like. */
  readonly options?: Readonly<Partial<Record<OptionName, string>>> | undefined;
  readonly profile?: string | null | undefined;
  readonly awsKeys?: StaticAwsKeys | null | undefined;
}

/** Joins settings and data. Throws a RangeError that says what is missing: configuration turns it into a diagnostic. */
export function makeProvider(settings: ProviderSettings): Provider {
  const options = optionsOf(settings);
  const data = filled(settings.data, options);
  const text = settings.baseUrl ?? templateOf(settings.data, options);
  if (!text) throw new RangeError(`provider ${settings.name}: ${data.title} has no fixed address: set \`baseUrl\``);
  const url = baseUrlOf(settings.name, text);
  const apiKey = settings.apiKey ?? null;
  const subscription = settings.subscription ?? false;
  if (subscription) checkOfficial(settings.name, data, url);
  if (data.auth.required && !apiKey && !subscription)
    throw new RangeError(`provider ${settings.name}: \`apiKey\` is missing`);
  if (apiKey !== null && NOT_IN_HEADERS.test(apiKey))
    throw new RangeError(
      `provider ${settings.name}: \`apiKey\` holds a character that no header can carry, such as a line break`,
    );
  const own = ownHeadersOf(settings.name, settings.headers);
  const provider = {
    name: settings.name,
    of: settings.of ?? settings.name,
    data,
    origin: url.origin,
    basePath: url.pathname.replace(/\/+$/, ''),
    apiKey,
    authorizer: authorizerFor(settings, url, options),
    subscription,
    continues:
      settings.continues === undefined ? { ...COMPLETIONS_CONTINUE, ...data.continues } : CONTINUES[settings.continues],
    cacheControl: settings.cacheControl ?? data.cacheControl ?? false,
    prefixCache: settings.prefixCache ?? 'shared',
    cachedTokens: settings.cachedTokens ?? null,
    ttftQuantumMs: settings.ttftQuantumMs ?? 0,
    timers: Object.freeze({ ...data.timers, ...definedOf(settings.timers) }),
    headers: Object.freeze({ ...data.headers, ...own }),
    ownHeaders: new Set([...Object.keys(own), data.auth.header, ...SIGNED_HEADERS]),
    query: Object.freeze({ ...data.query, ...settings.query }),
    traceContext: settings.traceContext ?? (data.selfHosted ? 'traceparent' : 'off'),
  };
  return Object.freeze({ ...provider, plan: Object.freeze(planOf(provider)) });
}

/** Null: a key is configured, or the provider has no chain. */
function authorizerFor(
  { name, data, apiKey, profile, awsKeys }: ProviderSettings,
  { host }: URL,
  { region }: Readonly<Partial<Record<OptionName, string>>>,
): Authorizer | null {
  const { chain } = data.auth;
  if (!chain || apiKey) return null;
  return authorizerOf({
    ...{ name, chain, host },
    ...{ region: region ?? null, profile: profile ?? null, keys: awsKeys ?? null },
  });
}

/** Somebody's login goes to the host that it is for, and to no other (clients.md 10). */
function checkOfficial(name: string, data: ProviderData, url: URL): void {
  const hosts = data.subscriptionHosts ?? [];
  if (hosts.length === 0) throw new RangeError(`provider ${name}: ${data.title} has no subscriptions to log in to`);
  if (!hosts.includes(url.hostname))
    throw new RangeError(
      `provider ${name}: with \`subscription\` the base URL is at ${hosts.join(' or ')}: a login goes to no other host`,
    );
}

/** Would a shorter prefix let the name pass as well? It must not cross twice. */
const covered = (name: string, prefixes: readonly string[]): boolean =>
  prefixes.some((prefix) => name !== prefix && name.startsWith(prefix));

/** The operator's headers and the credential win over the client's; the data file's are defaults that it replaces. */
function planOf(provider: Omit<Provider, 'plan'>): RequestPlan {
  const { data, ownHeaders } = provider;
  const credential = provider.apiKey === null ? [] : [[data.auth.header, data.auth.prefix + provider.apiKey]];
  const isPrefix = (pattern: string): boolean => pattern.endsWith('*');
  const prefixes = data.passHeaders.filter(isPrefix).map((pattern) => pattern.slice(0, -1));
  const passes = (name: string): boolean =>
    !ownHeaders.has(name) && (data.passHeaders.includes(name) || prefixes.some((prefix) => name.startsWith(prefix)));
  const values = Object.entries({ 'user-agent': 'headgate', ...provider.headers }).filter(
    ([name]) => credential.length === 0 || name !== data.auth.header,
  );
  return {
    paths: Object.fromEntries(
      Object.entries(data.paths)
        .filter(([dialect, path]) => !path.includes('{model}') && !data.streamPaths?.[dialect as DialectName])
        .map(([dialect, path]) => [dialect, pathWith(rooted(provider, dialect as DialectName), path, '')]),
    ),
    headers: [
      ...['content-type', 'application/json', 'accept-encoding', 'identity'],
      ...credential.flat(),
      ...values.filter(([name]) => !passes(name)).flat(),
    ],
    pass: data.passHeaders.filter((name) => !isPrefix(name) && !ownHeaders.has(name) && !covered(name, prefixes)),
    accepted: data.acceptedWords ?? null,
    passPrefixes: prefixes.filter((prefix) => !covered(prefix, prefixes)),
    defaults: values.filter(([name]) => passes(name)),
  };
}

/** What an authorizer sets: from a client they would stand there twice. */
const SIGNED_HEADERS = ['authorization', 'x-amz-date', 'x-amz-security-token', 'x-amz-content-sha256'];

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

/**
 * The dialect in which to speak to a provider: the client's own where it can, else the first that carries its kind.
 * `marked`: its chats take cache marks, which its other dialects may not.
 */
export function dialectFor(data: ProviderData, asked: DialectName, marked = false): DialectName | null {
  if (data.paths[asked]) return asked;
  if (marked && asked === 'anthropic-messages' && data.paths['openai-chat']) return 'openai-chat';
  for (const other of CROSSABLE[asked]) if (data.paths[other]) return other;
  return null;
}

/** All that it can be asked in, the preferred one first. */
export const dialectsFor = (data: ProviderData, asked: DialectName): readonly DialectName[] =>
  [asked, ...CROSSABLE[asked]].filter((dialect) => data.paths[dialect] !== undefined);

// Preference of a foreign dialect: the one that carries most of the meaning first (docs/reference/crossing.md).
const CROSSABLE: Readonly<Record<DialectName, readonly DialectName[]>> = {
  'openai-compact': [],
  'ai-sdk-ui': ['anthropic-messages', 'openai-chat', 'openai-responses', 'bedrock-converse', 'google-generate'],
  'openai-chat': ['openai-responses', 'anthropic-messages', 'bedrock-converse', 'google-generate'],
  'openai-responses': ['openai-chat', 'anthropic-messages', 'bedrock-converse', 'google-generate'],
  'anthropic-messages': ['bedrock-converse', 'openai-responses', 'openai-chat', 'google-generate'],
  'google-generate': ['openai-chat', 'anthropic-messages', 'bedrock-converse', 'openai-responses'],
  'bedrock-converse': ['anthropic-messages', 'openai-responses', 'openai-chat', 'google-generate'],
  'openai-completions': [],
  'openai-embeddings': ['google-batch-embed', 'cohere-embed'],
  'google-embed': ['google-batch-embed', 'openai-embeddings', 'cohere-embed'],
  'google-batch-embed': ['openai-embeddings', 'cohere-embed'],
  'openai-moderations': [],
  'openai-images': [],
  'openai-image-edits': [],
  'openai-image-variations': [],
  'openai-speech': [],
  'openai-transcriptions': [],
  'openai-translations': [],
  rerank: ['tei-rerank'],
  'cohere-rerank': ['voyage-rerank', 'tei-rerank'],
  'voyage-rerank': [],
  'tei-rerank': [],
  'cohere-embed': [],
  'voyage-contextual': [],
  'anthropic-count': ['google-count'],
  'google-count': ['anthropic-count'],
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

export interface PathAsked {
  readonly dialect: DialectName;
  readonly model: string;
  readonly stream: boolean;
  /** The client's own query without its `?` (`beta=true`); '' where its dialect is not the provider's. */
  readonly clientQuery: string;
}

/**
 * Path and query of a call. The client's own query keeps its bytes and order; on a clash of names, whatever their
 * case, ours wins, and a credential in it is left out.
 */
export function pathOf(provider: Provider, { dialect, model, stream, clientQuery }: PathAsked): string {
  const { data } = provider;
  const sent = data.passQuery === false ? '' : clientQuery;
  const planned = sent === '' ? provider.plan.paths[dialect] : undefined;
  if (planned !== undefined) return planned;
  // Nothing but dots would name another path, and half a surrogate pair has no encoding.
  const segment = encodeURIComponent(/^\.+$/.test(model) ? '_' : model.toWellFormed());
  const path = (stream ? data.streamPaths?.[dialect] : undefined) ?? data.paths[dialect] ?? '';
  return pathWith(rooted(provider, dialect), path, sent).replace('{model}', segment);
}

/** Some paths stand beside the base URL's own path and not below it. */
const rooted = <P extends Pick<Provider, 'data' | 'basePath'>>(provider: P, dialect: DialectName): P =>
  provider.data.rootPaths?.includes(dialect) ? { ...provider, basePath: '' } : provider;

/** Path and query of something that a provider keeps; the client's query crosses as that of a call does. */
export const storedPathOf = (provider: Provider, path: string, clientQuery: string): string =>
  pathWith(provider, path, clientQuery);

/** Fixed query of the path first, then the client's, then the provider's own. */
function pathWith(provider: Omit<Provider, 'plan'>, dialectPath: string, clientQuery: string): string {
  const cut = dialectPath.indexOf('?');
  const path = provider.basePath + (cut < 0 ? dialectPath : dialectPath.slice(0, cut));
  const fixed = cut < 0 ? '' : dialectPath.slice(cut + 1);
  const own = new URLSearchParams(provider.query as Record<string, string>).toString();
  const ours = new Set([...new URLSearchParams(`${fixed}&${own}`).keys()].map((name) => name.toLowerCase()));
  const sent = clientQuery === '' ? [] : clientPairs(ours, clientQuery);
  const query = [fixed, ...sent, own].filter((part) => part !== '').join('&');
  return query === '' ? path : `${path}?${query}`;
}

function clientPairs(own: ReadonlySet<string>, clientQuery: string): string[] {
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
 * is a default that the client's replaces. `contentType`: of a body that is not JSON. A client's credential, cookie,
 * host or organisation never crosses, but for the `login` that the operator lets through, which stands in place of the
 * credential.
 */
export function headersOf(
  { plan, ownHeaders, data }: Provider,
  client: Readonly<Record<string, string | string[] | undefined>>,
  contentType?: string,
  login: string | null = null,
): string[] {
  const out = login === null ? plan.headers.slice() : withLogin(plan, data, login);
  // The plan begins with the content type of JSON, and a login goes before it.
  if (contentType !== undefined) out[out.indexOf('content-type') + 1] = contentType;
  for (const name of plan.pass) {
    const sent = client[name];
    const value = plan.accepted === null ? sent : acceptedOf(plan.accepted[name], sent);
    if (typeof value === 'string') out.push(name, value);
  }
  for (const prefix of plan.passPrefixes)
    for (const name in client) {
      const value = client[name];
      if (name.startsWith(prefix) && typeof value === 'string' && !ownHeaders.has(name)) out.push(name, value);
    }
  for (const [name, value] of plan.defaults) if (typeof client[name] !== 'string') out.push(name, value);
  return out;
}

/** Words of a list header that the provider accepts; undefined: none is left. */
function acceptedOf(
  accepted: readonly string[] | undefined,
  value: string | string[] | undefined,
): string | string[] | undefined {
  if (!accepted || typeof value !== 'string') return value;
  const words = value.split(',').map((word) => word.trim());
  return words.filter((word) => accepted.includes(word)).join(',') || undefined;
}

/** The caller's login where the credential would stand, and no credential beside it. */
function withLogin({ headers }: RequestPlan, { auth }: ProviderData, login: string): string[] {
  const out = ['authorization', login];
  for (let at = 0; at < headers.length; at += 2)
    if (headers[at] !== auth.header && headers[at] !== 'authorization') out.push(headers[at]!, headers[at + 1]!);
  return out;
}

/** May another deployment be tried after this status, before any content reached the client? */
export const retryableStatus = (data: ProviderData, status: number): boolean =>
  status === 408 || status === 429 || status >= 500 || data.retryStatuses.includes(status);
