import {
  AT_ORIGIN,
  FIXES,
  HOP_TITLES,
  HOPS,
  TOPICS,
  type DoctorReport,
  type FixTopic,
  type Hop,
  type WayReport,
} from '#capabilities/streams/cli.ts';
import { plain } from '../text.ts';
import { topicsOf } from './draw.ts';

/** For a ticket or a page: verdicts, the recommendation, and what mends each on every product. */
export function markdownOf(report: DoctorReport, hop: Hop | null): string {
  const topics = topicsOf(report);
  return [
    `# Stream doctor, ${report.at}`,
    ...report.ways.map(wayPart),
    ...(report.hops.length > 0 ? [hopPart(report)] : []),
    ...(report.leftOut === null ? [] : [`Left out: ${report.leftOut}.`]),
    ...(topics.length > 0 ? ['## What mends it', ...topics.map((topic) => fixPart(topic, hop))] : []),
  ].join('\n\n');
}

const cell = (text: string): string => plain(text.replaceAll('\n', ' ')).replaceAll('|', '\\|');
const row = (...cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;

function wayPart({ url, measured, findings, differences, recommendation, bounds }: WayReport): string {
  const { says, conditions } = recommendation;
  return [
    `## ${plain(url)}`,
    [
      '| protocol | what | verdict | evidence |',
      '| --- | --- | --- | --- |',
      ...findings.map((one) => row(one.protocol, one.title, one.state, one.says)),
    ].join('\n'),
    ...(measured.http2 === null ? [] : [differencesPart(differences)]),
    [`**Use ${says}.**`, ...conditions.map((one) => `- ${one}`)].join('\n'),
    ...(bounds === null
      ? []
      : [
          [
            '| bound | HTTP | limit | measured | |',
            '| --- | --- | --- | --- | --- |',
            ...bounds.map((one) => row(one.name, one.http, one.bound, one.value, one.broken ? 'broken' : 'kept')),
          ].join('\n'),
        ]),
  ].join('\n\n');
}

const differencesPart = (differences: WayReport['differences']): string =>
  differences.length === 0
    ? 'Streams are treated alike over HTTP/1.1 and HTTP/2.'
    : [
        '| differs | over HTTP/1.1 | over HTTP/2 |',
        '| --- | --- | --- |',
        ...differences.map(({ title, http1, http2 }) => row(title, http1, http2)),
      ].join('\n');

const hopPart = ({ hops }: DoctorReport): string =>
  [
    '## Which hop',
    hops
      .map(
        ({ protocol, title, from, to }) =>
          `- ${protocol} ${title}: between ${plain(from)} and ${to === null ? 'the gate' : plain(to)}`,
      )
      .join('\n'),
  ].join('\n\n');

const code = (text: string): string =>
  text
    .split('\n')
    .map((line) => `\`${line}\``)
    .join(' ');

/** One topic as a table of products, for a report and for the page of all fixes. */
export function fixPart(topic: FixTopic, hop: Hop | null): string {
  const hops = hop === null ? HOPS : [hop];
  return [
    `### ${TOPICS[topic]}`,
    `At the origin: ${AT_ORIGIN[topic]}`,
    [
      '| hop | setting | | basis |',
      '| --- | --- | --- | --- |',
      ...hops.map((name) => {
        const { setting, note, basis } = FIXES[topic][name];
        return `| ${HOP_TITLES[name]} | ${setting === null ? '–' : code(setting).replaceAll('|', '\\|')} | ${note} | ${basis} |`;
      }),
    ].join('\n'),
  ].join('\n\n');
}
