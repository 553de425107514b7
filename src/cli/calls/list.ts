import { epochMs, type CallId } from '#kernel/brand.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import { withSource } from '../connect/source.ts';
import { show, type CliContext } from '../context.ts';
import { usageFailure } from '../failure.ts';
import { askedOf, filtersOf, type CommonFlags, type FilterFlags } from '../flags.ts';
import { dateTime } from '../format.ts';
import { drawTable } from '../table.ts';
import { CALL_COLUMNS, callCells } from './draw-list.ts';

export interface ListFlags extends CommonFlags, FilterFlags {
  readonly since: (now: number) => number;
  readonly until?: (now: number) => number;
  readonly limit: number;
  readonly before?: string;
  readonly all: boolean;
}

interface CallsReport {
  readonly report: 'calls';
  readonly window: { readonly from: string; readonly to: string };
  /** Newest first. */
  readonly calls: readonly LedgerEntry[];
  /** `--before` of the next page; null: this is the last one. */
  readonly next: string | null;
}

/** A terminal this wide has room for whole ids. */
const ROOMY = 170;

export async function list(this: CliContext, flags: ListFlags): Promise<void> {
  const now = this.now();
  const to = flags.until?.(now) ?? now + 1;
  const from = flags.since(flags.until ? to : now);
  if (from >= to) throw usageFailure('The window ends before it begins.', '--since is earlier than --until');
  const question = {
    ...askedOf(filtersOf(flags)),
    ...(!flags.all && { counted: true as const }),
    ...(flags.before !== undefined && { before: flags.before as CallId }),
    ...{ from: epochMs(from), to: epochMs(to), limit: flags.limit },
  };
  await withSource(this, flags, async (source) => {
    const calls = await source.calls(question);
    const report: CallsReport = {
      report: 'calls',
      window: { from: new Date(from).toISOString(), to: new Date(to).toISOString() },
      calls,
      next: calls.length === flags.limit ? (calls.at(-1)?.id ?? null) : null,
    };
    show(this, { json: flags.json, report, draw: (value) => draw(this, value) });
  });
}

function draw({ terminal, zone, now }: CliContext, { calls, next }: CallsReport): string {
  if (calls.length === 0)
    return 'No calls in this window.\n\nhint: widen it with --since 7d, or send one: the start of `headgate up` prints a line to paste';
  const wholeIds = !terminal.isTerminal || terminal.width >= ROOMY;
  const today = dateTime(now(), zone).slice(0, 10);
  const timeOnly = terminal.isTerminal && calls.every(({ at }) => dateTime(at, zone).startsWith(today));
  const rows = calls.map((entry) => callCells(entry, { terminal, zone, wholeIds, timeOnly }));
  const { lines, left } = drawTable(
    { columns: CALL_COLUMNS, rows },
    { width: terminal.width, heading: terminal.paint.dim },
  );
  return [
    ...lines,
    '',
    ...(left.length > 0 ? [`no room for: ${left.join(', ')}`] : []),
    ...(next === null ? [] : [`more: headgate calls list --before ${next}`]),
    `hint: headgate calls show ${calls[0]!.id}`,
  ].join('\n');
}
