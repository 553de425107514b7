/** Invoice against ledger: the gap in lines that sum to it. Pure. */
import type { InvoiceLine } from './invoice.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** Why a part of the gap is there, in the order in which each is looked for. */
export const REASONS = {
  time_zone: 'days of the invoice begin at another hour than at 00:00 UTC',
  rounding: 'amounts of the invoice are rounded',
  missing: 'on the invoice, and not in the ledger: calls that did not pass the gate',
  not_billed: 'in the ledger, and not on the invoice',
  unknown_cost: 'calls whose price the ledger does not know',
  price: 'the same counts at another price: compare `headgate prices check`, then `headgate prices reprice`',
  estimated: 'the ledger’s tokens are estimated: nobody said what was used',
  unexplained: 'nothing in the ledger explains it',
} as const;
export type Reason = keyof typeof REASONS;

/** Sums of the ledger in one hour of one model. */
export interface LedgerHour {
  readonly at: number;
  readonly model: string;
  readonly cost: bigint;
  readonly estimated: bigint;
  readonly unknownCost: number;
  readonly requests: number;
  readonly tokens: number;
}

export interface GapLine {
  readonly reason: Reason;
  readonly day: string | null;
  readonly model: string | null;
  /** Invoice less ledger: nano-dollars, or tokens of a file without amounts. */
  readonly gap: bigint;
  readonly invoice: bigint;
  readonly ledger: bigint;
}

export interface Comparison {
  /** `usd`: money is compared; `tokens`: the file has counts alone. */
  readonly unit: 'usd' | 'tokens';
  /** First and last day of the invoice. */
  readonly days: readonly [string, string];
  readonly invoice: bigint;
  readonly ledger: bigint;
  readonly gap: bigint;
  /** Hours after 00:00 UTC at which the invoice's days begin, where that explains most of the gap; else 0. */
  readonly offsetHours: number;
  /** They sum to the gap; those of nothing are left out. */
  readonly lines: readonly GapLine[];
}

export interface Compared {
  /** In dollars already. */
  readonly lines: readonly InvoiceLine[];
  readonly hours: readonly LedgerHour[];
  /** The window where the file names no days. */
  readonly days: readonly [string, string];
  /** Least step of the invoice's amounts in nano-dollars. */
  readonly step: bigint;
  /** Names on the invoice and the model of the ledger that each is. */
  readonly aliases: ReadonlyMap<string, string>;
}

/** Widest that a day's start is from 00:00 UTC, both ways. */
const MOST_OFFSET = 14;

/** Days of the invoice, for the window that the ledger is asked about. */
export function daysOf(lines: readonly InvoiceLine[]): readonly [string, string] | null {
  const days = lines.flatMap(({ day }) => (day === null ? [] : [day])).sort();
  return days.length === 0 ? null : [days[0]!, days.at(-1)!];
}

export const windowOf = ([first, last]: readonly [string, string]): { readonly from: number; readonly to: number } => ({
  from: Date.parse(first) - MOST_OFFSET * HOUR_MS,
  to: Date.parse(last) + DAY_MS + MOST_OFFSET * HOUR_MS,
});

/** Sums of both sides for one day and model. */
interface Cell {
  readonly day: string | null;
  readonly model: string | null;
  lines: number;
  invoice: bigint;
  ledger: bigint;
  estimated: bigint;
  unknownCost: number;
  requests: number;
  tokens: number;
  invoiceRequests: number | null;
  invoiceTokens: number | null;
}

export function compare(asked: Compared): Comparison {
  const unit = asked.lines.some(({ amount }) => amount !== null) ? 'usd' : 'tokens';
  const side = sideOf(asked, unit);
  const plain = cellsOf(side, 0);
  const offsetHours = side.byDay ? offsetOf(side, plain) : 0;
  const cells = offsetHours === 0 ? plain : cellsOf(side, offsetHours);
  const total = (of: readonly Cell[], name: 'invoice' | 'ledger'): bigint =>
    of.reduce((sum, cell) => sum + cell[name], 0n);
  const [invoice, ledger] = [total(plain, 'invoice'), total(plain, 'ledger')];
  const moved = total(cells, 'ledger') - ledger;
  const edge: GapLine = { reason: 'time_zone', day: null, model: null, gap: moved, invoice: 0n, ledger: moved };
  const ratios = ratiosOf(cells, asked.step);
  const lines = [edge, ...cells.flatMap((cell) => explained(cell, { unit, step: asked.step, ratios }))];
  return {
    ...{ unit, days: asked.days, invoice, ledger, gap: invoice - ledger, offsetHours },
    lines: lines.filter(({ gap }) => gap !== 0n),
  };
}

interface Side extends Compared {
  readonly unit: 'usd' | 'tokens';
  readonly byDay: boolean;
  readonly byModel: boolean;
  /** A model's name in the form in which both sides write it. */
  readonly nameOf: (model: string) => string;
}

const sideOf = (asked: Compared, unit: Side['unit']): Side => ({
  ...asked,
  unit,
  byDay: asked.lines.some(({ day }) => day !== null),
  byModel: asked.lines.some(({ model }) => model !== null),
  nameOf: namesOf(asked),
});

/** `Claude Haiku 4.5` and `claude-haiku-4-5-20251001` are one; so are a model and its dated snapshots. */
const canonical = (model: string): string =>
  model
    .trim()
    .toLowerCase()
    .replaceAll(/[\s._]+/g, '-')
    .replace(/(-\d{4}-\d{2}-\d{2}|-\d{8}|-latest)$/, '');

function namesOf({ aliases }: Compared): (model: string) => string {
  const byAlias = new Map([...aliases].map(([name, model]) => [canonical(name), canonical(model)]));
  return (model) => byAlias.get(canonical(model)) ?? canonical(model);
}

const OTHER = '(no model)';

function cellsOf(side: Side, offsetHours: number): readonly Cell[] {
  const cells = new Map<string, Cell>();
  const cellAt = (day: string | null, model: string | null): Cell => {
    const name = JSON.stringify([day, model]);
    let cell = cells.get(name);
    if (!cell) cells.set(name, (cell = emptyCell(day, model)));
    return cell;
  };
  const modelOf = (model: string | null): string | null =>
    side.byModel ? (model === null ? OTHER : side.nameOf(model)) : null;
  for (const line of side.lines) addLine(cellAt(line.day, modelOf(line.model)), line, side.unit);
  const from = Date.parse(side.days[0]) + offsetHours * HOUR_MS;
  const to = Date.parse(side.days[1]) + DAY_MS + offsetHours * HOUR_MS;
  for (const hour of side.hours) {
    if (hour.at < from || hour.at >= to) continue;
    const day = new Date(hour.at - offsetHours * HOUR_MS).toISOString().slice(0, 10);
    addHour(cellAt(side.byDay ? day : null, modelOf(hour.model)), hour, side.unit);
  }
  return [...cells.values()];
}

const emptyCell = (day: string | null, model: string | null): Cell => ({
  ...{ day, model, lines: 0, invoice: 0n, ledger: 0n, estimated: 0n, unknownCost: 0, requests: 0, tokens: 0 },
  ...{ invoiceRequests: null, invoiceTokens: null },
});

function addLine(cell: Cell, { amount, requests, tokens }: InvoiceLine, unit: Side['unit']): void {
  cell.lines += 1;
  cell.invoice += unit === 'usd' ? (amount ?? 0n) : BigInt(tokens ?? 0);
  if (requests !== null) cell.invoiceRequests = (cell.invoiceRequests ?? 0) + requests;
  if (tokens !== null) cell.invoiceTokens = (cell.invoiceTokens ?? 0) + tokens;
}

function addHour(cell: Cell, hour: LedgerHour, unit: Side['unit']): void {
  cell.ledger += unit === 'usd' ? hour.cost : BigInt(hour.tokens);
  cell.estimated += hour.estimated;
  cell.unknownCost += hour.unknownCost;
  cell.requests += hour.requests;
  cell.tokens += hour.tokens;
}

const absolute = (value: bigint): bigint => (value < 0n ? -value : value);

/** The hour at which days must begin for the sides to differ least; 0 unless that takes more than half of it away. */
function offsetOf(side: Side, plain: readonly Cell[]): number {
  const apart = (cells: readonly Cell[]): bigint =>
    cells.reduce((sum, { invoice, ledger }) => sum + absolute(invoice - ledger), 0n);
  let best = { offset: 0, apart: apart(plain) };
  if (best.apart === 0n) return 0;
  const limit = best.apart / 2n;
  for (let offset = -MOST_OFFSET; offset <= MOST_OFFSET; offset++) {
    const found = apart(cellsOf(side, offset));
    if (found < limit && found < best.apart) best = { offset, apart: found };
  }
  return best.offset;
}

/** Days of one price that are needed to say so without counts. */
const LEAST_DAYS = 3;

/** Models whose invoice is the same multiple of the ledger on each of several days. */
function ratiosOf(cells: readonly Cell[], step: bigint): ReadonlySet<string> {
  const steady = new Set<string>();
  for (const [model, group] of Map.groupBy(cells, (cell) => cell.model ?? '')) {
    const both = group.filter(({ invoice, ledger }) => invoice > 0n && ledger > 0n);
    if (both.length < LEAST_DAYS) continue;
    const [invoice, ledger] = [both.reduce((s, c) => s + c.invoice, 0n), both.reduce((s, c) => s + c.ledger, 0n)];
    const fits = both.every((cell) => {
      const off = absolute(cell.invoice * ledger - cell.ledger * invoice);
      return off <= (roundingOf(cell, step) + cell.invoice / 1_000n) * ledger;
    });
    if (fits) steady.add(model);
  }
  return steady;
}

/** What rounding may make of a cell: half a step a line of the invoice, three nano-dollars a request of ours. */
const roundingOf = ({ lines, requests }: Cell, step: bigint): bigint =>
  (BigInt(lines) * step + 1n) / 2n + BigInt(lines) + 3n * BigInt(requests);

interface Facts {
  readonly unit: Side['unit'];
  readonly step: bigint;
  readonly ratios: ReadonlySet<string>;
}

/** The gap of one cell by reason: what counts show to be missing apart from what is another price. */
function explained(cell: Cell, facts: Facts): GapLine[] {
  const { day, model, invoice, ledger } = cell;
  const gap = invoice - ledger;
  if (gap === 0n) return [];
  const line = (reason: Reason, part: bigint): GapLine => ({ reason, day, model, gap: part, invoice, ledger });
  if (facts.unit === 'usd' && cell.lines > 0 && cell.requests > 0 && absolute(gap) <= roundingOf(cell, facts.step))
    return [line('rounding', gap)];
  if (cell.requests === 0) return [line('missing', gap)];
  if (cell.lines === 0) return [line('not_billed', gap)];
  if (facts.unit === 'tokens') return [line(gap > 0n ? 'missing' : 'not_billed', gap)];
  const missing = missingOf(cell);
  const rest = gap - missing;
  const parts = [line('missing', missing)];
  if (rest !== 0n) parts.push(line(restReason(cell, rest, facts), rest));
  return parts.filter((part) => part.gap !== 0n);
}

/** Money of tokens, or else requests, that the invoice has and the ledger has not. */
function missingOf(cell: Cell): bigint {
  const [invoiced, known] =
    cell.invoiceTokens === null ? [cell.invoiceRequests, cell.requests] : [cell.invoiceTokens, cell.tokens];
  if (invoiced === null || invoiced <= known || cell.invoice - cell.ledger <= 0n) return 0n;
  return (cell.invoice * BigInt(invoiced - known)) / BigInt(invoiced);
}

function restReason(cell: Cell, rest: bigint, { step, ratios }: Facts): Reason {
  if (absolute(rest) <= roundingOf(cell, step)) return 'rounding';
  if (cell.unknownCost > 0 && rest > 0n) return 'unknown_cost';
  const sameTokens = cell.invoiceTokens !== null && cell.invoiceTokens === cell.tokens;
  const sameRequests = cell.invoiceTokens === null && cell.invoiceRequests === cell.requests;
  if (sameTokens || sameRequests || ratios.has(cell.model ?? '')) return 'price';
  // An estimate is wrong by less than its half.
  if (cell.estimated > 0n && absolute(rest) * 2n <= cell.estimated) return 'estimated';
  return 'unexplained';
}
