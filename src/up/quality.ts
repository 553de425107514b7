import { join } from 'node:path';
import { JudgeJournal, QualityBook } from '#capabilities/tenants/index.ts';
import type { Scores } from '#ports/scores.ts';
import type { Gate } from '#gateway/gate.ts';
import { Grading } from '#gateway/quality/grading.ts';
import { Judges } from '#gateway/quality/judges.ts';
import { systemClock } from './system.ts';

interface QualityParts {
  readonly scores: Scores;
  readonly dataDir: string;
  readonly onTrouble: (error: unknown) => void;
  /** What judges were asked cannot be written down. */
  readonly onJournal: (error: unknown) => void;
}

/** What scores answers, and what follows the scores; `gate` is asked once a call comes. */
export const openQuality = (
  gate: () => Gate,
  { scores, dataDir, onTrouble, onJournal }: QualityParts,
): Pick<Gate, 'quality' | 'grading' | 'judges'> => ({
  quality: new QualityBook({ store: scores, onTrouble }),
  grading: new Grading(gate),
  judges: new Judges(
    gate,
    new JudgeJournal(join(dataDir, 'judges.log'), { now: systemClock.now(), onTrouble: onJournal }),
  ),
});
