import type { Usage } from './usage.ts';

/** The APIs that Headgate speaks. A provider's deployment speaks one or more of them. */
export type DialectName =
  | 'openai-chat'
  | 'openai-responses'
  | 'openai-compact'
  /** Vercel's UI message stream: clients alone speak it. */
  | 'ai-sdk-ui'
  | 'openai-completions'
  | 'openai-embeddings'
  | 'openai-moderations'
  | 'openai-images'
  | 'openai-image-edits'
  | 'openai-image-variations'
  | 'openai-speech'
  | 'openai-transcriptions'
  | 'openai-translations'
  | 'rerank'
  | 'cohere-rerank'
  | 'voyage-rerank'
  | 'tei-rerank'
  | 'cohere-embed'
  | 'voyage-contextual'
  | 'anthropic-messages'
  | 'anthropic-count'
  | 'bedrock-converse'
  | 'google-generate'
  | 'google-count'
  | 'google-embed'
  | 'google-batch-embed';

/** Where bytes of an image, document or sound are. `data` is base64 without the data-URL head. */
export type Media =
  | { readonly at: 'url'; readonly url: string }
  | { readonly at: 'data'; readonly mediaType: string; readonly data: string }
  | { readonly at: 'file'; readonly fileId: string }
  | { readonly at: 'text'; readonly text: string };

/** A mark that the provider may cache the prompt up to here. A hint. */
export interface CacheMark {
  readonly ttl: string | null;
}

interface PartBase {
  readonly cache?: CacheMark;
}
export interface TextPart extends PartBase {
  readonly type: 'text';
  readonly text: string;
  /** As the source dialect wrote them; null parts are none. */
  readonly annotations?: readonly unknown[];
}
export interface ImagePart extends PartBase {
  readonly type: 'image';
  readonly media: Media;
  readonly detail?: string;
}
export interface DocumentPart extends PartBase {
  readonly type: 'document';
  readonly media: Media;
  readonly name?: string;
  readonly citations?: boolean;
}
export interface AudioPart extends PartBase {
  readonly type: 'audio';
  readonly data: string;
  readonly format: string;
}
/** A model's wish to call a tool. `args` is the argument text as the model wrote it (JSON unless `custom`). */
export interface ToolCallPart extends PartBase {
  readonly type: 'tool_call';
  readonly id: string;
  readonly name: string;
  readonly args: string;
  readonly custom: boolean;
}
export interface ToolResultPart extends PartBase {
  readonly type: 'tool_result';
  readonly id: string;
  readonly content: readonly Part[];
  readonly isError: boolean;
  readonly custom: boolean;
}
/** Thinking of a model. Signature and encrypted text are bound to the family that made them (clients.md 8). */
export interface ReasoningPart extends PartBase {
  readonly type: 'reasoning';
  readonly text: string;
  readonly signature?: string;
  readonly encrypted?: string;
  readonly id?: string;
}
export interface RefusalPart extends PartBase {
  readonly type: 'refusal';
  readonly text: string;
}
/** A block that only its own dialect knows (hosted tool uses, compaction items). Meaning: never dropped in silence. */
export interface OpaquePart extends PartBase {
  readonly type: 'opaque';
  readonly dialect: DialectName;
  readonly value: unknown;
}
export type Part =
  | TextPart
  | ImagePart
  | DocumentPart
  | AudioPart
  | ToolCallPart
  | ToolResultPart
  | ReasoningPart
  | RefusalPart
  | OpaquePart;

export interface Turn {
  /** `system` and `developer` turns stand where the caller put them; Anthropic's `system` array is a first turn. */
  readonly role: 'system' | 'developer' | 'user' | 'assistant';
  readonly parts: readonly Part[];
  readonly name?: string;
}

export type ToolDefinition =
  | {
      readonly type: 'function';
      readonly name: string;
      readonly description?: string;
      readonly schema: unknown;
      readonly strict?: boolean;
      readonly cache?: CacheMark;
    }
  | { readonly type: 'custom'; readonly name: string; readonly description?: string; readonly format?: unknown }
  /** A tool that the provider runs itself (web search, code interpreter). */
  | { readonly type: 'hosted'; readonly dialect: DialectName; readonly name: string; readonly value: unknown };

export type ToolChoice =
  | { readonly type: 'auto' | 'none' | 'required' }
  | { readonly type: 'named'; readonly name: string; readonly custom: boolean };

export type OutputFormat =
  | { readonly type: 'text' }
  | { readonly type: 'json' }
  | {
      readonly type: 'json_schema';
      readonly name: string;
      readonly schema: unknown;
      readonly strict?: boolean;
      readonly description?: string;
    };

/** A field of the source dialect that the canonical call has no place for, with its class (clients.md 2). */
export interface Extra {
  /** Path as the caller wrote it: `logit_bias`, `messages[2].cache_control`. */
  readonly field: string;
  readonly value: unknown;
  readonly class: FieldClass;
}
/** `hint`: may be left out and is then listed. `meaning`: leaving it out changes the answer, so it is a 400. */
export type FieldClass = 'hint' | 'meaning';

export interface GenerateCall {
  readonly kind: 'generate';
  readonly model: string;
  readonly turns: readonly Turn[];
  readonly tools: readonly ToolDefinition[];
  readonly toolChoice: ToolChoice | null;
  readonly parallelTools: boolean | null;
  readonly maxOutputTokens: number | null;
  readonly temperature: number | null;
  readonly topP: number | null;
  readonly topK: number | null;
  readonly stop: readonly string[];
  readonly seed: number | null;
  readonly n: number;
  readonly presencePenalty: number | null;
  readonly frequencyPenalty: number | null;
  readonly logitBias: Readonly<Record<string, number>> | null;
  /** Null: not asked for. A number: how many alternatives a token. */
  readonly topLogprobs: number | null;
  readonly format: OutputFormat | null;
  /** Effort is the field's word (minimal, low, medium, high, …); budget is Anthropic's `thinking.budget_tokens`. */
  readonly reasoning: {
    readonly effort: string | null;
    readonly budgetTokens: number | null;
    readonly enabled: boolean | null;
    readonly summary: string | null;
  } | null;
  readonly verbosity: string | null;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  readonly endUser: string | null;
  readonly metadata: Readonly<Record<string, string>> | null;
  readonly serviceTier: string | null;
  readonly store: boolean | null;
  readonly promptCacheKey: string | null;
  readonly extras: readonly Extra[];
}

export interface EmbedCall {
  readonly kind: 'embed';
  readonly model: string;
  /** Texts, or lists of token ids of the model's own vocabulary. */
  readonly inputs: readonly (string | readonly number[])[];
  readonly dimensions: number | null;
  readonly encoding: 'float' | 'base64';
  readonly endUser: string | null;
  readonly extras: readonly Extra[];
}

/** Documents to put in order by a query. */
export interface RankCall {
  readonly kind: 'rank';
  readonly model: string;
  readonly query: string;
  readonly documents: readonly string[];
  /** How many to answer with; null: all. */
  readonly top: number | null;
  readonly returnDocuments: boolean;
  readonly extras: readonly Extra[];
}

export type CanonicalCall = GenerateCall | EmbedCall | RankCall;

/** OpenAI's and Anthropic's words in one: the last two end a turn that the client may continue. */
export type FinishReason =
  | 'stop'
  | 'stop_sequence'
  | 'length'
  | 'tool_calls'
  | 'content_filter'
  | 'refusal'
  | 'pause'
  | 'context_exceeded'
  | 'other';

export interface CanonicalChoice {
  readonly parts: readonly Part[];
  readonly finish: FinishReason;
  readonly stopSequence: string | null;
  readonly logprobs?: unknown;
}

export interface CanonicalAnswer {
  readonly kind: 'generate';
  readonly id: string;
  readonly model: string;
  readonly createdS: number | null;
  readonly choices: readonly CanonicalChoice[];
  readonly usage: Usage | null;
  readonly serviceTier: string | null;
  readonly fingerprint: string | null;
}

export interface CanonicalEmbeddings {
  readonly kind: 'embed';
  readonly model: string;
  readonly vectors: readonly Float32Array[];
  readonly usage: Usage | null;
}

/** Documents by their place in the request, the most relevant first. */
export interface CanonicalRanking {
  readonly kind: 'rank';
  readonly model: string;
  readonly results: readonly { readonly index: number; readonly score: number; readonly text: string | null }[];
  readonly usage: Usage | null;
}

/** A whole answer of any kind. */
export type CanonicalWhole = CanonicalAnswer | CanonicalEmbeddings | CanonicalRanking;

/** One step of a streamed answer. `choice` counts `n`; `block` counts content blocks within a choice, in order. */
export type CanonicalEvent =
  | {
      readonly type: 'start';
      readonly id: string;
      readonly model: string;
      readonly createdS: number | null;
      readonly fingerprint: string | null;
    }
  | {
      readonly type: 'block_start';
      readonly choice: number;
      readonly block: number;
      readonly kind: 'text' | 'reasoning' | 'tool_call' | 'refusal';
      /** Of a tool call. */
      readonly id?: string;
      readonly name?: string;
      readonly custom?: boolean;
    }
  | {
      readonly type: 'delta';
      readonly choice: number;
      readonly block: number;
      /** Text, reasoning text, refusal text, or a piece of a tool call's argument text. */
      readonly text: string;
      readonly logprobs?: unknown;
    }
  | {
      readonly type: 'signature';
      readonly choice: number;
      readonly block: number;
      readonly signature?: string;
      readonly encrypted?: string;
    }
  | { readonly type: 'annotation'; readonly choice: number; readonly block: number; readonly value: unknown }
  | { readonly type: 'block_stop'; readonly choice: number; readonly block: number }
  | {
      readonly type: 'finish';
      readonly choice: number;
      readonly reason: FinishReason;
      readonly stopSequence: string | null;
    }
  | { readonly type: 'usage'; readonly usage: Usage }
  | { readonly type: 'ping' }
  /** The answer is complete: nothing follows. */
  | { readonly type: 'end' }
  | { readonly type: 'error'; readonly error: ProviderFault }
  /** An event that only its own dialect knows; the crossing table says whether it is dropped. */
  | { readonly type: 'opaque'; readonly dialect: DialectName; readonly name: string; readonly value: unknown };

/** A provider's failure in one shape. `message` is the provider's own words. */
export interface ProviderFault {
  readonly type:
    | 'invalid_request'
    | 'authentication'
    | 'permission'
    | 'not_found'
    | 'too_large'
    | 'rate_limit'
    | 'overloaded'
    | 'timeout'
    | 'billing'
    | 'server';
  readonly status: number | null;
  readonly message: string;
  readonly code: string | null;
  readonly field: string | null;
}
