import { Agent, request } from 'undici';
import { webhookHeaders } from '#telemetry/core/signature.ts';
import type { Webhook } from './config.ts';
import { isWrittenAddress, publicLookup } from '#telemetry/address.ts';

export interface Message {
  /** The same for every try, so that who gets it twice knows. */
  readonly id: string;
  readonly body: string;
}

export interface PostResult {
  /** Null: no answer came. */
  readonly status: number | null;
  /** Of the network, such as ECONNREFUSED; null where an answer came. */
  readonly errorCode: string | null;
}

const MOST_ANSWER_BYTES = 64 * 1024;

/** Sends one message. A redirect is an answer: the host is the operator's choice, and nobody else's. */
export async function postWebhook(webhook: Webhook, { id, body }: Message, nowMs: number): Promise<PostResult> {
  const { url, secret, headers, timeoutMs } = webhook;
  const guarded = !webhook.allowPrivate && !isWrittenAddress(new URL(url).hostname);
  const agent = new Agent({ connect: { timeout: timeoutMs, ...(guarded && { lookup: publicLookup as never }) } });
  try {
    const answer = await request(url, {
      method: 'POST',
      dispatcher: agent,
      signal: AbortSignal.timeout(timeoutMs),
      headers: {
        ...headers,
        'user-agent': 'headgate',
        'content-type': 'application/json',
        ...webhookHeaders(secret, { id, timestamp: Math.floor(nowMs / 1000), body }),
      },
      body,
    });
    await answer.body.dump({ limit: MOST_ANSWER_BYTES });
    return { status: answer.statusCode, errorCode: null };
  } catch (error) {
    const { code, name } = error as Error & { code?: unknown };
    // A timeout is a DOMException, whose code is a number.
    return { status: null, errorCode: (typeof code === 'string' ? code : name).slice(0, 64) };
  } finally {
    void agent.destroy();
  }
}
