/**
 * Reads the client's side of an OpenAI answer. Written apart from the gateway's own codec on purpose: the client log
 * judges that codec.
 */
import { StringDecoder } from 'node:string_decoder';

/** Token counts as the answer stated them; null where it stated none. */
export interface SeenUsage {
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly cachedTokens: number | null;
}

/** What a client knows of an answer. */
export interface SeenAnswer {
  text: string;
  usage: SeenUsage | null;
  finishReason: string | null;
  /** Code or type of an error body or in-band error event. */
  errorCode: string | null;
  /** The answer ended as its protocol says: `[DONE]`, or a whole JSON body with a choice. */
  complete: boolean;
}

interface ChatShape {
  readonly choices?: readonly {
    readonly message?: { readonly content?: string | null };
    readonly delta?: { readonly content?: string | null; readonly tool_calls?: unknown };
    readonly finish_reason?: string | null;
  }[];
  readonly usage?: {
    readonly prompt_tokens?: number;
    readonly completion_tokens?: number;
    readonly prompt_tokens_details?: { readonly cached_tokens?: number } | null;
  } | null;
  readonly error?: { readonly code?: unknown; readonly type?: unknown } | null;
}

const emptyAnswer = (): SeenAnswer => ({
  text: '',
  usage: null,
  finishReason: null,
  errorCode: null,
  complete: false,
});

function absorb(answer: SeenAnswer, body: ChatShape): boolean {
  const choice = body.choices?.[0];
  const content = choice?.delta?.content ?? choice?.message?.content ?? '';
  answer.text += content;
  answer.finishReason = choice?.finish_reason ?? answer.finishReason;
  if (body.usage) {
    answer.usage = {
      inputTokens: body.usage.prompt_tokens ?? null,
      outputTokens: body.usage.completion_tokens ?? null,
      cachedTokens: body.usage.prompt_tokens_details?.cached_tokens ?? null,
    };
  }
  if (body.error) answer.errorCode = String(body.error.code ?? body.error.type ?? 'error');
  return content !== '' || choice?.delta?.tool_calls !== undefined;
}

export interface AnswerReader {
  /** Returns whether these bytes brought content. */
  readonly push: (bytes: Buffer) => boolean;
  readonly end: () => SeenAnswer;
  /** What was seen so far, for an answer that broke. */
  readonly seen: SeenAnswer;
}

/** Reads `text/event-stream` from any split of the bytes. */
export function sseReader(): AnswerReader {
  const seen = emptyAnswer();
  const decoder = new StringDecoder('utf8');
  let rest = '';
  const line = (text: string): boolean => {
    if (!text.startsWith('data:')) return false;
    const data = text.slice(5).trim();
    if (data === '[DONE]') {
      seen.complete = seen.errorCode === null;
      return false;
    }
    try {
      return absorb(seen, JSON.parse(data) as ChatShape);
    } catch {
      seen.errorCode = 'malformed_event';
      return false;
    }
  };
  const push = (bytes: Buffer): boolean => {
    const parts = (rest + decoder.write(bytes)).split('\n');
    rest = parts.pop() ?? '';
    let content = false;
    for (const part of parts) content = line(part) || content;
    return content;
  };
  return { push, end: () => seen, seen };
}

/** Reads one JSON body. */
export function jsonReader(): AnswerReader {
  const seen = emptyAnswer();
  const parts: Buffer[] = [];
  const push = (bytes: Buffer): boolean => {
    parts.push(bytes);
    return false;
  };
  const end = (): SeenAnswer => {
    try {
      const body = JSON.parse(Buffer.concat(parts).toString('utf8')) as ChatShape;
      absorb(seen, body);
      seen.complete = seen.errorCode === null && (body.choices?.length ?? 0) > 0;
    } catch {
      seen.errorCode = 'malformed_body';
    }
    return seen;
  };
  return { push, end, seen };
}
