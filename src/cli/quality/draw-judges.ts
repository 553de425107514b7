/** Judges as a table: what they were asked, what came of it, what it cost. Pure. */
import { share } from '#kernel/format.ts';
import { parseUsd } from '#kernel/money.ts';
import type { QualityReport } from '#gateway/operations/quality.ts';
import type { CliContext } from '../context.ts';
import { count, money } from '../format.ts';
import { drawTable } from '../table.ts';
import { plain } from '../text.ts';
import { endsText, skipsText } from './judge-words.ts';

type Judge = QualityReport['judges'][number];
const RIGHT = { align: 'right' } as const;

/** Nothing where nobody judges. */
export function drawJudges(judges: readonly Judge[], { terminal }: Pick<CliContext, 'terminal'>): string[] {
  if (judges.length === 0) return [];
  const columns = [
    { title: 'judge', shrinkTo: 8 },
    { title: 'feature', shrinkTo: 8 },
    { title: 'model', shrinkTo: 8 },
    { title: 'rubric', leaves: 3 },
    { title: 'sample', ...RIGHT, leaves: 2 },
    { title: 'asked', ...RIGHT },
    { title: 'scored', ...RIGHT },
    { title: '30 days', ...RIGHT },
    { title: 'today', ...RIGHT, leaves: 1 },
  ];
  const rows = judges.map((judge) => [
    ...[plain(judge.judge), plain(judge.feature), plain(judge.model), plain(judge.version)],
    ...[judge.sample === null ? 'gone' : share(judge.sample), count(judge.counts.asked ?? 0)],
    ...[count(judge.counts.scored ?? 0), judge.cost === null ? 'unknown' : dollars(judge.cost.usd)],
    judge.todayUsd === null || judge.budgetPerDayUsd === null
      ? '–'
      : `${dollars(judge.todayUsd)} of ${dollars(judge.budgetPerDayUsd)}`,
  ]);
  const { lines } = drawTable({ columns, rows }, { width: terminal.width, heading: terminal.paint.dim });
  return ['', ...lines, ...judges.flatMap((judge) => notes(judge))];
}

const dollars = (usd: string): string => money(parseUsd(usd)!);

function notes({ judge, feature, counts, cost }: Judge): string[] {
  const name = `${plain(judge)} of ${plain(feature)}`;
  const [ends, skips] = [endsText(counts), skipsText(counts)];
  return [
    ...(ends === '' ? [] : [`${name}, asked and no score: ${ends}`]),
    ...(skips === '' ? [] : [`${name}, drawn and not asked: ${skips}`]),
    ...(cost !== null && cost.unknown > 0 ? [`${name}: the cost of ${count(cost.unknown)} calls is not known`] : []),
  ];
}
