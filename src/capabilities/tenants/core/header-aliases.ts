/**
 * Attribution headers of other gateways as our own, so that clients of an earlier one need no change. Off unless the
 * operator's file names the gateway; what a caller may say stays a right of its key (clients.md 24).
 */
import { HeadgateError } from '#kernel/errors.ts';
import { err, type Result } from '#kernel/result.ts';
import { readAttribution, type Attribution, type AttributionRules } from './attribution.ts';
import type { Headers } from './credentials.ts';

export const ALIAS_SETS = ['litellm', 'helicone'] as const;
export type AliasSet = (typeof ALIAS_SETS)[number];

interface Alias {
  readonly set: AliasSet;
  /** Lower case; with a trailing `*` the rest is the name of a label. */
  readonly header: string;
  readonly becomes: string;
  readonly how: 'value' | 'tags' | 'property';
}

const alias = (set: AliasSet, header: string, becomes: string, how: Alias['how'] = 'value'): Alias => ({
  set,
  header,
  becomes,
  how,
});

/** In the order in which they win. Facts: docs.litellm.ai/docs/proxy/request_headers, docs.helicone.ai/helicone-headers. */
export const HEADER_ALIASES: readonly Alias[] = [
  alias('litellm', 'x-litellm-customer-id', 'x-headgate-end-user'),
  alias('litellm', 'x-litellm-end-user-id', 'x-headgate-end-user'),
  alias('litellm', 'x-litellm-session-id', 'x-headgate-session'),
  alias('litellm', 'x-litellm-trace-id', 'x-headgate-session'),
  alias('litellm', 'x-litellm-tags', 'x-headgate-labels', 'tags'),
  alias('helicone', 'helicone-user-id', 'x-headgate-end-user'),
  alias('helicone', 'helicone-session-id', 'x-headgate-session'),
  alias('helicone', 'helicone-property-*', 'x-headgate-labels', 'property'),
];

/** Label that takes tags without a name. */
export const TAGS_LABEL = 'tags';

interface Aliased {
  readonly headers: Headers;
  /** Our header to the one that the caller sent. */
  readonly sent: ReadonlyMap<string, string>;
}

/** Attribution from our headers and those of the named gateways; a refusal names the header as it was sent. */
export function readAliased(
  headers: Headers,
  rules: AttributionRules,
  sets: readonly AliasSet[],
): Result<Attribution, HeadgateError> {
  const aliased = withAliases(headers, sets);
  return asSent(readAttribution(aliased.headers, rules), aliased.sent);
}

/** Headers with those of other gateways under our names. Ours win where both are there. */
function withAliases(headers: Headers, sets: readonly AliasSet[]): Aliased {
  const out: Record<string, string | readonly string[] | undefined> = { ...headers };
  const sent = new Map<string, string>();
  for (const one of HEADER_ALIASES) {
    if (!sets.includes(one.set)) continue;
    for (const { header, value } of found(headers, one)) take(out, sent, { header, value, becomes: one.becomes });
  }
  return { headers: out, sent };
}

interface Taken {
  readonly header: string;
  readonly value: string;
  readonly becomes: string;
}

function take(out: Record<string, unknown>, sent: Map<string, string>, { header, value, becomes }: Taken): void {
  const before = out[becomes];
  if (before === undefined) out[becomes] = value;
  // Labels of several headers are one list; of anything else the first counts.
  else if (sent.has(becomes) && becomes === 'x-headgate-labels') out[becomes] = `${String(before)},${value}`;
  else return;
  if (!sent.has(becomes)) sent.set(becomes, header);
}

function found(headers: Headers, { header, how }: Alias): { readonly header: string; readonly value: string }[] {
  if (how === 'property') {
    const prefix = header.slice(0, -1);
    return Object.keys(headers)
      .filter((name) => name.startsWith(prefix) && name.length > prefix.length)
      .flatMap((name) =>
        textsOf(headers, name).map((value) => ({
          header: name,
          // A comma would begin another label.
          value: `${name.slice(prefix.length)}=${value.replaceAll(',', ';')}`,
        })),
      );
  }
  return textsOf(headers, header).map((text) => ({ header, value: how === 'tags' ? labelsOf(text) : text }));
}

function textsOf(headers: Headers, name: string): string[] {
  const value = headers[name];
  if (value === undefined) return [];
  const text = (typeof value === 'string' ? value : value.join(', ')).trim();
  return text === '' ? [] : [text];
}

/** `env:prod,team=core,fast` is `env=prod,team=core,tags=fast`: tags without a name share one label, in order. */
function labelsOf(text: string): string {
  const tags = text
    .split(',')
    .map((tag) => tag.trim())
    .filter((tag) => tag !== '');
  const named = tags.filter((tag) => /^[^:=]+[:=]/.test(tag)).map((tag) => tag.replace(/^([^:=]+)[:=]\s*/, '$1='));
  const bare = [...new Set(tags.filter((tag) => !/^[^:=]+[:=]/.test(tag)))].sort();
  return [...named, ...(bare.length > 0 ? [`${TAGS_LABEL}=${bare.join('+')}`] : [])].join(',');
}

/** A refusal names the header that the caller sent, and not the one that it stands for. */
function asSent<T>(result: Result<T, HeadgateError>, sent: ReadonlyMap<string, string>): Result<T, HeadgateError> {
  const field = result.ok ? undefined : result.error.details.field;
  const header = field === undefined ? undefined : sent.get(field);
  if (result.ok || header === undefined) return result;
  const { code, message, details } = result.error;
  return err(new HeadgateError(code, { ...details, field: header, message: message.replaceAll(field!, header) }));
}
