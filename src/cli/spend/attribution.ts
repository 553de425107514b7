import { connect } from '../connect/source.ts';
import { show, type CliContext } from '../context.ts';
import type { CommonFlags } from '../flags.ts';
import type { Bill, BillLine } from './attribution-view.ts';
import { csvText } from './csv.ts';
import { drawBill } from './draw-attribution.ts';

export interface AttributionFlags extends CommonFlags {
  readonly month?: string;
  readonly tenant?: string;
  readonly limit: number;
  readonly csv: boolean;
}

export async function attribution(this: CliContext, flags: AttributionFlags): Promise<void> {
  const client = await connect(this, flags, 'how a bill is divided stands in its configuration');
  const bill = (await client.ask('GET', '/attribution', { query: { month: flags.month } })) as Bill;
  const { tenant } = flags;
  const lines = tenant === undefined ? bill.lines : bill.lines.filter((line) => line.tenant === tenant);
  const shown = { ...bill, lines };
  if (flags.csv) return this.terminal.print(csvOf(shown));
  show(this, {
    json: flags.json,
    report: shown,
    draw: (value) => drawBill(value, { terminal: this.terminal, zone: this.zone, limit: flags.limit, tenant }),
  });
}

const COLUMNS = ['provider', 'tenant', 'feature', 'bucket', 'rule', 'purpose', 'amountUsd'] as const;

const csvOf = ({ month, lines }: Bill): string =>
  csvText([
    ['month', ...COLUMNS.map((name) => name.replace('Usd', '_usd'))],
    ...lines.map((line: BillLine) => [month, ...COLUMNS.map((name) => line[name])]),
  ]);
