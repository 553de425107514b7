/** A comparison of invoice and ledger as text. Pure. */
import { count, money, ratioOf, share } from '../../format.ts';
import { drawTable, type Cell } from '../../table.ts';
import type { Terminal } from '../../terminal.ts';
import { plain } from '../../text.ts';
import { REASONS } from './compare.ts';
import type { ReconcileLine, ReconcileReport } from './run.ts';

interface Drawing {
  readonly terminal: Pick<Terminal, 'width' | 'paint'>;
  /** Lines to show, the largest first. */
  readonly limit: number;
}

const RIGHT = { align: 'right' } as const;
type Gap = Pick<ReconcileLine, 'gapNanoUsd' | 'gapTokens'>;

const gapText = ({ gapNanoUsd, gapTokens }: Gap): string => {
  if (gapNanoUsd === null) return `${(gapTokens ?? 0) > 0 ? '+' : ''}${count(gapTokens)} tokens`;
  return `${gapNanoUsd > 0n ? '+' : ''}${money(gapNanoUsd)}`;
};
const sizeOf = ({ gapNanoUsd, gapTokens }: Gap): bigint => {
  const value = gapNanoUsd ?? BigInt(gapTokens ?? 0);
  return value < 0n ? -value : value;
};

export function drawReconciliation(report: ReconcileReport, { terminal, limit }: Drawing): string {
  const style = { width: terminal.width, heading: terminal.paint.dim, strong: terminal.paint.bold };
  const head = headOf(report);
  if (report.lines.length === 0) return [head, '', 'Both sides agree: there is no gap.'].join('\n');
  const reasons = drawTable(reasonsTable(report), style).lines;
  const sorted = report.lines.toSorted((a, b) => (sizeOf(a) < sizeOf(b) ? 1 : -1));
  const lines = drawTable(linesTable(sorted.slice(0, limit)), style).lines;
  const rest =
    sorted.length > limit ? [`${count(sorted.length - limit)} smaller lines: --limit or --csv shows them`] : [];
  const present = report.reasons.map(({ reason }) => `${reason}: ${REASONS[reason]}`);
  return [head, '', ...reasons, '', ...lines, ...rest, '', ...present].join('\n');
}

function headOf({ provider, file, format, days, unit, offsetHours, ...sums }: ReconcileReport): string {
  const sides =
    unit === 'usd'
      ? `invoice ${money(sums.invoiceNanoUsd)}, ledger ${money(sums.ledgerNanoUsd)}`
      : `invoice ${count(sums.invoiceTokens)} tokens, ledger ${count(sums.ledgerTokens)}`;
  const whole = sums.invoiceNanoUsd ?? BigInt(sums.invoiceTokens ?? 0);
  const ratio = share(ratioOf(sizeOf(sums), whole < 0n ? -whole : whole));
  const offset = offsetHours === 0 ? [] : [`its days begin at ${clock(offsetHours)} UTC`];
  return [
    `${plain(provider)} · ${plain(file)} (${format}) · ${days[0]} to ${days[1]}`,
    [sides, `gap ${gapText(sums)} (${ratio})`, ...offset].join(' · '),
  ].join('\n');
}

const clock = (hours: number): string => `${String((hours + 24) % 24).padStart(2, '0')}:00`;

function reasonsTable({ reasons, ...sums }: ReconcileReport) {
  return {
    columns: [{ title: 'reason' }, { title: 'lines', ...RIGHT }, { title: 'gap', ...RIGHT }],
    rows: reasons.map((one): Cell[] => [one.reason, count(one.lines), gapText(one)]),
    footer: ['gap', '', gapText(sums)],
  };
}

function linesTable(lines: readonly ReconcileLine[]) {
  return {
    columns: [
      { title: 'day' },
      { title: 'model', shrinkTo: 12 },
      { title: 'reason' },
      { title: 'invoice', ...RIGHT, leaves: 2 },
      { title: 'ledger', ...RIGHT, leaves: 2 },
      { title: 'gap', ...RIGHT },
    ],
    rows: lines.map((line): Cell[] => [
      line.day ?? '',
      line.model === null ? '' : plain(line.model),
      line.reason,
      line.reason === 'time_zone' ? '' : money(line.invoiceNanoUsd),
      line.reason === 'time_zone' ? '' : money(line.ledgerNanoUsd),
      gapText(line),
    ]),
  };
}
