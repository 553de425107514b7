import type { ClientSaw } from './judge.ts';

export interface BurstCall {
  readonly url: string;
  readonly key: string;
  readonly body: string;
  readonly timeoutMs?: number;
}

/** One chat call that reads its whole answer; never throws. */
export async function callOnce({ url, key, body, timeoutMs = 30_000 }: BurstCall): Promise<ClientSaw> {
  let seen: ClientSaw = { callId: null, status: null, complete: false, error: null, usage: null };
  try {
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body,
      signal: AbortSignal.timeout(timeoutMs),
    });
    seen = { ...seen, callId: response.headers.get('x-headgate-call-id'), status: response.status };
    const text = await response.text();
    if (response.status !== 200) return { ...seen, error: errorCode(text) };
    const streamed = response.headers.get('content-type')?.startsWith('text/event-stream');
    const complete = streamed ? text.includes('data: [DONE]') : text.includes('"choices"');
    return { ...seen, complete, error: complete ? null : 'truncated' };
  } catch (error) {
    const { name, cause } = error as Error & { cause?: { code?: string } };
    return { ...seen, error: cause?.code ?? name };
  }
}

function errorCode(text: string): string {
  try {
    return String((JSON.parse(text) as { error?: { code?: string } }).error?.code);
  } catch {
    return text.slice(0, 80);
  }
}

/** As many calls at once. */
export const burst = (call: BurstCall, count: number): Promise<ClientSaw[]> =>
  Promise.all(Array.from({ length: count }, () => callOnce(call)));

/** How many ended how. */
export function tally(seen: readonly ClientSaw[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { complete, status, error } of seen) {
    const name = complete ? 'complete' : `${status ?? ''} ${error}`.trim();
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}
