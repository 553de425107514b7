import { rawExchange, requestBytes, type RawAnswer } from '../hostile/raw-http.ts';
import { VALID } from '../hostile/world.ts';
import type { GateProcess } from '../harness/gate-process.ts';

export const CHAT = '/v1/chat/completions';
/** Stands in prompts and answers: no signal may carry it. */
export const SECRET_WORDS = 'the-prompt-nobody-may-export';
export const ANSWER = `{"id":"c1","object":"chat.completion","created":1,"model":"up-2026","choices":[{"index":0,"message":{"role":"assistant","content":"${SECRET_WORDS}"},"finish_reason":"stop"}],"usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18,"prompt_tokens_details":{"cached_tokens":4}}}`;
export const EMBEDDINGS =
  '{"object":"list","model":"up","data":[{"object":"embedding","index":0,"embedding":[0.1]}],"usage":{"prompt_tokens":5,"total_tokens":5}}';

export interface Asked {
  readonly model?: string;
  readonly headers?: Record<string, string>;
  readonly path?: string;
  readonly body?: object;
  readonly key?: string;
  /** The client leaves after this long. */
  readonly patienceMs?: number;
}

/** One call through the gate over a socket of its own. */
export async function ask(gate: GateProcess, asked: Asked = {}): Promise<RawAnswer> {
  const { model = 'm', headers = {}, path = CHAT, body = {}, key = gate.key, patienceMs } = asked;
  const text = JSON.stringify({
    ...VALID[path],
    model,
    ...(path === CHAT && { messages: [{ role: 'user', content: SECRET_WORDS }] }),
    ...body,
  });
  const bytes = requestBytes(text, { path, key, headers });
  return rawExchange(gate.url, [bytes], patienceMs === undefined ? {} : { patienceMs });
}
