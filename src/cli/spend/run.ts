import { epochMs } from '#kernel/brand.ts';
import type { Dimension } from '#ports/ledger-store.ts';
import { withSource, type Source } from '../connect/source.ts';
import { show, type CliContext } from '../context.ts';
import { usageFailure } from '../failure.ts';
import { askedOf, filtersOf, type CommonFlags, type FilterFlags, type Filters } from '../flags.ts';
import { drawSpend } from './draw.ts';
import { spendReport, type SpendReport } from './report.ts';

export interface SpendFlags extends CommonFlags, FilterFlags {
  readonly since: (now: number) => number;
  readonly until?: (now: number) => number;
  readonly by: Dimension[];
  readonly limit: number;
}

export async function spend(this: CliContext, flags: SpendFlags): Promise<void> {
  const now = this.now();
  const to = flags.until?.(now) ?? now;
  const from = flags.since(flags.until ? to : now);
  if (from >= to) throw usageFailure('The window ends before it begins.', '--since is earlier than --until');
  await withSource(this, flags, async (source) => {
    const report = await askSpend(source, { from, to, zone: this.zone, by: flags.by, filters: filtersOf(flags) });
    const names = flags.by.includes('key') ? await keyNames(source) : new Map<string, string>();
    const drawing = { terminal: this.terminal, limit: flags.limit, keyName: (id: string) => names.get(id) ?? null };
    show(this, { json: flags.json, report, draw: (value) => drawSpend(value, drawing) });
  });
}

export interface SpendAsked {
  readonly from: number;
  readonly to: number;
  readonly zone: string;
  readonly by: readonly Dimension[];
  readonly filters: Filters;
}

/** Asks for the window and the one before it. */
export async function askSpend(source: Source, asked: SpendAsked): Promise<SpendReport> {
  const { from, to, by, filters } = asked;
  const ask = (start: number, end: number) =>
    source.spend({ ...askedOf(filters), by, from: epochMs(start), to: epochMs(end), sketches: false });
  const [rows, priorRows] = await Promise.all([ask(from, to), ask(2 * from - to, from)]);
  return spendReport({ ...asked, rows, priorRows });
}

export async function keyNames(source: Source): Promise<Map<string, string>> {
  const keys = await source.list('keys').catch(() => []);
  return new Map(keys.map(({ id, name }) => [String(id), String(name)]));
}
