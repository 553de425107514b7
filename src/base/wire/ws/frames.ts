import type { FinishReason, ProviderFault } from '../canonical.ts';
import type { Usage } from '../usage.ts';

/** How events of an answer go out: in one form for all APIs, or in the API's own names and data. */
export type FrameForm = 'frames' | 'native';

/** Opens a call whose answer is streamed on this socket. `body` is the API's own; its bytes pass as they are. */
export interface StartFrame {
  readonly type: 'start';
  /** The client's own name for it, not in use on this socket. */
  readonly stream: string;
  /** A path that streams: `/v1/chat/completions`, `/v1/messages`, `/v1beta/models/{model}:streamGenerateContent`, … */
  readonly path: string;
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  readonly form: FrameForm;
}

/** Reads a stream on: behind `after`, or with all that was said so far in one frame. */
export interface ResumeFrame {
  readonly type: 'resume';
  readonly stream: string;
  /** The call's. */
  readonly id: string;
  /** `epoch.seq` of the last event that came; null: from the start. */
  readonly after: string | null;
  readonly snapshot: boolean;
  readonly form: FrameForm;
}

export type ClientFrame =
  | StartFrame
  | ResumeFrame
  | { readonly type: 'cancel'; readonly stream: string }
  | { readonly type: 'ack'; readonly stream: string; readonly seq: number }
  | { readonly type: 'ping'; readonly nonce: string | null }
  | { readonly type: 'pong' };

/** What one event of the answer says. `choice` and `block` count as in the answer. */
export type EventFrame =
  | { readonly type: 'message'; readonly id: string; readonly model: string }
  | {
      readonly type: 'delta';
      readonly kind: 'text' | 'reasoning' | 'refusal';
      readonly choice: number;
      readonly block: number;
      readonly text: string;
      readonly logprobs?: unknown;
    }
  /** With `id` and `name` it begins, with `arguments` it goes on. */
  | {
      readonly type: 'tool_call';
      readonly choice: number;
      readonly block: number;
      readonly id?: string;
      readonly name?: string;
      readonly custom?: true;
      readonly arguments?: string;
    }
  | {
      readonly type: 'signature';
      readonly choice: number;
      readonly block: number;
      readonly signature?: string;
      readonly encrypted?: string;
    }
  | { readonly type: 'annotation'; readonly choice: number; readonly block: number; readonly value: unknown }
  | {
      readonly type: 'finish';
      readonly choice: number;
      readonly reason: FinishReason;
      readonly stopSequence: string | null;
    }
  | { readonly type: 'usage'; readonly usage: Usage }
  /** An event that only its own API knows. */
  | { readonly type: 'opaque'; readonly name: string; readonly value: unknown }
  /** The provider failed in mid-answer; `end` follows. `body` is the API's own error. */
  | { readonly type: 'error'; readonly status: number | null; readonly body: unknown };

/** A choice as far as it has come: blocks of one kind are joined in their order. */
export interface ChoiceSoFar {
  readonly index: number;
  readonly text: string;
  readonly reasoning: string;
  readonly refusal: string;
  readonly tools: readonly {
    readonly id: string;
    readonly name: string;
    readonly arguments: string;
    readonly custom: boolean;
  }[];
  readonly finish: FinishReason | null;
}

/** All that an answer has said up to an event. */
export interface SnapshotSaid {
  readonly id: string | null;
  readonly model: string | null;
  readonly choices: readonly ChoiceSoFar[];
  readonly usage: Usage | null;
  /** The provider failed in mid-answer. */
  readonly error: ProviderFault | null;
}

interface Of {
  readonly stream: string;
}
/** Every event of the log is one frame, whose `seq` with the epoch is the position to go on from. */
type Numbered = Of & { readonly seq: number };

export type ServerFrame =
  | (Of & {
      readonly type: 'started';
      readonly id: string;
      readonly epoch: string;
      readonly model: string | null;
      readonly resumable: boolean;
      /** Of the answer, as HTTP would have them. */
      readonly headers: Readonly<Record<string, string>>;
    })
  | (Of & {
      readonly type: 'resumed';
      readonly id: string;
      readonly epoch: string;
      /** Events behind this one follow; -1: all. */
      readonly after: number;
    })
  | (Numbered & { readonly type: 'snapshot'; readonly said: SnapshotSaid })
  | (Numbered & EventFrame)
  | (Numbered & { readonly type: 'batch'; readonly frames: readonly EventFrame[] })
  /** Form `native`: the event's name and the text of its data. */
  | (Numbered & { readonly type: 'event'; readonly event: string; readonly data: string })
  | (Of & {
      readonly type: 'end';
      readonly id: string | null;
      /** As in the ledger's entry: `ok`, or why the answer is not whole. */
      readonly status: string;
      /** -1: there was no event. */
      readonly lastSeq: number;
      readonly finish: FinishReason | null;
      readonly usage: Usage | null;
      /** SHA-256 of the answer's text in UTF-8: the pieces of its text blocks in the order in which they came. */
      readonly textSha256: string | null;
    })
  /** The call answered in one piece after all. */
  | (Of & {
      readonly type: 'answer';
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: unknown;
    })
  /** The call was refused or failed before its first event: nothing follows. */
  | {
      readonly type: 'error';
      /** Absent: the frame that was wrong named none. */
      readonly stream?: string;
      readonly id?: string;
      readonly status: number;
      readonly body: unknown;
      readonly retryAfterMs?: number;
    }
  /** Too slow: the stream is let go. Resume behind `position`, unless it was not resumable. */
  | (Of & {
      readonly type: 'lagging';
      readonly id: string;
      readonly position: string | null;
      readonly resumable: boolean;
    })
  | { readonly type: 'ping'; readonly stream?: string }
  | { readonly type: 'pong'; readonly nonce?: string }
  /** The gate stops: no new call; the socket closes with 1012 when its streams have ended. */
  | { readonly type: 'draining' };
