/**
 * What the events of each API are, as far as most readers need them. APIs send more members and more types than stand
 * here; whoever wants them all passes the type of its vendor's SDK: `client.stream<OpenAI.ChatCompletionChunk>(…)`.
 */

/** `/v1/chat/completions`. The last event is `[DONE]`, whose `json` is null. */
export interface ChatChunk {
  readonly id: string;
  readonly model: string;
  readonly choices: readonly {
    readonly index: number;
    readonly delta: {
      readonly role?: string;
      readonly content?: string | null;
      readonly refusal?: string | null;
      readonly tool_calls?: readonly {
        readonly index: number;
        readonly id?: string;
        readonly type?: string;
        readonly function?: { readonly name?: string; readonly arguments?: string };
      }[];
    };
    readonly finish_reason: string | null;
  }[];
  /** With `stream_options: { include_usage: true }`, in the last chunk. */
  readonly usage?: { readonly prompt_tokens: number; readonly completion_tokens: number } | null;
}

/** `/v1/responses`. */
export type ResponsesEvent =
  | {
      readonly type:
        'response.created' | 'response.in_progress' | 'response.completed' | 'response.failed' | 'response.incomplete';
      readonly response: {
        readonly id: string;
        readonly status?: string;
        readonly error: { readonly code: string; readonly message: string } | null;
        readonly usage?: { readonly input_tokens: number; readonly output_tokens: number } | null;
      };
    }
  | {
      readonly type: 'response.output_item.added' | 'response.output_item.done';
      readonly output_index: number;
      readonly item: { readonly type: string };
    }
  | {
      readonly type: 'response.output_text.delta' | 'response.refusal.delta' | 'response.reasoning_text.delta';
      readonly item_id: string;
      readonly output_index: number;
      readonly content_index: number;
      readonly delta: string;
    }
  | {
      readonly type: 'response.function_call_arguments.delta';
      readonly item_id: string;
      readonly output_index: number;
      readonly delta: string;
    }
  | { readonly type: 'error'; readonly code: string | null; readonly message: string };

/** `/v1/messages`. */
export type MessagesEvent =
  | {
      readonly type: 'message_start';
      readonly message: {
        readonly id: string;
        readonly model: string;
        readonly usage: { readonly input_tokens: number; readonly output_tokens: number };
      };
    }
  | {
      readonly type: 'content_block_start';
      readonly index: number;
      readonly content_block: { readonly type: string };
    }
  | {
      readonly type: 'content_block_delta';
      readonly index: number;
      readonly delta:
        | { readonly type: 'text_delta'; readonly text: string }
        | { readonly type: 'input_json_delta'; readonly partial_json: string }
        | { readonly type: 'thinking_delta'; readonly thinking: string }
        | { readonly type: 'signature_delta'; readonly signature: string };
    }
  | { readonly type: 'content_block_stop'; readonly index: number }
  | {
      readonly type: 'message_delta';
      readonly delta: { readonly stop_reason: string | null };
      readonly usage: { readonly output_tokens: number };
    }
  | { readonly type: 'message_stop' };

type Block = { readonly choice: number; readonly block: number };

/** What one event says in the gate's own form, the same for all APIs: `form: 'frames'`, over WebSocket. */
export type HeadgateFrame =
  | { readonly type: 'message'; readonly id: string; readonly model: string }
  | (Block & { readonly type: 'delta'; readonly kind: 'text' | 'reasoning' | 'refusal'; readonly text: string })
  /** With `id` and `name` it begins, with `arguments` it goes on. */
  | (Block & {
      readonly type: 'tool_call';
      readonly id?: string;
      readonly name?: string;
      readonly arguments?: string;
    })
  | (Block & { readonly type: 'signature'; readonly signature?: string; readonly encrypted?: string })
  | (Block & { readonly type: 'annotation'; readonly value: unknown })
  | { readonly type: 'finish'; readonly choice: number; readonly reason: string; readonly stopSequence: string | null }
  | {
      readonly type: 'usage';
      readonly usage: { readonly inputTokens: number | null; readonly outputTokens: number | null };
    }
  /** An event that only its own API knows. */
  | { readonly type: 'opaque'; readonly name: string; readonly value: unknown }
  | { readonly type: 'error'; readonly status: number | null; readonly body: unknown }
  /** What one event of the answer says, where it says several things. */
  | { readonly type: 'batch'; readonly frames: readonly HeadgateFrame[] };

/** By the endpoint of the call. */
export interface Shapes {
  readonly '/v1/chat/completions': ChatChunk;
  readonly '/v1/responses': ResponsesEvent;
  readonly '/v1/messages': MessagesEvent;
}

/** Of an endpoint that none of the above is: whatever it sends. */
export type ShapeOf<Path extends string> = Path extends keyof Shapes ? Shapes[Path] : unknown;
