/** What an import changes, as text: a plan that is read before it is applied. Pure. */
import { parseUsd } from '#kernel/money.ts';
import type { CliContext } from '../context.ts';
import { change as growth, count, dateTime, ratioOf } from '../format.ts';
import { drawTable, type Cell, type Column } from '../table.ts';
import { plain, wrap } from '../text.ts';
import { priceText } from './list.ts';

export interface ImportReport {
  readonly report: 'prices_import';
  readonly list: string;
  readonly hash: string;
  readonly validFrom: string;
  readonly added: readonly string[];
  readonly changed: readonly {
    readonly model: string;
    readonly bucket: string;
    readonly old: string | null;
    readonly new: string | null;
  }[];
  readonly same: number;
  readonly gone: readonly string[];
  readonly refused: readonly { readonly model: string; readonly why: string }[];
  readonly left: Readonly<Record<string, number>>;
  readonly unread: Readonly<Record<string, number>>;
  readonly unknown: Readonly<Record<string, number>>;
  readonly applied: boolean;
}

/** Names that a terminal shows of a long list; `--json` has all. */
const MOST_NAMES = 12;

const right = { align: 'right' } as const;
const COLUMNS: readonly Column[] = [
  { title: '~ changed', shrinkTo: 16 },
  { title: 'bucket' },
  { title: 'old /M', ...right },
  { title: 'new /M', ...right },
  { title: 'change', ...right },
];

export function drawImport({ terminal, zone }: Pick<CliContext, 'terminal' | 'zone'>, report: ImportReport): string {
  const { added, changed, same, gone, refused } = report;
  const models = new Set(changed.map(({ model }) => model)).size;
  return [
    `${report.list} ${report.hash} · valid from ${dateTime(Date.parse(report.validFrom), zone)} ${zone}`,
    `${count(added.length)} new, ${count(models)} changed, ${count(same)} the same${gone.length > 0 ? `, ${count(gone.length)} no longer listed` : ''}${refused.length > 0 ? `, ${count(refused.length)} refused` : ''}`,
    ...block(named('+', added)),
    ...block(changed.length > 0 ? changes(changed, terminal) : []),
    ...block(named('- no longer listed, their rows stay:', gone)),
    ...block(refused.map(({ model, why }) => wrap(`! refused ${plain(model)}: ${plain(why)}`, terminal.width, '  '))),
    ...block(
      [
        ...counts('not read', report.left, 'model'),
        ...counts('price fields without a bucket', report.unread, 'model'),
        ...counts('unknown fields', report.unknown, 'model'),
      ].map((line) => wrap(line, terminal.width, '  ')),
    ),
  ].join('\n');
}

const block = (lines: readonly string[]): readonly string[] => (lines.length === 0 ? [] : ['', ...lines]);

function named(sign: string, names: readonly string[]): string[] {
  const shown = names.slice(0, MOST_NAMES).map((name) => `${sign} ${plain(name)}`);
  return names.length > shown.length ? [...shown, `${sign} … ${count(names.length - shown.length)} more`] : shown;
}

function changes(changed: ImportReport['changed'], terminal: CliContext['terminal']): string[] {
  const rows = changed.map((one): Cell[] => [
    plain(one.model),
    plain(one.bucket),
    priceText(one.old),
    priceText(one.new),
    grown(one.old, one.new),
  ]);
  const { lines, left } = drawTable({ columns: COLUMNS, rows }, { width: terminal.width, heading: terminal.paint.dim });
  return [...lines, ...(left.length > 0 ? [`no room for: ${left.join(', ')}`] : [])];
}

function grown(old: string | null, fresh: string | null): string {
  const [before, after] = [old, fresh].map((text) => (text === null ? null : parseUsd(text)));
  if (before === null || before === undefined) return 'new';
  if (after === null || after === undefined) return 'gone';
  return growth(ratioOf(after - before, before));
}

function counts(what: string, found: Readonly<Record<string, number>>, unit: string): string[] {
  const text = Object.entries(found)
    .sort(([, a], [, b]) => b - a)
    .map(([name, models]) => `${plain(name)} (${count(models)} ${models === 1 ? unit : `${unit}s`})`);
  if (text.length === 0) return [];
  const more = text.length > MOST_NAMES ? `, … ${text.length - MOST_NAMES} more` : '';
  return [`${what}: ${text.slice(0, MOST_NAMES).join(', ')}${more}`];
}
