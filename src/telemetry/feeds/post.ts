import { Agent, request } from 'undici';
import { isWrittenAddress, publicLookup } from '../address.ts';
import type { Feed } from '#ports/feeds.ts';
import type { FeedRequest } from './core/events.ts';
import type { FeedAnswer } from './core/verdict.ts';

/** Enough for the errors of a batch. */
const MOST_ANSWER_BYTES = 256 * 1024;

export interface Posted extends FeedAnswer {
  /** Of the network, such as ECONNREFUSED; null where an answer came. */
  readonly errorCode: string | null;
}

/** Connections to one receiver. A redirect is an answer: the host is the operator's choice, and nobody else's. */
export class Poster {
  readonly #feed: Feed;
  readonly #agent: Agent;

  constructor(feed: Feed) {
    const guarded = !feed.allowPrivate && !isWrittenAddress(new URL(feed.url).hostname);
    const connect = { timeout: feed.timeoutMs, ...(guarded && { lookup: publicLookup as never }) };
    this.#feed = feed;
    this.#agent = new Agent({ connect, connections: 1, pipelining: 1 });
  }

  async post({ headers, body }: FeedRequest, stop: AbortSignal): Promise<Posted> {
    const { url, timeoutMs, headers: own } = this.#feed;
    try {
      const answer = await request(url, {
        method: 'POST',
        dispatcher: this.#agent,
        signal: AbortSignal.any([stop, AbortSignal.timeout(timeoutMs)]),
        headers: { ...own, 'user-agent': 'headgate', ...headers },
        body,
      });
      let text = '';
      for await (const chunk of answer.body) if (text.length < MOST_ANSWER_BYTES) text += String(chunk);
      const retryAfter = answer.headers['retry-after'];
      return {
        status: answer.statusCode,
        retryAfter: typeof retryAfter === 'string' ? retryAfter : null,
        body: text,
        errorCode: null,
      };
    } catch (error) {
      const { code, name } = error as Error & { code?: unknown };
      // A timeout is a DOMException, whose code is a number.
      const errorCode = (typeof code === 'string' ? code : name).slice(0, 64);
      return { status: null, retryAfter: null, body: '', errorCode };
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}
