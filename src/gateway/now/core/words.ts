/** Words that several findings share. Pure. */
import { count } from '#kernel/format.ts';

export const chanceText = (chance: number): string =>
  chance < 1e-9 ? 'less than once in a thousand million' : `about once in ${count(1 / chance)}`;
