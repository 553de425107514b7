import { isObject } from '#wire/json/read.ts';
import type { Provider } from '#providers/index.ts';
import type { Dialect } from '#wire/dialect.ts';
import { noteLimits } from './provider-limits.ts';

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/**
 * Headers of a provider's answer that reach every client. The rest stays: cookies, organisation and account ids,
 * and the shared account's remaining limits, which would be a signal between tenants (clients.md 16).
 */
const PASS = [
  'retry-after',
  'retry-after-ms',
  'x-should-retry',
  'x-amzn-errortype',
  'openai-processing-ms',
  'openai-version',
] as const;

const one = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value);

/** How long the provider says it took: less where the prompt came of a cache. */
export const PROVIDERS_TIME = 'openai-processing-ms';

/**
 * The provider's headers that cross to the client, as a flat list; an operator's key sees the account's limits as well,
 * and the console the last of them. `timeless`: without the provider's own time.
 */
export function answerHeaders(upstream: Headers, provider: Provider, operator: boolean, timeless = false): string[] {
  noteLimits(provider, upstream, Date.now());
  const out: string[] = [];
  for (const name of PASS) {
    const value = one(upstream[name]);
    if (value !== undefined && !(timeless && name === PROVIDERS_TIME)) out.push(name, value);
  }
  if (!operator) return out;
  for (const name of provider.data.rateLimitHeaders) {
    const value = one(upstream[name]);
    if (value !== undefined) out.push(`x-headgate-upstream-${name.replace(/^x-/, '')}`, value);
  }
  return out;
}

/** The longest wait that an upstream's header may ask of us: SDKs obey up to 60 s. */
const LONGEST_WAIT_MS = 60_000;

/** Milliseconds that `retry-after-ms` or `retry-after` (seconds or HTTP date) asks for, or null. */
export function retryAfterMs(upstream: Headers, nowMs: number): number | null {
  const ms = Number(one(upstream['retry-after-ms']) ?? NaN);
  if (ms >= 0) return Math.min(ms, LONGEST_WAIT_MS);
  const text = one(upstream['retry-after']);
  if (text === undefined) return null;
  const seconds = Number(text);
  const wait = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(text) - nowMs;
  return Number.isFinite(wait) ? Math.min(Math.max(wait, 0), LONGEST_WAIT_MS) : null;
}

/** The same, or what the error body asks for where the provider says it there (Google). */
export function waitAsked(dialect: Dialect, upstream: Headers, body: Buffer, nowMs: number): number | null {
  const header = retryAfterMs(upstream, nowMs);
  if (header !== null || !dialect.retryDelayMs) return header;
  const asked = dialect.retryDelayMs(bodyValue(body));
  return asked === null ? null : Math.min(asked, LONGEST_WAIT_MS);
}

/** JSON where it is JSON, else the text: what `readFault` takes. */
export function bodyValue(body: Buffer): unknown {
  const text = body.toString('utf8');
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The value of an error's body; AWS names the error in a header, and its older protocols as `__type` of the body. */
export function faultValue({ headers, body }: { readonly headers: Headers; readonly body: Buffer }): unknown {
  const value = bodyValue(body);
  const name = headers['x-amzn-errortype'];
  return typeof name === 'string' && isObject(value) ? { __type: name, ...value } : value;
}

// What providers quote of a wrong key ("Incorrect API key provided: sk-proj-ab***yz").
const KEY_FRAGMENT = /\b(?:sk|pk|gsk|xai|fw|key|hg|r8|AIza)[-_][A-Za-z0-9_*.-]{4,}/g;

/** A provider's error text without fragments of the operator's credential; same length of everything else. */
export function maskKeys(text: string, { apiKey, authorizer }: Pick<Provider, 'apiKey' | 'authorizer'>): string {
  let masked = text.replace(KEY_FRAGMENT, '***');
  for (const secret of authorizer?.secrets ?? [apiKey])
    if (secret && secret.length >= 8) masked = masked.replaceAll(secret, '***');
  return masked;
}
