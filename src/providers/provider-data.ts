import type { DialectName } from '#wire/canonical.ts';
import type { Continues } from './continues.ts';

/** How far a data file was checked, shown in docs: against a published schema, the vendor's SDK, docs alone, or not. */
export type Verified = 'schema' | 'sdk' | 'docs' | 'none';

/** Timers of one attempt in milliseconds. Explicit for every provider: undici's own 300 s kills long calls (clients.md 11). */
export interface Timers {
  readonly connectMs: number;
  /** From the request being sent to the first byte of the answer. */
  readonly firstByteMs: number;
  /** Between two reads of the body. */
  readonly idleMs: number;
  readonly totalMs: number;
}

/** How a platform gives credentials by itself: the chain of its own library, loaded only where such a provider is configured. */
export type CredentialChain =
  /** Keys that sign each request (Signature Version 4) for this service. */
  | { readonly platform: 'aws'; readonly service: string }
  /** Access tokens with this scope, sent as `authorization: Bearer`. */
  | { readonly platform: 'google' | 'azure'; readonly scope: string };

/** What the operator says of a cloud provider beside its credential: it fills `{name}` in the base URL and in paths. */
export const OPTION_NAMES = ['region', 'project', 'location', 'resource'] as const;
export type OptionName = (typeof OPTION_NAMES)[number];

export interface ProviderOption {
  /** Environment variables that the platform's own tools read, first wins. */
  readonly variables: readonly string[];
  readonly example: string;
}

/** What a platform changes of a body whose dialect it otherwise speaks; every other byte stays. */
export interface BodyForm {
  /** Members that are left out: what they say stands in the path. */
  readonly leaveOut: readonly string[];
  /** Members that are set where the caller has none, as JSON text. */
  readonly set: Readonly<Record<string, string>>;
  /** A header whose comma-separated words become a list in the body. */
  readonly listHeader?: { readonly header: string; readonly member: string };
}

/** Where a provider's stored things stand. A family without a path has no such thing. */
export interface StoredPaths {
  readonly openai?: { readonly responses?: string; readonly files?: string; readonly batches?: string };
  readonly anthropic?: { readonly files?: string; readonly batches?: string };
}

/** Everything that differs between providers, as data. One interpreter reads it; no provider has code of its own. */
export interface ProviderData {
  /** Name of the kind in headgate.yaml. */
  readonly name: string;
  readonly title: string;
  /** Without a trailing slash; null: the operator gives it (self-hosted, Azure). `{region}` and the like are options. */
  readonly baseUrl: string | null;
  /** Values of one option whose base URL is another one (Vertex AI's `global`). */
  readonly baseUrlAt?: { readonly option: OptionName; readonly urls: Readonly<Record<string, string>> };
  readonly options?: Readonly<Partial<Record<OptionName, ProviderOption>>>;
  /** Header that carries the credential (lower case) and what stands before it. Not required: sent where a key is configured. */
  readonly auth: {
    readonly header: string;
    readonly prefix: string;
    readonly required: boolean;
    /** Where no key is configured, credentials come from here. */
    readonly chain?: CredentialChain;
  };
  /** Hosts that take the login of a person with a subscription; absent: none (clients.md 10). */
  readonly subscriptionHosts?: readonly string[];
  /** Environment variable that the vendor's own tools read, the default of `apiKey`. */
  readonly keyVariable: string | null;
  /** Path of each dialect that it speaks, after the base URL. `{model}` stands for the deployment's model. */
  readonly paths: Readonly<Partial<Record<DialectName, string>>>;
  /** Dialects whose path begins at the server's root, whatever path the base URL has. */
  readonly rootPaths?: readonly DialectName[];
  /** Path and fixed query of a streamed call, where it is another one (Google's `:streamGenerateContent?alt=sse`). */
  readonly streamPaths?: Readonly<Partial<Record<DialectName, string>>>;
  /** Path of its list of models, by which it is tested; absent: `/models`. */
  readonly modelsPath?: string;
  /** False: the client's own query means nothing to it (`beta=true`) and is left out. */
  readonly passQuery?: false;
  readonly bodyForms?: Readonly<Partial<Record<DialectName, BodyForm>>>;
  /** Words of list headers that it accepts: others are hints, left out and listed (`anthropic-beta`). Absent: all. */
  readonly acceptedWords?: Readonly<Record<string, readonly string[]>>;
  /** Paths of what it keeps for its callers, by the family of the API, after the base URL. Absent: nothing is asked of it. */
  readonly stored?: StoredPaths;
  /** What its batches cost less than its list price, in per cent; absent: no discount is published. */
  readonly batchDiscountPercent?: number;
  /** Query that is always sent (Azure's api-version). Never a credential: queries stand in access logs. */
  readonly query: Readonly<Record<string, string>>;
  /** Headers that are always sent unless the client sent its own (`anthropic-version`). */
  readonly headers: Readonly<Record<string, string>>;
  /** Request headers of the client that cross, lower case; a trailing `*` is a prefix. */
  readonly passHeaders: readonly string[];
  /** Top-level request fields that it refuses and that are hints: left out and listed, same dialect too. */
  readonly refusedHints: Readonly<Partial<Record<DialectName, readonly string[]>>>;
  /** Name of the limit of output tokens in a chat body that the gate adds; providers that know the other one say so here. */
  readonly maxOutputTokensField: 'max_completion_tokens' | 'max_tokens';
  /** Sends usage on a stream only when asked (`stream_options.include_usage`), always, or refuses the option. */
  readonly streamUsage: 'ask' | 'always' | 'never';
  /** How it goes on with a text that an answer began with, by dialect; absent: not, or nobody knows. */
  readonly continues?: Continues;
  /** Its chats take Anthropic's `cache_control` on parts and tools (clients.md 7); absent: not, or nobody knows. */
  readonly cacheControl?: boolean;
  /** Response headers that say what is left of the account's own limits. */
  readonly rateLimitHeaders: readonly string[];
  /** Response header with the provider's id of the request. */
  readonly requestIdHeader: string | null;
  /** Statuses that mean "try elsewhere" beyond 408, 429 and 5xx. */
  readonly retryStatuses: readonly number[];
  /** What happens upstream when the client leaves: cancel, or read on for the usage (clients.md, gateways.md 3.11). */
  readonly onDisconnect: 'cancel' | 'readOut';
  /** Largest count of tokens that one part may be billed as; the upper bound under a `strict` budget. */
  readonly largest: { readonly imageTokens: number; readonly audioTokens: number; readonly fileTokens: number };
  /** Largest answer of a model where nothing better is known. */
  readonly maxOutputTokens: number;
  readonly timers: Timers;
  /** Dialects for which it states a price of zero: such calls cost nothing, which is known. */
  readonly free?: readonly DialectName[];
  /** Provider id in the price book; null: its models have no public price. */
  readonly priceBook: string | null;
  /** Ids in its answers that it keeps and that every key of a shared account could read (clients.md 14). */
  readonly keepsIds: boolean;
  /** A server of the operator's own: it may be told of the trace that a call is part of. */
  readonly selfHosted?: true;
  /** Anything a reader should know, in sentences. */
  readonly notes: readonly string[];
  readonly source: { readonly url: string; readonly read: string };
  readonly verified: Verified;
}

/** Longer than the SDKs' own 600 s, so that the client's timer decides and not ours. */
export const LONG_TIMERS: Timers = Object.freeze({
  connectMs: 10_000,
  firstByteMs: 620_000,
  idleMs: 300_000,
  totalMs: 3_600_000,
});

/** OpenAI's names, which many others took over. */
export const X_RATELIMIT_HEADERS: readonly string[] = Object.freeze([
  'x-ratelimit-limit-requests',
  'x-ratelimit-limit-tokens',
  'x-ratelimit-remaining-requests',
  'x-ratelimit-remaining-tokens',
  'x-ratelimit-reset-requests',
  'x-ratelimit-reset-tokens',
]);

/**
 * Largest parts where the model is the operator's choice: Qwen2-VL's 16,384 tokens an image is the largest that a
 * published vision model takes; sound and files are bound by a context of 131,072 alone.
 */
export const ANY_MODEL_LARGEST: ProviderData['largest'] = Object.freeze({
  imageTokens: 16_384,
  audioTokens: 131_072,
  fileTokens: 131_072,
});

/** An open model may answer until its context is full; 131,072 is the usual context. A deployment can say less. */
export const ANY_MODEL_OUTPUT_TOKENS = 131_072;
