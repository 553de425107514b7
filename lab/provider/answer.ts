/** What a request asks, in one form for every dialect: just enough to make an answer and to measure it. */
export interface Ask {
  readonly model: string;
  readonly stream: boolean;
  /** Does the stream carry usage (`stream_options.include_usage`; always in Responses and Messages)? */
  readonly includeUsage: boolean;
  readonly maxTokens: number | null;
  readonly n: number;
  readonly stop: readonly string[];
  /** All text of the last user turn, joined without a separator; where the answer modes and directives come from. */
  readonly lastUserText: string;
  /** Text of the last tool result, for scripts. */
  readonly lastToolText: string;
  /** Runs of assistant content so far: which turn of a script comes next. */
  readonly assistantTurns: number;
  /** The beginning of the answer, which the request says; null: it says none. */
  readonly continues: string | null;
  /** Who spoke, in order; what one side says in a row is one entry. Built when asked for: only scripts with parts do. */
  readonly said: () => readonly Said[];
  readonly tools: readonly AskTool[];
  readonly toolChoice: 'auto' | 'none' | 'required' | { readonly name: string };
  readonly parallelTools: boolean;
  /** JSON Schema of the wanted output; `{}` for "any JSON object". */
  readonly schema: JsonSchema | null;
  readonly thinking: boolean;
  /** `metadata.output_tokens`. */
  readonly wantedTokens: number | null;
  /** Prompt as bytes, in the order in which it is cached: tools, system, messages. Cache markers are left out. */
  readonly prompt: string;
  /** Bytes of `prompt` up to the last cache marker; null where the dialect caches by itself. */
  readonly markedBytes: number | null;
  readonly cacheTtl: '5m' | '1h';
  readonly body: Readonly<Record<string, unknown>>;
}

export interface Said {
  readonly by: 'user' | 'assistant';
  /** Text alone; tool results are the user's side, without text. */
  readonly text: string;
}

export interface AskTool {
  readonly name: string;
  /** Takes free text, not JSON (OpenAI custom tools). */
  readonly custom: boolean;
  readonly schema: JsonSchema;
}

export type JsonSchema = Readonly<Record<string, unknown>>;

export type AnswerPart =
  | { readonly kind: 'thinking'; readonly text: string }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'refusal'; readonly text: string }
  | {
      readonly kind: 'tool';
      readonly id: string;
      readonly name: string;
      readonly input: string;
      readonly custom: boolean;
    };

export type StopCause = 'stop' | 'length' | 'tool' | 'stop_sequence' | 'refusal';

export interface Choice {
  readonly parts: readonly AnswerPart[];
  readonly stop: StopCause;
  readonly stopSequence: string | null;
}

/** Tokens of one answer. `input` counts everything, cached or not. */
export interface TokenUse {
  readonly input: number;
  readonly cachedRead: number;
  readonly cacheWrite5m: number;
  readonly cacheWrite1h: number;
  readonly output: number;
  readonly reasoning: number;
}

/** One server-sent event before it is written. `usage` marks the event that carries the final count. */
export interface Frame {
  readonly event: string | null;
  readonly data: string;
  readonly usage?: TokenUse | null;
  /** Is it the dialect's own mark of a proper end? */
  readonly terminal?: boolean;
  /** Google ends the lines of its events with CR LF; others with LF. */
  readonly lineEnd?: string;
}

/** A streamed answer: `pieces[i]` are the events that become visible with generated token `i`. */
export interface StreamParts {
  readonly head: readonly Frame[];
  readonly pieces: readonly (readonly Frame[])[];
  readonly tail: readonly Frame[];
}

/** What a renderer may use beyond the answer. `usage` null: the fault that leaves it out. */
export interface RenderContext {
  readonly id: string;
  readonly createdS: number;
  readonly ask: Ask;
  readonly usage: TokenUse | null;
  /** Azure adds content-filter results around the same dialect. */
  readonly azure: boolean;
}

export const outputText = (part: AnswerPart): string => (part.kind === 'tool' ? part.input : part.text);
