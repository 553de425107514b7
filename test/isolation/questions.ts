import { randomBytes } from 'node:crypto';
import { openWith } from '../streams/stream-client.ts';
import { post, told, type Houses, type Told } from './trespass.ts';

/** Questions that one tenant has asked, or is just asking. */
export interface Asked {
  /** As many as were wanted. */
  readonly questions: readonly string[];
  close(): Promise<void>;
}

/** A way in which another's question could show: the answer is there, or on its way. */
export interface Overlap {
  readonly name: string;
  /** A question can be asked but once: the second answer would be the asker's own. */
  readonly once: boolean;
  /** Asks them as `key`. */
  readonly open: (houses: Houses, key: string, count: number) => Promise<Asked>;
  /** The same question of another, and what it was told. */
  readonly ask: (houses: Houses, key: string, question: string) => Promise<Told>;
}

export const newQuestion = (): string => `What is ${randomBytes(12).toString('hex')}?`;

/** Who asks is no part of a question: an end user by this name has its answer held back. */
export const HELD_USER = 'held';

const body = (question: string, more: object = {}): object => ({
  ...{ model: 'keeper', messages: [{ role: 'user', content: question }] },
  ...more,
});

const ask =
  (feature: string): Overlap['ask'] =>
  async ({ gate }, key, question) => {
    const headers = { 'x-headgate-feature': feature };
    const opening = { method: 'POST', path: '/v1/chat/completions', headers, body: body(question) };
    const reading = await openWith({ url: gate.url, key }, opening);
    await reading.ended;
    const { 'x-request-id': _, ...head } = reading.response.headers;
    return told(reading.response.statusCode!, head, reading.text().replace(/answer \d+/, 'answer <n>'), question);
  };

const cached: Overlap = {
  name: 'ask what another tenant has the answer of',
  once: true,
  open: async ({ gate }, key, count) => {
    const questions = Array.from({ length: count }, newQuestion);
    for (const question of questions) {
      const headers = { 'x-headgate-feature': 'kept' };
      await (await post(`${gate.url}/v1/chat/completions`, key, body(question), headers)).text();
    }
    return { questions, close: async () => undefined };
  },
  ask: ask('kept'),
};

const underWay: Overlap = {
  name: 'ask what another tenant is just asking',
  // Answers of this feature are larger than what it keeps.
  once: false,
  open: async ({ gate, scripted }, key, count) => {
    const questions = Array.from({ length: count }, newQuestion);
    const seen = scripted.seen.length;
    const leaving = new AbortController();
    const calls = questions.map((question) =>
      fetch(`${gate.url}/v1/chat/completions`, {
        method: 'POST',
        headers: {
          ...{ authorization: `Bearer ${key}`, 'content-type': 'application/json', 'x-headgate-feature': 'unkept' },
        },
        body: JSON.stringify(body(question, { user: HELD_USER })),
        signal: leaving.signal,
      }).catch(() => null),
    );
    await gate.until('that all are under way', async () => {
      const { flights } = await gate.admin('GET', '/cache');
      return scripted.seen.length >= seen + count && flights >= count;
    });
    return {
      questions,
      close: async () => {
        leaving.abort();
        await Promise.all(calls);
      },
    };
  },
  ask: ask('unkept'),
};

export const OVERLAPS: readonly Overlap[] = [cached, underWay];
