import { JUDGE_SKIPS, JUDGEMENT_ENDS } from '#capabilities/tenants/index.ts';
import { family, labels, type Sample } from '../exposition.ts';
import type { Gate } from '../gate.ts';

/** Judges and rules on the page of metrics: by how it ended, over all tenants and features. */
export function qualityFamilies({ judges, grading, quality }: Gate): string[] {
  const counts = judges.journal.tally.counts();
  const sums = <Name extends string>(label: string, names: readonly Name[]): Sample[] =>
    names.map((name) => [
      labels({ [label]: name }),
      counts.reduce((sum, one) => sum + ((one.counts as Readonly<Record<string, number>>)[name] ?? 0), 0),
    ]);
  return [
    ...family('headgate_judgements_total', 'counter', 'Answers that a judge was asked about, by how it ended.', [
      ...sums('end', JUDGEMENT_ENDS),
    ]),
    ...family('headgate_judgements_skipped_total', 'counter', 'Calls that a judge drew and was not asked about.', [
      ...sums('why', JUDGE_SKIPS),
    ]),
    ...family('headgate_judgements_waiting', 'gauge', 'Answers that wait for a judge.', [['', judges.waiting]]),
    ...family(
      'headgate_answers_not_scored_total',
      'counter',
      'Answers that a rule on their text could not score.',
      [...grading.notScored].map(([name, times]) => {
        const [rule = '', why = ''] = name.split(' ');
        return [labels({ rule, why }), times];
      }),
    ),
    ...family('headgate_scores_left_out_total', 'counter', 'Scores that no test follows, for want of room.', [
      ['', quality.leftOut],
    ]),
  ];
}
