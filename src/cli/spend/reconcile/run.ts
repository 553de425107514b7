import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { divideHalfEven, nanoUsd, parseUsd, usdDecimal, type NanoUsd } from '#kernel/money.ts';
import type { AdminClient } from '../../connect/admin-client.ts';
import { connect } from '../../connect/source.ts';
import { show, type CliContext } from '../../context.ts';
import { usageFailure } from '../../failure.ts';
import type { CommonFlags } from '../../flags.ts';
import { csvText } from '../csv.ts';
import { compare, daysOf, REASONS, windowOf, type Comparison, type LedgerHour, type Reason } from './compare.ts';
import { drawReconciliation } from './draw.ts';
import { readColumns, readInvoice, type Invoice, type InvoiceLine } from './invoice.ts';

export interface ReconcileFlags extends CommonFlags {
  readonly provider: string;
  readonly columns?: string;
  readonly model?: readonly string[];
  readonly limit: number;
  readonly csv: boolean;
}

/** A line of the gap: money under `…NanoUsd`, or tokens where the file has no amounts. */
export interface ReconcileLine {
  readonly reason: Reason;
  readonly day: string | null;
  readonly model: string | null;
  readonly gapNanoUsd: NanoUsd | null;
  readonly invoiceNanoUsd: NanoUsd | null;
  readonly ledgerNanoUsd: NanoUsd | null;
  readonly gapTokens: number | null;
}

export interface ReconcileReport {
  readonly report: 'reconcile';
  readonly file: string;
  readonly format: string;
  readonly provider: string;
  readonly unit: 'usd' | 'tokens';
  /** First and last day, UTC. */
  readonly days: readonly [string, string];
  readonly offsetHours: number;
  readonly invoiceNanoUsd: NanoUsd | null;
  readonly ledgerNanoUsd: NanoUsd | null;
  readonly gapNanoUsd: NanoUsd | null;
  readonly invoiceTokens: number | null;
  readonly ledgerTokens: number | null;
  readonly gapTokens: number | null;
  readonly reasons: readonly {
    readonly reason: Reason;
    readonly gapNanoUsd: NanoUsd | null;
    readonly gapTokens: number | null;
    readonly lines: number;
  }[];
  readonly lines: readonly ReconcileLine[];
}

export async function reconcile(this: CliContext, flags: ReconcileFlags, file: string): Promise<void> {
  const format = flags.columns === undefined ? null : readColumns(flags.columns);
  const invoice = await readInvoice(readFile(file), basename(file), format);
  const days = daysOf(invoice.lines);
  if (days === null)
    throw usageFailure(`${basename(file)} names no days.`, 'say the column with --columns day=…: a day or a time');
  const client = await connect(this, flags, 'what it compares stands in its ledger');
  const rates = await ratesOf(client);
  const { lines, step } = inDollars(invoice, rates);
  const hours = await ledgerHours(client, flags.provider, days);
  const comparison = compare({ lines, hours, days, step, aliases: aliasesOf(flags.model ?? []) });
  const report = reportOf(comparison, { file: basename(file), format: invoice.format, provider: flags.provider });
  if (flags.csv) return this.terminal.print(csvOf(report));
  show(this, {
    json: flags.json,
    report,
    draw: (value) => drawReconciliation(value, { terminal: this.terminal, limit: flags.limit }),
  });
}

function readFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw usageFailure(
      `${file} cannot be read (${(error as NodeJS.ErrnoException).code}).`,
      'name the CSV of the provider',
    );
  }
}

function aliasesOf(pairs: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    pairs.map((pair) => {
      const at = pair.lastIndexOf('=');
      if (at < 1) throw usageFailure(`--model: “${pair}” is no pair.`, '--model "GPT-4o mini"=gpt-4o-mini');
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

interface ChargeRow {
  readonly at: string;
  readonly by: readonly (string | null)[];
  readonly costUsd: string;
  readonly estimatedUsd: string;
  readonly unknownCostAttempts: number;
  readonly attempts: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

async function ledgerHours(
  client: AdminClient,
  provider: string,
  days: readonly [string, string],
): Promise<LedgerHour[]> {
  const { from, to } = windowOf(days);
  const query = { from, to, by: 'deployment', bucket: 'hour', provider };
  const { rows } = (await client.ask('GET', '/charges', { query })) as { readonly rows: readonly ChargeRow[] };
  return rows.map((row) => ({
    at: Date.parse(row.at),
    // A deployment is `provider/model-id`.
    model: (row.by[0] ?? '').slice(provider.length + 1),
    cost: parseUsd(row.costUsd) ?? 0n,
    estimated: parseUsd(row.estimatedUsd) ?? 0n,
    unknownCost: row.unknownCostAttempts,
    requests: row.attempts,
    tokens: row.inputTokens + row.outputTokens,
  }));
}

type Rates = Readonly<Record<string, readonly { readonly from: string; readonly usd: string }[]>>;

const ratesOf = async (client: AdminClient): Promise<Rates> =>
  ((await client.ask('GET', '/attribution/currencies')) as { readonly currencies: Rates }).currencies;

const BILLION = 1_000_000_000n;

/** Amounts by the rate of each line's own day. */
function inDollars({ lines, step }: Invoice, rates: Rates): { readonly lines: InvoiceLine[]; readonly step: bigint } {
  let widest = step ?? 1n;
  const converted = lines.map((line): InvoiceLine => {
    if (line.currency === 'USD' || line.amount === null) return line;
    const rate = rateOn(rates, line.currency, line.day ?? '');
    const stepHere = (step! * rate) / BILLION + 1n;
    if (stepHere > widest) widest = stepHere;
    return { ...line, currency: 'USD', amount: divideHalfEven(line.amount * rate, BILLION) };
  });
  return { lines: converted, step: widest };
}

function rateOn(rates: Rates, currency: string, day: string): bigint {
  const [last] = (rates[currency] ?? [])
    .filter(({ from }) => from <= day)
    .toSorted((a, b) => (a.from < b.from ? 1 : -1));
  if (last) return parseUsd(last.usd)!;
  throw usageFailure(
    `There is no rate of ${currency} on ${day}.`,
    'add one under `attribution.currencies` in headgate.yaml: { EUR: [{ from: 2026-11-01, usd: "1.0842" }] }',
  );
}

const REASON_NAMES = Object.keys(REASONS) as Reason[];

function reportOf(
  { unit, days, offsetHours, ...found }: Comparison,
  head: Pick<ReconcileReport, 'file' | 'format' | 'provider'>,
): ReconcileReport {
  const usd = (value: bigint): NanoUsd | null => (unit === 'usd' ? nanoUsd(value) : null);
  const tokens = (value: bigint): number | null => (unit === 'usd' ? null : Number(value));
  const reasons = REASON_NAMES.flatMap((reason) => {
    const own = found.lines.filter((line) => line.reason === reason);
    const gap = own.reduce((sum, line) => sum + line.gap, 0n);
    return own.length === 0 ? [] : [{ reason, gapNanoUsd: usd(gap), gapTokens: tokens(gap), lines: own.length }];
  });
  return {
    report: 'reconcile',
    ...head,
    ...{ unit, days, offsetHours },
    ...{ invoiceNanoUsd: usd(found.invoice), ledgerNanoUsd: usd(found.ledger), gapNanoUsd: usd(found.gap) },
    ...{ invoiceTokens: tokens(found.invoice), ledgerTokens: tokens(found.ledger), gapTokens: tokens(found.gap) },
    reasons,
    lines: found.lines.map(({ reason, day, model, gap, invoice, ledger }) => ({
      ...{ reason, day, model, gapNanoUsd: usd(gap), invoiceNanoUsd: usd(invoice), ledgerNanoUsd: usd(ledger) },
      gapTokens: tokens(gap),
    })),
  };
}

function csvOf({ provider, unit, lines }: ReconcileReport): string {
  const amount = ({ gapNanoUsd, gapTokens }: ReconcileLine): string =>
    gapNanoUsd === null ? String(gapTokens) : usdDecimal(gapNanoUsd);
  return csvText([
    ['provider', 'reason', 'day', 'model', unit === 'usd' ? 'gap_usd' : 'gap_tokens'],
    ...lines.map((line) => [provider, line.reason, line.day, line.model, amount(line)]),
  ]);
}
