import { CliFailure } from '../failure.ts';

/** A call of one prompt. */
export interface TimedCall {
  readonly url: string;
  readonly key: string;
  readonly model: string;
  readonly prompt: string;
}

/** Sends a prompt as a streamed chat of one token. Milliseconds to its first event, and what its usage says of a cache. */
export async function timedAnswer({ url, key, model, prompt }: TimedCall) {
  const body = { model, max_tokens: 1, stream: true, stream_options: { include_usage: true } };
  const began = performance.now();
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      'x-headgate-purpose': 'evaluation',
    },
    body: JSON.stringify({ ...body, messages: [{ role: 'user', content: prompt }] }),
  });
  if (!response.ok || !response.body) throw refused(response.status, await response.text());
  let [text, ttftMs] = ['', Number.NaN];
  const decoder = new TextDecoder();
  for await (const piece of response.body) {
    text += decoder.decode(piece, { stream: true });
    if (Number.isNaN(ttftMs) && /^data: /m.test(text)) ttftMs = performance.now() - began;
  }
  if (Number.isNaN(ttftMs) || !text.includes('data: [DONE]')) throw refused(response.status, text);
  return { ttftMs, cachedShare: cachedIn(text) };
}

interface UsageText {
  readonly prompt_tokens?: number;
  readonly prompt_tokens_details?: { readonly cached_tokens?: number };
}

/** Null: no event says anything of it. */
function cachedIn(text: string): number | null {
  for (const [, data] of text.matchAll(/^data: (\{.*\})$/gm)) {
    const { usage } = JSON.parse(data!) as { usage?: UsageText | null };
    const cached = usage?.prompt_tokens_details?.cached_tokens;
    if (typeof cached === 'number') return cached / Math.max(1, usage?.prompt_tokens ?? 0);
  }
  return null;
}

const refused = (status: number, text: string): CliFailure =>
  new CliFailure({
    code: 'probe_failed',
    message: `A probe was not answered as it should (status ${status}): ${text.slice(0, 300)}`,
    hint: 'the audit needs every answer: look at `headgate calls list`, and at limits and budgets of both tenants',
  });
