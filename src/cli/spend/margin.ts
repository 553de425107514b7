import { connect } from '../connect/source.ts';
import { show, type CliContext } from '../context.ts';
import type { CommonFlags } from '../flags.ts';
import { money, share } from '../format.ts';
import { drawTable, type Cell } from '../table.ts';
import { plain } from '../text.ts';
import { usdOf, type MonthHead } from './attribution-view.ts';
import { csvText } from './csv.ts';
import { headOf } from './draw-attribution.ts';

export interface MarginFlags extends CommonFlags {
  readonly month?: string;
  readonly csv: boolean;
}

interface MarginLine {
  readonly tenant: string | null;
  readonly pricedBy: string | null;
  readonly revenueUsd: string;
  readonly ownCostUsd: string;
  readonly sharedCostUsd: string;
  readonly costUsd: string;
  readonly marginUsd: string;
  readonly marginRatio: number | null;
}

interface Margins extends MonthHead {
  readonly report: 'margin';
  readonly lines: readonly MarginLine[];
}

export async function margin(this: CliContext, flags: MarginFlags): Promise<void> {
  const client = await connect(this, flags, 'what tenants pay stands in its configuration');
  const report = (await client.ask('GET', '/attribution/margin', { query: { month: flags.month } })) as Margins;
  if (flags.csv) return this.terminal.print(csvOf(report));
  show(this, { json: flags.json, report, draw: (value) => draw(value, this) });
}

const COLUMNS = ['tenant', 'pricedBy', 'revenueUsd', 'ownCostUsd', 'sharedCostUsd', 'costUsd', 'marginUsd'] as const;
const HEADS = ['tenant', 'priced_by', 'revenue_usd', 'own_cost_usd', 'shared_cost_usd', 'cost_usd', 'margin_usd'];

const csvOf = ({ month, lines }: Margins): string =>
  csvText([['month', ...HEADS], ...lines.map((line) => [month, ...COLUMNS.map((name) => line[name])])]);

const RIGHT = { align: 'right' } as const;

function draw(report: Margins, { terminal, zone }: CliContext): string {
  const head = headOf(report, { zone });
  if (report.lines.length === 0) return [head, '', 'Nothing was billed.'].join('\n');
  const sum = (of: (line: MarginLine) => string) => report.lines.reduce((all, line) => all + usdOf(of(line)), 0n);
  const cells = (line: MarginLine): Cell[] => [
    line.tenant === null ? '(nobody)' : plain(line.tenant),
    line.pricedBy === null ? 'no price' : plain(line.pricedBy),
    money(usdOf(line.revenueUsd)),
    money(usdOf(line.ownCostUsd)),
    money(usdOf(line.sharedCostUsd)),
    usdOf(line.marginUsd) < 0n
      ? { text: money(usdOf(line.marginUsd)), tone: terminal.paint.warn }
      : money(usdOf(line.marginUsd)),
    share(line.marginRatio),
  ];
  const [revenue, own, shared] = [sum((l) => l.revenueUsd), sum((l) => l.ownCostUsd), sum((l) => l.sharedCostUsd)];
  const { lines } = drawTable(
    {
      columns: [
        { title: 'tenant', shrinkTo: 8 },
        { title: 'price' },
        { title: 'revenue', ...RIGHT },
        { title: 'own cost', ...RIGHT },
        { title: 'shared', ...RIGHT },
        { title: 'margin', ...RIGHT },
        { title: '', ...RIGHT },
      ],
      rows: report.lines.map(cells),
      footer: ['total', '', money(revenue), money(own), money(shared), money(revenue - own - shared), ''],
    },
    { width: terminal.width, heading: terminal.paint.dim, strong: terminal.paint.bold },
  );
  const unpriced = report.lines.filter(({ pricedBy, tenant }) => pricedBy === null && tenant !== null).length;
  const hint =
    unpriced > 0
      ? 'hint: `attribution.pricing` in headgate.yaml gives plans and tenants a price'
      : 'hint: headgate spend attribution --tenant <id>   what a tenant’s cost was for';
  return [head, '', ...lines, '', hint].join('\n');
}
