/** Messages that are to be sent, as data: which goes next, and what becomes of one after a try. Pure. */
export interface Waiting {
  /** `msg_…` */
  readonly id: string;
  readonly webhook: string;
  readonly body: string;
  readonly tries: number;
  /** Wall clock of the first try; for people. */
  readonly since: number;
}

/** Messages that wait, over all webhooks; beyond it the oldest go. */
export const MOST_WAITING = 200;
/** Tries of one message: with the pauses below an hour and a half. */
export const MOST_TRIES = 12;
const FIRST_MS = 2_000;
const LONGEST_MS = 15 * 60_000;

export interface Tried {
  readonly status: number | null;
}

export type Fate = 'sent' | 'again' | 'rejected' | 'given_up';

/** 408, 429 and 5xx pass; any other answer is final: it would be the same the next time. A redirect is never followed. */
export function fateOf({ status }: Tried, tries: number): Fate {
  if (status !== null && status >= 200 && status < 300) return 'sent';
  const passes = status === null || status === 408 || status === 429 || status >= 500;
  if (!passes) return 'rejected';
  return tries >= MOST_TRIES ? 'given_up' : 'again';
}

/** Pause after so many tries that failed; `random` in [0, 1). */
export const pauseMs = (tries: number, random: number): number => {
  const longest = Math.min(FIRST_MS * 2 ** (tries - 1), LONGEST_MS);
  return longest / 2 + (longest / 2) * random;
};
