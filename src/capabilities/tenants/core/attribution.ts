import type { FeatureName } from '#kernel/brand.ts';
import { nearest } from '#kernel/did-you-mean.ts';
import { HeadgateError } from '#kernel/errors.ts';
import { err, ok, type Result } from '#kernel/result.ts';
import { OTHER_VALUE } from '#ports/entry.ts';
import type { ApiKey } from '#ports/state-store.ts';
import { BoundedMap } from '#kernel/bounded-map.ts';
import type { Headers } from './credentials.ts';

/** What a call says of itself, as far as its key may say it (clients.md 24). Columns of the ledger entry. */
export interface Attribution {
  readonly feature: FeatureName | null;
  /** HMAC under the tenant's secret, 16 bytes in hex. */
  readonly endUser: string | null;
  readonly session: string | null;
  readonly agent: string | null;
  readonly parentAgent: string | null;
  readonly purpose: string | null;
  readonly labels: Readonly<Record<string, string>>;
  /** What the call said where it counts as another value; see the entry's field. */
  readonly asOther: Readonly<Record<string, string>> | null;
  readonly retryOf: string | null;
  readonly traceId: string | null;
  readonly client: string | null;
  readonly clientVersion: string | null;
  readonly clientRetry: number;
}

export interface AttributionRules {
  readonly key: ApiKey;
  /** Features that the operator's file declares. */
  readonly features: ReadonlySet<string>;
  /** Labels that the operator's file allows. */
  readonly labels: ReadonlySet<string>;
  /** Raw end user to its HMAC under the tenant's secret. */
  readonly hashEndUser: (raw: string) => string;
}

/** More would make the label table the ledger's largest. */
const MAX_LABELS = 10;
const LABEL_NAME = /^[a-zA-Z][a-zA-Z0-9_.-]{0,31}$/;
const LABEL_VALUE = /^[\x20-\x7e\u00a0-\uffff]{1,64}$/;
/** Ids of sessions, agents and calls: visible ASCII, as long as the longest seen (Claude Code's body id, 118). */
const ID = /^[\x21-\x7e]{1,160}$/;
/** Names that are grouped by in reports. */
const WORD = /^[a-zA-Z0-9][a-zA-Z0-9_.:/@-]{0,63}$/;
/** Anything that people use to name a user; no control characters. */
const END_USER = /^[^\p{Cc}]{1,256}$/u;

type Read<T> = Result<T, HeadgateError>;

const invalid = (field: string, message: string) => err(new HeadgateError('invalid_request', { field, message }));
const forbidden = (field: string, message: string) => err(new HeadgateError('header_not_allowed', { field, message }));

function headerText(headers: Headers, name: string): string | null {
  const value = headers[name];
  if (value === undefined) return null;
  const text = (typeof value === 'string' ? value : value.join(', ')).trim();
  return text === '' ? null : text;
}

/** A header that needs a right and a form. Absent: null. */
function guarded(headers: Headers, name: string, allowed: boolean, form: RegExp): Read<string | null> {
  const text = headerText(headers, name);
  if (text === null) return ok(null);
  if (!allowed) return forbidden(name, `This key may not set \`${name}\`.`);
  return form.test(text)
    ? ok(text)
    : invalid(name, `The value of \`${name}\` is too long or has characters that it may not have.`);
}

/** Does the request carry any header of ours? Most do not, and ten look-ups of what is not there cost 1 µs. */
function hasOwnHeaders(headers: Headers): boolean {
  for (const name in headers) if (name.startsWith('x-headgate-')) return true;
  return false;
}

/** Reads all headers that attribute a call. The first one that the key may not set, or that is malformed, is a 400. */
export function readAttribution(headers: Headers, rules: AttributionRules): Read<Attribution> {
  return hasOwnHeaders(headers) ? readOwnHeaders(headers, rules) : ok(defaultAttribution(headers, rules));
}

function defaultAttribution(headers: Headers, { key }: AttributionRules): Attribution {
  const client = readClient(headers);
  return {
    feature: key.defaultFeature,
    endUser: null,
    session: agentSession(headers, key.rights.session),
    agent: null,
    parentAgent: null,
    purpose: null,
    labels: key.defaultLabels,
    asOther: null,
    retryOf: null,
    traceId: traceIdOf(headerText(headers, 'traceparent')),
    client: client.client,
    clientVersion: client.clientVersion,
    clientRetry: client.clientRetry,
  };
}

function readOwnHeaders(headers: Headers, rules: AttributionRules): Read<Attribution> {
  const { rights } = rules.key;
  const feature = readFeature(headers, rules);
  if (!feature.ok) return feature;
  const endUser = guarded(headers, 'x-headgate-end-user', rights.endUser, END_USER);
  if (!endUser.ok) return endUser;
  const session = guarded(headers, 'x-headgate-session', rights.session, ID);
  if (!session.ok) return session;
  const agent = guarded(headers, 'x-headgate-agent', rights.agent, WORD);
  if (!agent.ok) return agent;
  const parentAgent = guarded(headers, 'x-headgate-parent-agent', rights.agent, WORD);
  if (!parentAgent.ok) return parentAgent;
  const purpose = guarded(headers, 'x-headgate-purpose', rights.purpose, WORD);
  if (!purpose.ok) return purpose;
  const retryOf = guarded(headers, 'x-headgate-retry-of', true, ID);
  if (!retryOf.ok) return retryOf;
  const labels = readLabels(headers, rules);
  if (!labels.ok) return labels;
  return ok({
    feature: feature.value,
    endUser: endUser.value === null ? null : rules.hashEndUser(endUser.value),
    session: session.value ?? agentSession(headers, rights.session),
    agent: agent.value,
    parentAgent: parentAgent.value,
    purpose: purpose.value,
    labels: labels.value,
    asOther: null,
    retryOf: retryOf.value,
    traceId: traceIdOf(headerText(headers, 'traceparent')),
    ...readClient(headers),
  });
}

/** What the body says fills what headers left open, where the key may set it. Never an error: SDKs send it unasked. */
export function withBodyHints(
  attribution: Attribution,
  hints: { readonly endUser: string | null; readonly sessionHint: string | null },
  rules: AttributionRules,
): Attribution {
  const { rights } = rules.key;
  const { endUser, sessionHint } = hints;
  const user = attribution.endUser === null && rights.endUser && endUser !== null && END_USER.test(endUser);
  const session = attribution.session === null && rights.session && sessionHint !== null && ID.test(sessionHint);
  if (!user && !session) return attribution;
  return {
    ...attribution,
    endUser: user ? rules.hashEndUser(endUser) : attribution.endUser,
    session: session ? sessionHint : attribution.session,
  };
}

function readFeature(headers: Headers, { key, features }: AttributionRules): Read<FeatureName | null> {
  const name = 'x-headgate-feature';
  const asked = headerText(headers, name);
  if (asked === null || asked === key.defaultFeature) return ok(key.defaultFeature);
  const { features: mine } = key.rights;
  // A feature that is not the key's reads the same whether it exists or not.
  const allowed = mine === '*' || mine.includes(asked);
  if (allowed && features.has(asked)) return ok(asked as FeatureName);
  if (mine !== '*' && mine.length === 0) return forbidden(name, `This key may not set \`${name}\`.`);
  if (!allowed) return forbidden(name, `This key may not name that feature in \`${name}\`.${nearText(asked, mine)}`);
  return invalid(name, `There is no such feature.${nearText(asked, mine === '*' ? features : mine)}`);
}

const nearText = (wrong: string, known: Iterable<string>): string => {
  const near = nearest(wrong, known);
  return near.length > 0 ? ` Did you mean ${near.map((name) => `\`${name}\``).join(', ')}?` : '';
};

function readLabels(
  headers: Headers,
  { key, labels: allowed }: AttributionRules,
): Read<Readonly<Record<string, string>>> {
  const name = 'x-headgate-labels';
  const text = headerText(headers, name);
  if (text === null) return ok(key.defaultLabels);
  const pairs = text.split(',').map((pair) => pair.trim());
  if (pairs.length > MAX_LABELS) return invalid(name, `\`${name}\` has more than ${MAX_LABELS} labels.`);
  const out: Record<string, string> = { ...key.defaultLabels };
  for (const pair of pairs) {
    const cut = pair.indexOf('=');
    const [label, value] = [pair.slice(0, Math.max(0, cut)).trim(), pair.slice(cut + 1).trim()];
    if (!LABEL_NAME.test(label) || !LABEL_VALUE.test(value) || value === OTHER_VALUE) {
      return invalid(
        name,
        `\`${name}\` is a list of \`name=value\`, divided by commas, values of at most 64 characters.`,
      );
    }
    if (!key.rights.labels.includes(label))
      return forbidden(name, `This key may not set the label \`${label}\` in \`${name}\`.`);
    if (!allowed.has(label))
      return invalid(name, `The label \`${label}\` is not in the configured list.${nearText(label, allowed)}`);
    out[label] = value;
  }
  return ok(out);
}

/**
 * Headers by which agents name their session, seen in their traffic: Claude Code 2.1.197; Codex 0.169.0 and pi 0.73.1;
 * opencode 1.18.33. None asks for a right: where the key has none, or the form is wrong, they say nothing.
 */
const SESSION_HEADERS = ['x-claude-code-session-id', 'session_id', 'x-session-affinity'] as const;

function agentSession(headers: Headers, allowed: boolean): string | null {
  if (!allowed) return null;
  for (const name of SESSION_HEADERS) {
    const text = headers[name] === undefined ? null : headerText(headers, name);
    if (text !== null && ID.test(text)) return text;
  }
  return null;
}

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?$/;

/** Trace id of a W3C `traceparent`; an invalid one counts as none (https://www.w3.org/TR/trace-context/#traceparent-header). */
function traceIdOf(text: string | null): string | null {
  const id = text !== null && text.length <= 128 ? TRACEPARENT.exec(text)?.[1] : undefined;
  return id !== undefined && !/^0+$/.test(id) ? id : null;
}

/** The two SDKs write `OpenAI/JS 7.57.0`, with the language where others have the version. */
const SDK_AGENT = /^(OpenAI|Anthropic|AsyncOpenAI|AsyncAnthropic)\/([\w.-]{1,32}) ([\w.+-]{1,32})/;
const PRODUCT = /^([\w.@-]{1,64})\/([\w.+-]{1,32})/;

type ClientFields = Pick<Attribution, 'client' | 'clientVersion' | 'clientRetry'>;

function readClient(headers: Headers): ClientFields {
  const named = clientOf(headerText(headers, 'user-agent') ?? '');
  const retries = headers['x-stainless-retry-count'];
  return {
    client: named.client ?? stainlessName(headers),
    clientVersion: named.clientVersion ?? word(headerText(headers, 'x-stainless-package-version')),
    clientRetry: typeof retries === 'string' ? retryCount(Number(retries)) : 0,
  };
}

const retryCount = (retries: number): number =>
  Number.isInteger(retries) && retries > 0 && retries < 1000 ? retries : 0;

type NamedClient = Omit<ClientFields, 'clientRetry'>;
// A fleet has a handful of clients: two regular expressions a call are spared.
const namedClients = new BoundedMap<string, NamedClient>(1_000);

function clientOf(userAgent: string): NamedClient {
  const agent = userAgent.slice(0, 256);
  const known = namedClients.get(agent);
  if (known) return known;
  const sdk = SDK_AGENT.exec(agent);
  const product = sdk ?? PRODUCT.exec(agent);
  const named = {
    client: sdk ? `${sdk[1]}-${sdk[2]}`.toLowerCase() : (product?.[1]?.toLowerCase() ?? null),
    clientVersion: sdk?.[3] ?? product?.[2] ?? null,
  };
  namedClients.set(agent, named);
  return named;
}

const stainlessName = (headers: Headers): string | null => {
  const language = word(headerText(headers, 'x-stainless-lang'));
  return language === null ? null : `sdk-${language}`;
};
const word = (text: string | null): string | null => (text !== null && WORD.test(text) ? text : null);
