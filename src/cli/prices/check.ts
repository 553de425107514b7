import { parseUsd } from '#kernel/money.ts';
import { connect } from '../connect/source.ts';
import { show, type CliContext } from '../context.ts';
import { EXIT } from '../failure.ts';
import type { CommonFlags } from '../flags.ts';
import { change as growth, count, dateTime, ratioOf, UNKNOWN } from '../format.ts';
import { drawTable, type Cell, type Column } from '../table.ts';
import { plain } from '../text.ts';
import { priceText } from './list.ts';

export interface CheckFlags extends CommonFlags {
  readonly olderThan: string;
}

type Finding =
  | {
      readonly kind: 'disagree';
      readonly model: string;
      readonly bucket: string;
      readonly says: readonly { readonly source: string; readonly price: string }[];
    }
  | { readonly kind: 'old'; readonly model: string; readonly source: string; readonly at: string }
  | { readonly kind: 'unknown'; readonly model: string };

interface CheckReport {
  readonly report: 'prices_check';
  readonly olderThan: string;
  readonly models: number;
  readonly findings: readonly Finding[];
}

export async function checkPrices(this: CliContext, { olderThan, ...flags }: CheckFlags): Promise<void> {
  const client = await connect(this, flags);
  const answer = (await client.ask('GET', '/prices/check', { query: { olderThan } })) as Pick<
    CheckReport,
    'models' | 'findings'
  >;
  const report: CheckReport = { report: 'prices_check', olderThan, ...answer };
  show(this, { json: flags.json, report, draw: (value) => draw(this, value) });
  if (report.findings.length > 0) this.exit(EXIT.gateFailed);
}

function draw(context: CliContext, { models, findings, olderThan }: CheckReport): string {
  const heading = `${count(models)} ${models === 1 ? 'model that is' : 'models that are'} configured or called in the last 30 days`;
  if (findings.length === 0)
    return `${heading}\n\nEach has a price, no two sources disagree, and no row is older than ${olderThan}.`;
  return [
    heading,
    ...disagreements(context, findings),
    ...unknown(findings),
    ...old(context, findings, olderThan),
  ].join('\n');
}

const right = { align: 'right' } as const;
const COLUMNS: readonly Column[] = [
  { title: 'model', shrinkTo: 16 },
  { title: 'bucket' },
  { title: 'in force /M', ...right },
  { title: 'by' },
  { title: 'others /M' },
];

function disagreements({ terminal }: CliContext, findings: readonly Finding[]): string[] {
  const rows = findings.flatMap((one): Cell[][] => {
    if (one.kind !== 'disagree') return [];
    const [first, ...others] = one.says;
    const text = others.map(
      ({ source, price }) => `${plain(source)} ${priceText(price)} (${against(price, first!.price)})`,
    );
    return [[plain(one.model), plain(one.bucket), priceText(first!.price), plain(first!.source), text.join(', ')]];
  });
  if (rows.length === 0) return [];
  const { lines, left } = drawTable({ columns: COLUMNS, rows }, { width: terminal.width, heading: terminal.paint.dim });
  return ['', 'Sources disagree', ...lines, ...(left.length > 0 ? [`no room for: ${left.join(', ')}`] : [])];
}

function against(price: string, base: string): string {
  const [a, b] = [parseUsd(price), parseUsd(base)];
  const ratio = a === null || b === null ? null : ratioOf(a - b, b);
  return ratio === null ? UNKNOWN : growth(ratio);
}

function unknown(findings: readonly Finding[]): string[] {
  const names = findings.flatMap((one) => (one.kind === 'unknown' ? [one.model] : []));
  if (names.length === 0) return [];
  const hint = 'hint: headgate prices set <model> --provider <provider> --input … --output …';
  return ['', 'No price: their cost is unknown', ...names.map((name) => `  ${plain(name)}`), hint];
}

function old({ zone }: CliContext, findings: readonly Finding[], olderThan: string): string[] {
  const lines = findings.flatMap((one) =>
    one.kind === 'old' ? [`  ${plain(one.model)}  ${plain(one.source)}, ${dateTime(Date.parse(one.at), zone)}`] : [],
  );
  return lines.length === 0
    ? []
    : ['', `Not confirmed for ${olderThan}`, ...lines, 'hint: headgate prices import <file or URL> reads a list again'];
}
