import { parseUsd } from '#kernel/money.ts';
import { withSource, type StateView } from '../connect/source.ts';
import { show, type CliContext } from '../context.ts';
import type { CommonFlags } from '../flags.ts';
import { money, UNKNOWN } from '../format.ts';
import { day, word } from '../state/change.ts';
import { drawTable, type Cell, type Column } from '../table.ts';

export interface ListFlags extends CommonFlags {
  readonly all: boolean;
  readonly provider?: string;
  readonly model?: string;
}

const right = { align: 'right' } as const;
const PRICES = [
  { title: 'input /M', ...right },
  { title: 'cached /M', ...right, leaves: 3 },
  { title: 'output /M', ...right },
  { title: 'also', shrinkTo: 8, leaves: 4 },
] as const;
const IN_FORCE: readonly Column[] = [
  { title: 'model', shrinkTo: 16 },
  ...PRICES,
  { title: 'source', leaves: 1 },
  { title: 'valid from', leaves: 2 },
];
const ALL: readonly Column[] = [{ title: 'row' }, ...IN_FORCE, { title: 'seen', leaves: 5 }];

export function listPrices(this: CliContext, { all, provider, model, ...flags }: ListFlags): Promise<void> {
  return withSource(this, flags, async (source) => {
    const rows = await source.list(all ? 'rows' : 'prices');
    const wanted = rows
      .filter(
        (row) =>
          (provider === undefined || row['provider'] === provider) &&
          (model === undefined || String(row['model']).includes(model)),
      )
      .toSorted((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1));
    const report = { report: 'prices' as const, prices: wanted };
    show(this, { json: flags.json, report, draw: ({ prices }) => draw(this, prices, all) });
  });
}

/** By model; of one model the oldest first. */
const orderOf = (row: StateView): string => [row['provider'], row['model'], row['validFrom'], row['id']].join('\n');

function draw(context: CliContext, rows: readonly StateView[], all: boolean): string {
  if (rows.length === 0)
    return `No ${all ? 'stored price rows' : 'models with a price'}.\n\nhint: headgate prices set <model> --input 2.50 --output 10`;
  const { terminal } = context;
  const { lines, left } = drawTable(
    { columns: all ? ALL : IN_FORCE, rows: rows.map((row) => cells(context, row, all)) },
    { width: terminal.width, heading: terminal.paint.dim },
  );
  const unknown = rows.find((row) => row['perMillion'] === null);
  return [
    ...lines,
    ...(left.length > 0 ? ['', `no room for: ${left.join(', ')}`] : []),
    ...(unknown
      ? [
          '',
          `hint: headgate prices set ${word(unknown['model'])} --provider ${word(unknown['provider'])} --input … --output …`,
        ]
      : []),
  ].join('\n');
}

const NAMED = new Set(['input', 'cachedRead', 'output']);

function cells(context: CliContext, row: StateView, all: boolean): readonly Cell[] {
  const prices = row['perMillion'] as Readonly<Record<string, string>> | null;
  const name = `${word(row['provider'])}/${word(row['model'])}`;
  const own: Cell[] = prices
    ? [
        ...[priceText(prices['input']), priceText(prices['cachedRead']), priceText(prices['output'])],
        Object.keys(prices)
          .filter((bucket) => !NAMED.has(bucket))
          .join(' '),
        ...[word(row['source']), sinceText(context, row)],
      ]
    : [UNKNOWN, UNKNOWN, UNKNOWN, '', { text: 'no price', tone: context.terminal.paint.bad }, UNKNOWN];
  return all ? [word(row['id']), name, ...own, day(context, row['seenAt'])] : [name, ...own];
}

export const priceText = (price: string | undefined | null): string =>
  price === undefined || price === null ? UNKNOWN : money(parseUsd(price));

/** A price that holds since the epoch holds since ever: its source gives no day. */
const sinceText = (context: CliContext, row: StateView): string =>
  Date.parse(String(row['validFrom'])) === 0 ? 'always' : day(context, row['validFrom']);
