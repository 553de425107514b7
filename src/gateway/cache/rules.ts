import type { DialectName } from '#wire/canonical.ts';
import type { DialectKind } from '#wire/dialect.ts';
import type { Call } from '../call.ts';

/** Why a call of a feature with a cache neither reads nor leaves an answer there. */
export const BYPASS_REASONS = [
  /** The caller's `cache-control: no-store`. */
  'no_store',
  /** Images, sound, counts of tokens; forms that are no JSON, and bodies with more members than any API has. */
  'kind',
  /** The provider keeps the answer, or answers later. */
  'stored',
  /** The request names what a provider keeps: files, earlier responses, containers. */
  'kept_ids',
  /** The provider runs a tool: a search has another answer tomorrow. */
  'hosted_tools',
  /** Several answers are asked for, that should differ. */
  'n',
  /** The caller's own login pays. */
  'login',
] as const;
export type BypassReason = (typeof BYPASS_REASONS)[number];

const KINDS: ReadonlySet<DialectKind> = new Set(['generate', 'embed', 'moderation', 'rerank']);
/** `useChat` numbers its messages, so that no two requests are the same; a compacted conversation is read by its maker alone. */
const NEVER: ReadonlySet<DialectName> = new Set(['ai-sdk-ui', 'openai-compact']);

/** Each is hashed by itself: the largest API has 50. */
const MOST_MEMBERS = 128;

/** Null: it may. */
export function bypassOf({ facts, exchange }: Call): BypassReason | null {
  const { view, dialect, body, login } = facts;
  if (directives(exchange.request.headers['cache-control']).noStore) return 'no_store';
  if (!KINDS.has(dialect.kind) || NEVER.has(dialect.name)) return 'kind';
  if (body.contentType !== undefined || body.spans.size > MOST_MEMBERS) return 'kind';
  if (view.background || isStored(dialect.name, view.store)) return 'stored';
  if (view.keptIds.length > 0) return 'kept_ids';
  if (view.hostedTools.length > 0) return 'hosted_tools';
  if (dialect.kind === 'generate' && (view.n > 1 || view.inputs > 1)) return 'n';
  return login === null ? null : 'login';
}

/** Responses are kept by their provider unless the request says otherwise. */
const isStored = (dialect: DialectName, store: boolean | null): boolean =>
  dialect === 'openai-responses' ? store !== false : store === true;

export interface Directives {
  readonly noStore: boolean;
  /** The answer is to be made anew; it may be kept. */
  readonly noCache: boolean;
  /** No older answer will do, in seconds; null: any. */
  readonly maxAgeS: number | null;
}

const NONE: Directives = Object.freeze({ noStore: false, noCache: false, maxAgeS: null });

/** Of a request's `cache-control` (RFC 9111, 5.2.1), as far as a caller's word can be less than the operator's. */
export function directives(header: string | undefined): Directives {
  if (header === undefined) return NONE;
  const words = header.split(',').map((word) => word.trim().toLowerCase());
  const maxAge = words.map((word) => /^max-age="?(\d{1,10})"?$/.exec(word)?.[1]).find((age) => age !== undefined);
  return {
    noStore: words.includes('no-store'),
    noCache: words.includes('no-cache'),
    maxAgeS: maxAge === undefined ? null : Number(maxAge),
  };
}

/** Ends of an answer that is whole. A cut or refused one is no answer to give again: a second try may do better. */
const WHOLE: ReadonlySet<string> = new Set(['stop', 'stop_sequence', 'tool_calls']);

export const isWhole = (kind: DialectKind, finish: string | null): boolean =>
  kind === 'generate' ? finish !== null && WHOLE.has(finish) : true;
