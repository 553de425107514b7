import { CONTENT_TABLE } from './content-table.ts';
import { EVENT_TABLE } from './event-table.ts';
import { CROSSABLE, FIELD_TABLE, type Cell, type Crossable, type Row } from './table.ts';

const INTRO = `# Crossing between dialects

A call whose model is served by a provider of another dialect is translated. Each field of the caller's dialect has one of four fates:

- **carried**: the same value stands in the target's body;
- **mapped**: it is said in the target's words;
- **hint**: it is left out and listed in \`x-headgate-dropped\` (with \`onUnsupported: reject\` it is a 400);
- **refused**: a 400 names it (with \`onUnsupported: drop\` it is left out and listed).

A field that no list names is refused. So is a body with an integer that a double cannot hold, since a translation would round it. Each cell below is a test.
`;

/** The tables as a Markdown page. */
export function crossingPage(): string {
  return [INTRO, ...CROSSABLE.flatMap(section), ...eventSection()].join('\n');
}

function section(from: Crossable): string[] {
  const targets = CROSSABLE.filter((it) => it !== from);
  const table = (title: string, rows: readonly Row[]): string[] => [
    `## From \`${from}\`: ${title}\n`,
    head(title, targets),
    ...rows.map((row) =>
      line(
        `\`${row.field}\``,
        targets.map((to) => cellText(row.to[to])),
      ),
    ),
    '',
  ];
  return [...table('fields', FIELD_TABLE[from]), ...table('content', CONTENT_TABLE[from])];
}

function eventSection(): string[] {
  const rows = EVENT_TABLE.map((row) =>
    line(
      row.event,
      CROSSABLE.map((to) => (row.notTo.includes(to) ? 'left out' : 'mapped')),
    ),
  );
  return ['## Events of a stream, by target\n', head('event', CROSSABLE), ...rows, ''];
}

const line = (first: string, cells: readonly string[]): string => `| ${[first, ...cells].join(' | ')} |`;
const head = (title: string, columns: readonly string[]): string =>
  `${line(
    title,
    columns.map((it) => `\`${it}\``),
  )}\n${line(
    '---',
    columns.map(() => '---'),
  )}`;

function cellText(cell: Cell | undefined): string {
  if (!cell) return '';
  if (cell.verdict === 'hint' || cell.verdict === 'refused') return `${cell.verdict} \`${cell.named}\``;
  return cell.at === null ? 'mapped: always so' : `${cell.verdict} \`${cell.at}\``;
}
