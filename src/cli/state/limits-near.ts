import { connect } from '../connect/source.ts';
import { show, type CliContext } from '../context.ts';
import type { CommonFlags } from '../flags.ts';
import { count, share } from '../format.ts';
import { drawTable, type Cell } from '../table.ts';
import { plain } from '../text.ts';
import { scopeText, given } from './change.ts';
import { unitText } from './limits.ts';

export interface LimitsNearFlags extends CommonFlags {
  readonly tenant?: string;
  readonly least: number;
  readonly limit: number;
}

interface Row {
  readonly scope: object;
  readonly subject: string | null;
  readonly keyName: string | null;
  readonly unit: string;
  readonly window: string | null;
  readonly limit: number;
  readonly used: number;
  readonly reserved: number;
  readonly share: number;
  readonly refused: number;
  readonly contact: string | null;
}

interface Report {
  readonly report: 'limit_use';
  readonly limits: number;
  readonly near: number;
  readonly full: number;
  readonly eachEndUser: number;
  readonly total: number;
  readonly rows: readonly Row[];
}

/** Who is near a limit now. */
export async function limitsNear(this: CliContext, flags: LimitsNearFlags): Promise<void> {
  const { tenant, least, limit, json } = flags;
  const client = await connect(this, flags, 'what is used of limits is counted by it');
  const query = { ...given({ tenant }), least: String(least / 100), limit: String(limit) };
  const report = (await client.ask('GET', '/limit-use', { query })) as Report;
  show(this, { json, report, draw: (value) => draw(value, least, this) });
}

const RIGHT = { align: 'right' } as const;

function draw(
  { rows, limits, near, full, eachEndUser, total }: Report,
  least: number,
  { terminal }: CliContext,
): string {
  const head = `${count(limits)} limits · ${count(near)} at four fifths or more, ${count(full)} of them full`;
  const unlisted =
    eachEndUser > 0 ? [`${count(eachEndUser)} for each end user are not among them: nobody lists end users`] : [];
  if (limits === 0) return ['There are no limits.', ...unlisted, '', 'hint: headgate limits set --help'].join('\n');
  if (rows.length === 0) return [head, '', `Of none ${least} % are taken.`, ...unlisted].join('\n');
  const { lines } = drawTable(
    {
      columns: [
        { title: 'for', shrinkTo: 12 },
        { title: 'of' },
        { title: 'taken', ...RIGHT },
        { title: 'used', ...RIGHT },
        { title: 'in flight', ...RIGHT, leaves: 2 },
        { title: 'most', ...RIGHT },
        { title: 'refused in 1 h', ...RIGHT },
        { title: 'ask', leaves: 1 },
      ],
      rows: rows.map((row) => cells(row, terminal.paint)),
    },
    { width: terminal.width, heading: terminal.paint.dim },
  );
  const rest = total > rows.length ? [`${count(total - rows.length)} more: --limit`] : [];
  const hint = 'hint: headgate limits raise <id> --by 300 --for 1h --reason "…"   headgate limits list shows ids';
  return [head, '', ...lines, '', ...rest, ...unlisted, hint].join('\n');
}

function cells(row: Row, paint: CliContext['terminal']['paint']): Cell[] {
  const { subject, keyName, used, reserved, limit, refused, contact } = row;
  const whose = subject === null ? (keyName === null ? '' : ` (${plain(keyName)})`) : `: ${plain(keyName ?? subject)}`;
  const tone = row.share >= 1 ? paint.bad : row.share >= 0.8 ? paint.warn : undefined;
  return [
    `${scopeText({ scope: row.scope })}${whose}`,
    unitText({ ...row }),
    tone ? { text: share(row.share), tone } : share(row.share),
    count(used),
    count(reserved),
    count(limit),
    refused > 0 ? { text: count(refused), tone: paint.bad } : count(refused),
    contact === null ? '' : plain(contact),
  ];
}
