import type { Result } from '#kernel/result.ts';
import type {
  CanonicalCall,
  CanonicalEvent,
  CanonicalWhole,
  DialectName,
  FieldClass,
  FinishReason,
  ProviderFault,
} from './canonical.ts';
import type { StrictJson } from './json/strict.ts';
import type { MemberEdits } from './json/splice.ts';
import type { Seams } from './seams.ts';
import type { SseEvent } from './sse/splitter.ts';
import type { Units, Usage } from './usage.ts';

/** A field of a caller's request that is wrong, with what would be right. Becomes a 400 that names it. */
export interface FieldFault {
  readonly code: 'invalid_request' | 'duplicate_field' | 'unsupported_field' | 'policy_refused';
  readonly field: string;
  readonly message: string;
}

/** What a path says of its call, where the body has no word for it or where the path wins over it (Azure, Bedrock). */
export interface PathFacts {
  readonly model: string;
  /** False: the body says it. */
  readonly stream: boolean;
  /** Members of the body that are an envelope of the platform's, and nothing to the dialect. */
  readonly leaveOut?: readonly string[];
  /** A member that other clients send as a header, as a list of words: it becomes that header. */
  readonly lift?: { readonly member: string; readonly header: string };
}

/** Images, sound and searches that a request asks for: what a reservation is made from, and an entry where the answer is silent. */
export interface Asked {
  /** What is billed for certain once the provider has answered; null: only the answer tells. */
  readonly units: Units | null;
  /** The most that may be billed by unit. */
  readonly most: Units;
  /** Bytes that become input tokens where the model is billed by token. */
  readonly textBytes: number;
  /** Input tokens of what is not text, as far as they can be expected. */
  readonly mediaTokens: number;
}

/** What policy reads of a request, before anything is sent. Read strictly, cheaply, without a full decode. */
export interface PolicyView {
  readonly model: string;
  readonly stream: boolean;
  /** Did the client itself ask for the usage chunk (`stream_options.include_usage`)? True where usage is always sent. */
  readonly includeUsage: boolean;
  readonly maxOutputTokens: number | null;
  readonly n: number;
  readonly serviceTier: string | null;
  readonly store: boolean | null;
  readonly background: boolean;
  /** `cache_salt` was sent by the caller: refused by policy. */
  readonly cacheSalt: boolean;
  /** Names of tools that the provider runs and bills itself. */
  readonly hostedTools: readonly string[];
  /** `user`, `safety_identifier`, `metadata.user_id`: the first that is there. */
  readonly endUser: string | null;
  /** Session id in the body (`metadata.user_id` of Claude Code, `prompt_cache_key`, `session_id`). */
  readonly sessionHint: string | null;
  /** Ids that a provider keeps and the body names (previous_response_id, conversation, file ids, containers). */
  readonly keptIds: readonly { readonly kind: string; readonly id: string; readonly field: string }[];
  /** Parts that bytes do not measure: their tokens are taken at the data file's largest under `strict`. */
  readonly media: { readonly images: number; readonly audios: number; readonly files: number };
  /** Inputs of an embedding call, prompts of a completion, each of which is answered; 1 for others. */
  readonly inputs: number;
  /** Name of the conversation by its first blocks, where the thread that decoded the body worked it out. */
  readonly conversation?: string | null;
  /** Names of its own tools, where the thread that decoded the body worked them out. */
  readonly toolNames?: readonly string[];
  /** What the request says of a bill that bytes of text do not measure; absent: bytes measure it. */
  readonly asked?: Asked;
  /** Hints that were left out before policy read the body, because it was rewritten; absent: it was not. */
  readonly leftOut?: readonly string[];
}

/** Changes that the gate makes to a body of the same dialect; every other byte stays. */
export interface BodyChanges {
  readonly model?: string;
  /** Ask for the usage chunk of a stream. */
  readonly includeUsage?: true;
  /** Sets the dialect's limit of output tokens where the caller gave none (budget mode `strict`). */
  readonly maxOutputTokens?: number;
  /** Name of that field where the provider's data file knows another one (`max_tokens` for chat). */
  readonly maxOutputTokensField?: string;
  /** Top-level fields to set, as JSON text (what a cloud platform asks beside the dialect's own). */
  readonly set?: Readonly<Record<string, string>>;
  /** Top-level fields to leave out (hints that the target refuses, by the provider's data file). */
  readonly drop?: readonly string[];
}

/** A body without what only one family of models can read. */
export interface BareRequest {
  readonly edits: MemberEdits;
  /** Fields left out, as the caller's dialect names them. */
  readonly dropped: readonly string[];
}

/** What the gate needs to know of a unary answer of the same dialect. */
export interface AnswerView {
  readonly usage: Usage | null;
  /** The usage is the gate's own count and not the provider's word. */
  readonly counted?: boolean;
  readonly finish: FinishReason | null;
  readonly modelReturned: string | null;
  readonly fingerprint: string | null;
  readonly serviceTier: string | null;
  /** Ids that the provider keeps and that the answer names. */
  readonly keptIds: readonly { readonly kind: string; readonly id: string }[];
  /** The answer body is itself an error (some providers send 200 with `error`). */
  readonly fault: ProviderFault | null;
}

/** What one event of a stream of the same dialect means. Its bytes pass as they are unless `usageOnly`. */
export interface EventView {
  /** First such event commits the status line: text, reasoning, tool argument, refusal, signature… not start or ping. */
  readonly content: boolean;
  /** UTF-8 bytes of generated text in this event, for the estimate of a cut stream. */
  readonly textBytes: number;
  readonly usage: Usage | null;
  readonly finish: FinishReason | null;
  readonly modelReturned: string | null;
  readonly fingerprint: string | null;
  readonly keptIds: readonly { readonly kind: string; readonly id: string }[];
  /** The dialect's own mark of a proper end: `[DONE]`, `message_stop`, `response.completed|incomplete`. */
  readonly terminal: boolean;
  readonly fault: ProviderFault | null;
  /** Carries nothing but the usage that we asked for: withheld where the client did not ask. */
  readonly usageOnly: boolean;
}

/** Reads events of one stream. Stateful: one instance a stream. Never throws on odd bytes: such an event is opaque. */
export interface StreamReader {
  read(event: SseEvent): EventView;
  /**
   * Of a dialect without a terminal event: is a clean end of the connection now the proper end of the answer? Absent:
   * the terminal event alone is one.
   */
  ended?(): boolean;
}

/** One dialect's events to canonical events. Stateful. */
export interface StreamDecoder {
  push(event: SseEvent): readonly CanonicalEvent[];
  /** Events of a proper end that no event of the stream marks; with {@link StreamReader.ended}. */
  end?(): readonly CanonicalEvent[];
}

/** Canonical events to one dialect's SSE text, ready to write. Stateful. `''` where an event has no form of its own. */
export interface StreamEncoder {
  push(event: CanonicalEvent): string;
  /**
   * What it was given so far went out in these events, by another hand: their ids and numbers are gone on with. Absent:
   * the dialect has none but those that its steps say.
   */
  goOnBehind?(sent: Iterable<SseEvent>): void;
}

/** What an encoder of answers may use beyond the answer itself. */
export interface AnswerContext {
  /** Name under which the client asked for the model. */
  readonly modelAsked: string;
  readonly callId: string;
  readonly nowS: number;
  readonly includeUsage: boolean;
  /** For embeddings: the encoding that the client asked for. */
  readonly encoding?: 'float' | 'base64';
  /** For rankings: how many documents the client asked for; null: all. */
  readonly top?: number | null;
}

/** What the target cannot say, found while encoding: class decides between drop and 400 (clients.md 2). */
export interface Unsupported {
  readonly field: string;
  readonly class: FieldClass;
}

/** What servers of one dialect differ in. */
export interface Target {
  /** Takes Anthropic's `cache_control` on parts of a chat, as proxies of models that cache by marks do (clients.md 7). */
  readonly cacheControl: boolean;
}

export interface EncodedCall {
  readonly value: Record<string, unknown>;
  /** In the order met. Empty: everything was carried. */
  readonly unsupported: readonly Unsupported[];
}

/** What calls of a dialect are for; the kinds of ledger entries are these and what the gate itself calls for. */
export type DialectKind =
  'generate' | 'embed' | 'count' | 'image' | 'speech' | 'transcription' | 'moderation' | 'rerank';

/**
 * One API's form of calls and answers. All functions are pure; `decode*` are total on any JSON value
 * (a wrong one is a fault that names the field, never a throw).
 */
export interface Dialect {
  readonly name: DialectName;
  readonly kind: DialectKind;
  /** Model and stream flag stand in the path, and the body has no word for them: it is never given one. */
  readonly inPath?: true;
  /** Its patch reaches into a member that may be long: no part of the body may be set aside for it. */
  readonly patchesDeep?: true;
  /** Requests are `multipart/form-data`, read by `#wire/form`; absent: JSON. */
  readonly form?: true;
  readonly policy: (request: StrictJson, path?: PathFacts) => Result<PolicyView, FieldFault>;
  readonly patch: (request: StrictJson, changes: BodyChanges) => Uint8Array;
  /** Where the gate's own instructions, parameters and rules of tools meet a request; absent: nowhere. */
  readonly seams?: Seams;
  /**
   * Leaves out signed and encrypted reasoning (clients.md 8); null: there is none. A dialect without it has none. Asked
   * only where no number of the body is too long for a double.
   */
  readonly withoutReasoning?: (request: StrictJson) => BareRequest | null;
  readonly decodeCall: (request: StrictJson, path?: PathFacts) => Result<CanonicalCall, FieldFault>;
  readonly encodeCall: (call: CanonicalCall, target?: Target) => EncodedCall;
  readonly readAnswer: (value: unknown, view?: PolicyView) => AnswerView;
  /** The bytes of a whole answer without what is large and says nothing of usage or failure; absent: all are read. */
  readonly readable?: (body: Buffer) => Buffer;
  /** Is an answer of this content type passed on as it comes, without being read? Absent: never. */
  readonly passes?: (contentType: string) => boolean;
  readonly decodeAnswer: (value: unknown) => CanonicalWhole;
  readonly encodeAnswer: (answer: CanonicalWhole, context: AnswerContext) => object;
  readonly streamReader: (view?: PolicyView) => StreamReader;
  readonly streamDecoder: () => StreamDecoder;
  readonly streamEncoder: (context: AnswerContext) => StreamEncoder;
  /** A provider's error body (any JSON or text) with its status, in one shape. */
  readonly readFault: (status: number, body: unknown) => ProviderFault;
  /** Milliseconds that an error body asks to wait, for a provider that says so in no header. */
  readonly retryDelayMs?: (body: unknown) => number | null;
  /** A fault of a foreign provider in this dialect's own error form; the wait that it asks for, where the body says it. */
  readonly encodeFault: (
    fault: ProviderFault,
    requestId: string,
    retryAfterMs?: number | null,
  ) => { readonly status: number; readonly body: object };
  /** An error inside a stream whose status is already out, as SSE text; the connection is broken after it. */
  readonly streamFault: (fault: ProviderFault, requestId: string) => string;
}
