/** Quality of tenants as a table. Pure. */
import { share } from '#kernel/format.ts';
import type { QualityReport } from '#gateway/operations/quality.ts';
import type { CliContext } from '../context.ts';
import { count } from '../format.ts';
import { drawJudges } from './draw-judges.ts';
import { drawTable, type Cell } from '../table.ts';
import { plain, wrap } from '../text.ts';

type Line = QualityReport['lines'][number];
const RIGHT = { align: 'right' } as const;
/** An e-value of which the chance is one in twenty at most. */
const TWENTY = 20;

export function drawQuality(report: QualityReport, { terminal }: Pick<CliContext, 'terminal'>): string {
  const { lines, leftOut, notFollowed } = report;
  if (lines.length === 0)
    return [
      'No answer was scored.',
      '',
      'hint: POST /v1/headgate/scores takes scores; features.<name>.quality in headgate.yaml makes some by rules and judges',
      ...drawJudges(report.judges, { terminal }),
      ...notScoredNotes(report),
    ].join('\n');
  const columns = [
    { title: 'tenant', shrinkTo: 8 },
    { title: 'feature', leaves: 3 },
    { title: 'score', shrinkTo: 8 },
    { title: 'source', leaves: 4 },
    { title: 'verdict' },
    { title: 'scored', ...RIGHT, leaves: 2 },
    { title: 'mean', ...RIGHT },
    { title: 'before', ...RIGHT, leaves: 1 },
    { title: 'since', ...RIGHT, leaves: 1 },
    { title: 'evidence', ...RIGHT },
  ];
  const drawn = drawTable(
    { columns, rows: lines.map((line) => rowOf(line, terminal.paint)) },
    { width: terminal.width, heading: terminal.paint.dim },
  );
  const notes = [
    ...report.together
      .filter(({ fell, tenants }) => fell && tenants > 1)
      .map(
        ({ feature, score, scored }) =>
          `All tenants together fell in ${of(feature, score)}: ${share(scored.mean)} of ${count(scored.n)}. Look at the provider or the model first.`,
      ),
    ...lines.flatMap((line) => changeNote(line)),
    ...notScoredNotes(report),
    ...(leftOut > 0 ? [`${count(leftOut)} more lines are left out`] : []),
    ...(notFollowed > 0 ? [`${count(notFollowed)} scores are not followed, for want of room`] : []),
    'evidence: while nothing changes, the chance that it ever reaches 20 for one tenant is at most 1 in 20; among many tenants more is asked',
  ];
  const judges = drawJudges(report.judges, { terminal });
  return [headline(lines), '', ...drawn.lines, ...judges, '', ...notes.map((note) => wrap(note, terminal.width))].join(
    '\n',
  );
}

function headline(lines: readonly Line[]): string {
  const fell = lines.filter(({ verdict }) => verdict === 'fell');
  if (fell.length === 0) return `No tenant is named · ${countOf(lines)}`;
  const names = [...new Set(fell.map(({ tenant }) => plain(tenant)))];
  return `${names.join(', ')} fell · ${countOf(lines)}`;
}

const countOf = ({ length }: readonly Line[]): string => `${count(length)} ${length === 1 ? 'line' : 'lines'}`;

const of = (feature: string | null, score: string): string =>
  `${plain(score)}${feature === null ? '' : ` of ${plain(feature)}`}`;

function rowOf(line: Line, paint: CliContext['terminal']['paint']): Cell[] {
  const { tenant, feature, score, source, scored, past, now, evidence } = line;
  return [
    ...[
      plain(tenant),
      plain(feature ?? '–'),
      plain(score),
      source,
      verdictOf(line, paint),
      count(scored.n),
      share(scored.mean),
    ],
    ...[
      past ? share(past.mean) : '–',
      now ? share(now.mean) : '–',
      evidence < 1 ? 'none' : evidence >= 1e6 ? '> 1 M' : evidence.toPrecision(2),
    ],
  ];
}

function verdictOf({ verdict, missing }: Line, paint: CliContext['terminal']['paint']): Cell {
  if (verdict === 'fell') return { text: 'FELL', tone: paint.bad };
  if (verdict === 'fell_for_all') return { text: 'fell, as all did', tone: paint.warn };
  if (verdict === 'no_change') return 'no change seen';
  return { text: `not enough data: about ${count(missing)} more`, tone: paint.dim };
}

const WHY: Readonly<Record<string, string>> = {
  too_long: 'text too long',
  unread: 'not readable',
  schema: 'a schema that is not checked here',
  too_complex: 'too much work',
  hidden: 'tools that the provider keeps',
  dropped: 'too much waited',
};

const notScoredNotes = ({ notScored }: QualityReport): string[] =>
  notScored.map(({ rule, why, answers }) => `${count(answers)} answers without a score by ${rule}: ${WHY[why] ?? why}`);

function changeNote({ tenant, feature, score, basis, change }: Line): string[] {
  if (change === null || change.since.n === 0) return [];
  const means = `${share(change.before.mean)} of ${count(change.before.n)} before, ${share(change.since.mean)} of ${count(change.since.n)} since`;
  if (change.of === 'measure')
    return [
      `${plain(tenant)}, ${of(feature, score)}: what measures it changed (${plain(change.from)} became ${plain(basis)}), so that nothing is said of the answers (${means})`,
    ];
  const says = change.fell
    ? 'worse'
    : change.evidence >= TWENTY / 4
      ? 'perhaps worse'
      : 'no worse as far as can be told';
  return [`${plain(tenant)}, ${of(feature, score)}: ${plain(change.from)} became ${plain(basis)}: ${says} (${means})`];
}
