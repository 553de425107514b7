import { readPriceList, type ReadList } from '#ledger/prices/import/read-list.ts';
import { confirm } from '../confirm.ts';
import { connect } from '../connect/source.ts';
import { show, type CliContext } from '../context.ts';
import { usageFailure } from '../failure.ts';
import type { CommonFlags } from '../flags.ts';
import { drawImport, type ImportReport } from './draw-import.ts';
import { readSource } from './read-source.ts';

export interface ImportFlags extends CommonFlags {
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly provider?: readonly string[];
  readonly validFrom?: (now: number) => number;
}

type Plan = Pick<ImportReport, 'added' | 'changed' | 'same' | 'gone' | 'validFrom' | 'hash'>;

export async function importPrices(this: CliContext, flags: ImportFlags, from: string): Promise<void> {
  const list = readPriceList(await readSource(from));
  const rows = list.rows.filter(({ book }) => !flags.provider || flags.provider.includes(book));
  if (rows.length === 0)
    throw usageFailure('No model of the list is one that can be priced here.', whyNone(list, flags));
  const validFrom = flags.validFrom && new Date(flags.validFrom(this.now())).toISOString();
  const body = { list: list.list, hash: list.hash, from, rows, ...(validFrom && { validFrom }) };
  const client = await connect(this, flags);
  const ask = (dryRun: boolean): Promise<Plan> =>
    client.ask('POST', '/prices/import', { body: { ...body, dryRun } }) as Promise<Plan>;
  const plan = await ask(true);
  const report = reportOf(list, plan);
  if (flags.dryRun) return show(this, { json: flags.json, report, draw: (value) => drawImport(this, value) });
  if (!flags.json) this.terminal.print(drawImport(this, report));
  if (!flags.yes) await agreed(this);
  await ask(false);
  const applied = { ...report, applied: true };
  if (flags.json) return show(this, { json: true, report: applied, draw: () => '' });
  this.terminal.note(`imported ${rows.length} rows of ${list.list} ${list.hash}`);
}

async function agreed(context: CliContext): Promise<void> {
  const answer = await confirm(context, 'Apply?');
  if (answer === true) return;
  throw usageFailure(
    answer === null ? 'Nothing was imported: nobody is there to be asked.' : 'Nothing was imported.',
    'add --yes to apply it, or --dry-run to look alone',
  );
}

const whyNone = (list: ReadList, { provider }: ImportFlags): string =>
  provider
    ? `the list has ${[...new Set(list.rows.map(({ book }) => book))].join(', ') || 'none'}`
    : `${list.refused.length} refused, ${[...list.left.values()].reduce((a, b) => a + b, 0)} of other providers or by no unit that is read`;

const reportOf = (list: ReadList, { added, changed, same, gone, validFrom, hash }: Plan): ImportReport => ({
  report: 'prices_import',
  ...{ list: list.list, hash, validFrom, added, changed, same, gone },
  refused: list.refused,
  left: Object.fromEntries(list.left),
  unread: Object.fromEntries(list.unread),
  unknown: Object.fromEntries(list.unknown),
  applied: false,
});
