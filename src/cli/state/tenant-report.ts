import { connect } from '../connect/source.ts';
import { show, type CliContext } from '../context.ts';
import type { CommonFlags } from '../flags.ts';
import { count, dateTime, duration, money, qualifiedMoney, share, UNKNOWN } from '../format.ts';
import { usdOf } from '../spend/attribution-view.ts';
import { drawTable, type Cell } from '../table.ts';
import { plain } from '../text.ts';

export interface TenantReportFlags extends CommonFlags {
  readonly since: string;
  readonly search?: string;
  readonly only?: 'near' | 'failing' | 'fell' | 'loss';
  readonly sort: string;
  readonly limit: number;
}

interface Line {
  readonly tenant: string;
  readonly calls: number;
  readonly errors: number;
  readonly p99Ms: number | null;
  readonly costUsd: string;
  readonly unknownCostCalls: number;
  readonly estimatedUsd: string;
  readonly month: { readonly pricedBy: string | null; readonly costUsd: string; readonly marginUsd: string } | null;
  readonly limit: { readonly share: number } | null;
  readonly budget: { readonly share: number } | null;
  readonly quality: { readonly verdict: string } | null;
}

interface Report {
  readonly report: 'tenant_report';
  readonly from: string;
  readonly to: string;
  readonly month: { readonly month: string; readonly timeZone: string } | null;
  readonly reading: readonly string[];
  readonly tenants: number;
  readonly total: number;
  readonly rows: readonly Line[];
}

/** The gate answers at once with what it has: what is missing is there a moment later. */
const ASKS = 40;
const PAUSE_MS = 250;

export async function reportTenants(this: CliContext, { json, data, ...query }: TenantReportFlags): Promise<void> {
  const client = await connect(this, { ...(data !== undefined && { data }) }, 'limits and scores are held by it');
  const ask = async () =>
    (await client.ask('GET', '/tenant-report', { query: { ...query, limit: String(query.limit) } })) as Report;
  let report = await ask();
  for (let i = 0; i < ASKS && report.reading.length > 0; i++) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    report = await ask();
  }
  show(this, { json, report, draw: (value) => draw(value, this) });
}

const RIGHT = { align: 'right' } as const;

function draw(report: Report, { terminal, zone }: CliContext): string {
  const { rows, total, tenants, from, to, month } = report;
  const head = `${dateTime(Date.parse(from), zone)} to ${dateTime(Date.parse(to), zone)} · ${count(total)} of ${count(tenants)} tenants`;
  if (rows.length === 0) return [head, '', 'No tenant matches.'].join('\n');
  const { paint } = terminal;
  const { lines, left } = drawTable(
    {
      columns: [
        { title: 'tenant', shrinkTo: 8 },
        { title: 'calls', ...RIGHT, leaves: 3 },
        { title: 'errors', ...RIGHT },
        { title: 'p99', ...RIGHT, leaves: 2 },
        { title: 'spend', ...RIGHT },
        { title: 'month', ...RIGHT, leaves: 1 },
        { title: 'margin', ...RIGHT },
        { title: 'limit', ...RIGHT },
        { title: 'budget', ...RIGHT },
        { title: 'quality' },
      ],
      rows: rows.map((line) => cells(line, paint)),
    },
    { width: terminal.width, heading: paint.dim },
  );
  const rest = total - rows.length;
  const notes = [
    ...(left.length > 0 ? [`no room for: ${left.join(', ')}`] : []),
    ...(rest > 0 ? [`${count(rest)} more: --limit, --search or --only`] : []),
    ...(month ? [`month and margin are of ${month.month} ${month.timeZone} so far; the rest of the window`] : []),
  ];
  return [head, '', ...lines, '', ...notes, '', 'hint: headgate limits near   who is near which limit'].join('\n');
}

type Paint = CliContext['terminal']['paint'];

function cells(line: Line, paint: Paint): Cell[] {
  const { tenant, calls, errors, p99Ms, costUsd, unknownCostCalls, estimatedUsd, month, limit, budget } = line;
  const marks = { estimated: usdOf(estimatedUsd) > 0n, partial: unknownCostCalls > 0 };
  const failing = calls === 0 ? null : errors / calls;
  return [
    plain(tenant),
    count(calls),
    failing !== null && failing >= 0.02 ? { text: share(failing), tone: paint.bad } : share(failing),
    duration(p99Ms),
    calls === 0 ? UNKNOWN : qualifiedMoney(usdOf(costUsd), marks),
    money(month && usdOf(month.costUsd)),
    marginCell(month, paint),
    taken(limit, paint),
    taken(budget, paint),
    qualityCell(line, paint),
  ];
}

function marginCell(month: Line['month'], paint: Paint): Cell {
  if (month === null) return UNKNOWN;
  if (month.pricedBy === null) return 'no price';
  const margin = usdOf(month.marginUsd);
  return margin < 0n ? { text: money(margin), tone: paint.warn } : money(margin);
}

function taken(of: { readonly share: number } | null, paint: Paint): Cell {
  if (of === null) return UNKNOWN;
  if (of.share >= 1) return { text: share(of.share), tone: paint.bad };
  return of.share >= 0.8 ? { text: share(of.share), tone: paint.warn } : share(of.share);
}

function qualityCell({ quality }: Line, paint: Paint): Cell {
  if (quality === null) return UNKNOWN;
  if (quality.verdict === 'fell') return { text: 'FELL', tone: paint.bad };
  if (quality.verdict === 'fell_for_all') return { text: 'fell, as all did', tone: paint.warn };
  return quality.verdict === 'no_change' ? 'no fall seen' : 'not enough data';
}
