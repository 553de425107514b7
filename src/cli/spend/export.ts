import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { once } from 'node:events';
import { epochMs, type CallId } from '#kernel/brand.ts';
import { iso } from '#kernel/clock.ts';
import { sumUsd, type NanoUsd } from '#kernel/money.ts';
import { exportText, exportWindow, type ExportFormat, type FocusPeriod } from '#ledger/export/index.ts';
import type { LedgerFilter } from '#ports/ledger-store.ts';
import type { AdminClient } from '../connect/admin-client.ts';
import { filterQuery, gateSource } from '../connect/gate-source.ts';
import { gateOrFolder, type Source } from '../connect/source.ts';
import { show, type CliContext } from '../context.ts';
import { CliFailure, usageFailure } from '../failure.ts';
import { askedOf, filtersOf, type CommonFlags, type FilterFlags } from '../flags.ts';
import { count, money } from '../format.ts';

export interface ExportFlags extends CommonFlags, FilterFlags {
  readonly from: (now: number) => number;
  readonly to?: (now: number) => number;
  readonly format: ExportFormat;
  readonly period: FocusPeriod;
  readonly out?: string;
}

/** What `--json` says of a file that was written. */
export interface ExportReport {
  readonly report: 'spend_export';
  readonly format: ExportFormat;
  readonly window: { readonly from: string; readonly to: string };
  readonly file: string;
  readonly rows: number;
  /** Of the window, older than the retention of entries: in no row. */
  readonly gone: Gone | null;
}

interface Gone {
  readonly calls: number;
  readonly costNanoUsd: NanoUsd;
}

interface Asked {
  readonly format: ExportFormat;
  readonly period: FocusPeriod;
  readonly filter: LedgerFilter;
}

export async function exportSpend(this: CliContext, flags: ExportFlags): Promise<void> {
  const now = this.now();
  const [from, to] = [flags.from(now), flags.to?.(now) ?? now];
  if (from >= to) throw usageFailure('The window ends before it begins.', '--from is earlier than --to');
  const { format, period } = flags;
  if (flags.json && flags.out === undefined)
    throw usageFailure('--json reports on a file.', 'add --out, or take --format jsonl for the rows as JSON');
  const filter: LedgerFilter = { ...askedOf(filtersOf(flags)), from: epochMs(from), to: epochMs(to) };
  const asked = { format, period, filter };
  await gateOrFolder(
    this,
    { ...(flags.data !== undefined && { data: flags.data }) },
    {
      gate: (client) => write(this, { flags, asked, source: gateSource(client), chunks: fromGate(client, asked) }),
      folder: async (folder) => {
        const { openStoreSource } = await import('../connect/store-source.ts');
        const source = openStoreSource(folder);
        this.terminal.note(`note: no gate is running; reading ${folder} as it was left`);
        try {
          await write(this, { flags, asked, source, chunks: await fromStore(source, asked) });
        } finally {
          await source.close();
        }
      },
    },
  );
}

function fromGate(client: AdminClient, { filter, format, period }: Asked): AsyncIterable<string> {
  return client.stream('/export', { ...filterQuery(filter), format, period });
}

async function fromStore(source: Source, asked: Asked): Promise<AsyncIterable<string>> {
  const names = new Map((await source.list('tenants')).map(({ id, name }) => [String(id), String(name)]));
  return exportText(source, { ...asked, tenantName: (id) => names.get(id) ?? id });
}

interface Writing {
  readonly flags: ExportFlags;
  readonly asked: Asked;
  readonly source: Source;
  readonly chunks: AsyncIterable<string>;
}

async function write(context: CliContext, { flags, asked, source, chunks }: Writing): Promise<void> {
  const { out: file, json } = flags;
  const lines = file === undefined ? await toTerminal(context, chunks) : await toFile(file, chunks);
  const rows = lines - (asked.format === 'jsonl' ? 0 : 1);
  const gone = await goneOf(source, asked);
  if (gone) context.terminal.note(goneText(gone));
  if (file === undefined) return context.terminal.note(rowsText(rows));
  const { from, to } = exportWindow(asked);
  const window = { from: iso(from), to: iso(to) };
  const report: ExportReport = { report: 'spend_export', format: asked.format, window, file, rows, gone };
  show(context, { json, report, draw: () => `${rowsText(rows)} in ${file}` });
}

const rowsText = (rows: number): string => `${count(rows)} ${rows === 1 ? 'row' : 'rows'}`;
const goneText = ({ calls, costNanoUsd }: Gone): string =>
  `warning: ${count(calls)} calls (${money(costNanoUsd)}) of the window are older than the retention of entries and in no row; \`headgate spend\` has their sums`;

async function toTerminal({ terminal }: CliContext, chunks: AsyncIterable<string>): Promise<number> {
  let lines = 0;
  for await (const chunk of chunks) {
    lines += linesIn(chunk);
    await terminal.write(chunk);
  }
  return lines;
}

/** Written beside and moved into place, so that a file under the name is a whole one. */
async function toFile(path: string, chunks: AsyncIterable<string>): Promise<number> {
  const part = `${path}.part`;
  let lines = 0;
  const file = createWriteStream(part, { mode: 0o600 });
  try {
    await once(file, 'open');
    for await (const chunk of chunks) {
      lines += linesIn(chunk);
      if (!file.write(chunk)) await once(file, 'drain');
    }
    file.end();
    await once(file, 'close');
    await rename(part, path);
    return lines;
  } catch (error) {
    file.destroy();
    await rm(part, { force: true });
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    const hint = 'choose another --out, or free room there';
    throw new CliFailure({ code: 'cannot_write', message: (error as Error).message, hint });
  }
}

function linesIn(chunk: string): number {
  let lines = 0;
  for (let at = chunk.indexOf('\n'); at >= 0; at = chunk.indexOf('\n', at + 1)) lines += 1;
  return lines;
}

/** Sums outlive entries: what the rollups have and no entry had is said, and never left to be missed. */
async function goneOf(source: Source, asked: Asked): Promise<Gone | null> {
  const { session, endUser } = asked.filter;
  if (session !== undefined || endUser !== undefined) return null;
  const window = { ...asked.filter, ...exportWindow(asked) };
  const [oldest] = await source.calls({ ...window, counted: true, after: FIRST, limit: 1 });
  const end = oldest ? Math.min(oldest.at, window.to) : window.to;
  if (end <= window.from) return null;
  const sums = await source.spend({ ...window, to: epochMs(end), by: [], sketches: false });
  const calls = sums.reduce((sum, row) => sum + row.calls, 0);
  return calls === 0 ? null : { calls, costNanoUsd: sumUsd(sums.map(({ costNanoUsd }) => costNanoUsd)) };
}

/** Below every id. */
const FIRST = '' as CallId;
