import { concerns } from '#kernel/whose.ts';
import type { NumberedScore, Scores } from '#ports/scores.ts';

/** Scores of one process, for tests: nothing outlives it. */
export function memoryScores(): Scores {
  let [all, last] = [[] as NumberedScore[], 0];
  return {
    put: async (scores) =>
      scores.map((score) => {
        if (all.some(({ call, name }) => call === score.call && name === score.name)) return null;
        all.push({ n: ++last, ...score });
        return last;
      }),
    of: async (tenant, call) => all.filter((one) => one.call === call && one.tenant === tenant),
    page: async ({ whose, after, limit }) =>
      all.filter(({ n, tenant }) => n > after && concerns(whose, tenant)).slice(0, limit),
    prune: async (before) => {
      const count = all.length;
      all = all.filter(({ at }) => at >= before);
      return count - all.length;
    },
    close: async () => undefined,
  };
}
