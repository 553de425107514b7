/** A provider's CSV as lines of an invoice. Pure but for the parser that it loads. */
import { usageFailure } from '../../failure.ts';

/** One row of the file. Null: it does not say. */
export interface InvoiceLine {
  /** `2026-11-03`, UTC as providers bill. */
  readonly day: string | null;
  readonly model: string | null;
  /** Thousand-millionths of the currency. */
  readonly amount: bigint | null;
  readonly currency: string;
  readonly requests: number | null;
  /** Input and output together, cached ones included. */
  readonly tokens: number | null;
}

export interface Invoice {
  /** `openai costs`, `anthropic usage`, …, or `columns`. */
  readonly format: string;
  readonly lines: readonly InvoiceLine[];
  /** Least step of its amounts, in thousand-millionths of the currency; null: it has no amounts. */
  readonly step: bigint | null;
}

type Record_ = Readonly<Record<string, string>>;

interface Format {
  readonly name: string;
  /** Columns by which it is known. */
  readonly needs: readonly string[];
  readonly day: (record: Record_) => string | null;
  readonly model: (record: Record_) => string | null;
  readonly amount?: (record: Record_) => string | null;
  readonly currency?: (record: Record_) => string | null;
  readonly requests?: (record: Record_) => string | null;
  readonly tokens?: (record: Record_) => readonly (string | null)[];
}

const column =
  (name: string) =>
  (record: Record_): string | null =>
    record[name] || null;
const columns =
  (...names: readonly string[]) =>
  (record: Record_): (string | null)[] =>
    names.map((name) => record[name] || null);

/** `gpt-5-nano, input_tokens`: a line item is a model and what of it. */
const beforeComma = (text: string | null): string | null => text?.split(',')[0]!.trim() || null;
/** OpenAI gives seconds since the epoch, and the same as ISO without a zone: UTC. */
const startOf = (record: Record_): string | null => record['start_time_iso'] || record['start_time'] || null;

/** Heads of the exports of the two consoles, as they were in 2026; other columns are not looked at. */
const FORMATS: readonly Format[] = [
  {
    name: 'openai costs',
    needs: ['start_time', 'amount_value'],
    day: startOf,
    model: (record) => beforeComma(record['line_item'] || null),
    amount: column('amount_value'),
    currency: column('amount_currency'),
  },
  {
    name: 'openai usage',
    needs: ['start_time', 'num_model_requests', 'input_tokens', 'output_tokens'],
    day: startOf,
    model: column('model'),
    requests: column('num_model_requests'),
    // `input_tokens` has the cached ones in it.
    tokens: columns('input_tokens', 'output_tokens'),
  },
  {
    name: 'anthropic costs',
    needs: ['usage_date_utc', 'cost_usd'],
    day: column('usage_date_utc'),
    model: column('model'),
    amount: column('cost_usd'),
  },
  {
    name: 'anthropic usage',
    needs: ['usage_date_utc', 'model_version', 'usage_input_tokens_no_cache', 'usage_output_tokens'],
    day: column('usage_date_utc'),
    model: column('model_version'),
    tokens: columns(
      'usage_input_tokens_no_cache',
      'usage_input_tokens_cache_write_5m',
      'usage_input_tokens_cache_write_1h',
      'usage_input_tokens_cache_read',
      'usage_output_tokens',
    ),
  },
];

const FIELDS = ['day', 'model', 'amount', 'currency', 'requests', 'tokens'] as const;
type Field = (typeof FIELDS)[number];

/** `day=Date,model=Model,amount=Cost`; several columns of tokens are joined by `+`. */
export function readColumns(text: string): Format {
  const named = new Map<Field, string>();
  for (const pair of text.split(',')) {
    const at = pair.indexOf('=');
    const field = pair.slice(0, at).trim() as Field;
    if (at < 1 || !FIELDS.includes(field))
      throw usageFailure(
        `--columns: \`${pair}\` names no field.`,
        `write ${FIELDS.map((name) => `${name}=…`).join(',')}`,
      );
    named.set(field, pair.slice(at + 1).trim());
  }
  const of = (field: Field) => column(named.get(field) ?? '');
  return {
    name: 'columns',
    needs: [...named.values()].flatMap((name) => name.split('+')),
    ...{ day: of('day'), model: of('model'), amount: of('amount'), currency: of('currency') },
    requests: of('requests'),
    ...(named.has('tokens') && { tokens: columns(...named.get('tokens')!.split('+')) }),
  };
}

/** Reads a file; throws a usage failure that names the row where it cannot. */
export async function readInvoice(text: string, name: string, asked: Format | null): Promise<Invoice> {
  // Loaded here: no other command needs it.
  const { parse } = await import('csv-parse/sync');
  let records: readonly Record_[];
  try {
    records = parse(text, { columns: true, bom: true, skip_empty_lines: true, trim: true, relax_column_count: true });
  } catch (error) {
    throw usageFailure(`${name}: ${(error as Error).message}`, 'export it as CSV with a head');
  }
  const heads = Object.keys(records[0] ?? {});
  const format = asked ?? FORMATS.find(({ needs }) => needs.every((head) => heads.includes(head)));
  const missing = asked?.needs.filter((head) => !heads.includes(head)) ?? [];
  if (!format || missing.length > 0) throw unknownHead(name, heads, missing);
  const lines = records.flatMap((record, i) => lineOf(record, format, `${name}, record ${i + 1}`));
  if (lines.length === 0)
    throw usageFailure(`${name} has no row with an amount or a count.`, 'export another time range');
  return { format: format.name, lines, step: stepOf(records, format) };
}

function unknownHead(name: string, heads: readonly string[], missing: readonly string[]) {
  const has = heads.length === 0 ? 'it has no rows' : `it has ${heads.slice(0, 20).join(', ')}`;
  const what =
    missing.length > 0
      ? `has no column ${missing.map((head) => `\`${head}\``).join(', ')}`
      : 'has a head that is not known';
  return usageFailure(
    `${name} ${what}: ${has}.`,
    `say the columns: --columns day=…,model=…,amount=…; known as they are: ${FORMATS.map((one) => one.name).join(', ')}`,
  );
}

/** Rows of days on which nothing was billed are empty. */
function lineOf(record: Record_, format: Format, place: string): InvoiceLine[] {
  const amount = amountOf(format.amount?.(record) ?? null, place);
  const requests = countOf(format.requests?.(record) ?? null, place);
  const counts = (format.tokens?.(record) ?? []).map((text) => countOf(text, place)).filter((value) => value !== null);
  const tokens = counts.length === 0 ? null : counts.reduce((sum, value) => sum + value, 0);
  if (amount === null && requests === null && tokens === null) return [];
  const currency = (format.currency?.(record) ?? 'USD').toUpperCase();
  return [{ day: dayOf(format.day(record), place), model: format.model(record), amount, currency, requests, tokens }];
}

const DECIMAL = /^([+-]?)\$?(\d{1,15})(?:\.(\d*))?$/;
/** Decimals that a thousand-millionth has; the export of OpenAI writes thirty. */
const DECIMALS = 9;

/** Thousand-millionths; further decimals are cut, a thousand-millionth at most. */
function amountOf(text: string | null, place: string): bigint | null {
  if (text === null) return null;
  const match = DECIMAL.exec(text.replaceAll(',', ''));
  if (!match) throw usageFailure(`${place}: “${text.slice(0, 40)}” is no amount.`, 'amounts are decimal: 12.47');
  const [, sign, whole, fraction = ''] = match;
  const value = BigInt(whole! + fraction.slice(0, DECIMALS).padEnd(DECIMALS, '0'));
  return sign === '-' ? -value : value;
}

function countOf(text: string | null, place: string): number | null {
  if (text === null) return null;
  const value = Number(text.replaceAll(',', ''));
  if (Number.isSafeInteger(Math.round(value)) && value >= 0) return Math.round(value);
  throw usageFailure(`${place}: “${text.slice(0, 40)}” is no count.`, 'counts are whole numbers: 1200');
}

function dayOf(text: string | null, place: string): string | null {
  if (text === null) return null;
  if (/^\d{10}$/.test(text)) return new Date(Number(text) * 1_000).toISOString().slice(0, 10);
  const match = /^(\d{4}-\d{2}-\d{2})(?:[T ]|$)/.exec(text);
  if (match && !Number.isNaN(Date.parse(match[1]!))) return match[1]!;
  throw usageFailure(`${place}: “${text.slice(0, 40)}” is no day.`, 'days are ISO 8601: 2026-11-03');
}

/** By the most decimals of any amount: exports leave out zeros at the end. Money has two at least. */
function stepOf(records: readonly Record_[], { amount }: Format): bigint | null {
  if (!amount) return null;
  let decimals = 2;
  for (const record of records) decimals = Math.max(decimals, amount(record)?.split('.')[1]?.length ?? 0);
  return 10n ** BigInt(DECIMALS - Math.min(decimals, DECIMALS));
}
