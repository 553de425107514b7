import type { Scores } from '#ports/scores.ts';
import type { RemoteClient, Target } from './channel.ts';

export const SCORES_TARGET = 'scores';

/** Scores that another thread keeps. Closing it leaves the other's store open. */
export function remoteScores(client: RemoteClient): Scores {
  const call = (method: string, ...args: unknown[]): Promise<never> =>
    client.call(SCORES_TARGET, method, args) as Promise<never>;
  return {
    put: (scores) => call('put', scores),
    of: (tenant, id) => call('of', tenant, id),
    page: (question) => call('page', question),
    prune: (before) => call('prune', before),
    close: async () => undefined,
  };
}

/** What the other thread serves under {@link SCORES_TARGET}. */
export const scoresTarget = (store: Scores): Target => ({
  put: (scores: never) => store.put(scores),
  of: (tenant: never, id: never) => store.of(tenant, id),
  page: (question: never) => store.page(question),
  prune: (before: never) => store.prune(before),
});
