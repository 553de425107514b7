import { epochMs, type CallId } from '#kernel/brand.ts';
import { shortId } from '#kernel/ids.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import { ASKER, connect, withSource, type Source } from '../connect/source.ts';
import { show as print, type CliContext } from '../context.ts';
import { CliFailure, EXIT } from '../failure.ts';
import type { CommonFlags } from '../flags.ts';
import { keyNames } from '../spend/run.ts';
import type { ContentReport } from './content.ts';
import { callReport } from './report.ts';
import { drawCall } from './draw-call.ts';

export interface ShowFlags extends CommonFlags {
  readonly content: boolean;
}

export async function show(this: CliContext, flags: ShowFlags, id: string): Promise<void> {
  if (flags.content) return showContent(this, flags, id);
  await withSource(this, flags, async (source) => {
    const entry = await find(source, id, this.now());
    const names = await keyNames(source);
    const report = callReport(entry, names.get(entry.key) ?? null, await correctionOf(source, entry));
    print(this, { json: flags.json, report, draw: (value) => drawCall(value, this) });
  });
}

/** Read through the gate, which notes who reads what. */
async function showContent(context: CliContext, flags: ShowFlags, id: string): Promise<void> {
  const call = await wholeId(context, flags, id);
  const client = await connect(context, flags);
  const answer = (await client.ask('GET', `/calls/${encodeURIComponent(call)}/content`)) as ContentReport;
  const [{ drawContent }, { DIALECTS }] = await Promise.all([import('./content.ts'), import('#gateway/dialects.ts')]);
  const report = { report: 'call_content', ...answer };
  print(context, {
    json: flags.json,
    report,
    draw: (value) => drawContent(value, { terminal: context.terminal, zone: context.zone, dialects: DIALECTS }),
  });
}

/** A whole id as it is, so that a call is found before it is in the store; `latest` and short ones by the ledger. */
export const wholeId = (context: CliContext, flags: CommonFlags, id: string): Promise<string> =>
  isShort(id)
    ? withSource(context, flags, async (source) => (await find(source, id, context.now())).id)
    : Promise.resolve(id);

const isShort = (id: string): boolean => id === 'latest' || id.includes('…') || id.includes('...');

/** The row that counts in the place of this one, through as many corrections as there are; null: it counts itself. */
async function correctionOf(source: Source, { id, at, tenant }: LedgerEntry): Promise<LedgerEntry | null> {
  const window = { from: at, to: epochMs(at + 1), whose: tenant };
  const rows = await source.calls({ ...window, limit: MOST });
  let [found, last]: [LedgerEntry | null, CallId] = [null, id];
  for (;;) {
    // Of several corrections of one row the youngest counts; rows come youngest first.
    const next = rows.find(({ corrects }) => corrects === last);
    if (!next) return found;
    [found, last] = [next, next.id];
  }
}

/** As far back as a short id is looked for. */
const LOOK_BACK_MS = 7 * 86_400_000;
const MOST = 1_000;
/** Rows of corrections that may be younger than the latest call. */
const MOST_CORRECTED = 100;

/** The call of a whole id, of a short one as tables print it, or the latest. */
async function find(source: Source, id: string, now: number): Promise<LedgerEntry> {
  if (!isShort(id)) {
    const entry = await source.call(id as CallId);
    if (entry) return entry;
    throw missing(`There is no call ${id}, or it is older than the retention, or not settled yet.`);
  }
  const recent = { whose: ASKER, from: epochMs(now - LOOK_BACK_MS), to: epochMs(now + 1) };
  if (id === 'latest') {
    const entries = await source.calls({ ...recent, limit: MOST_CORRECTED });
    const entry = entries.find(({ corrects }) => corrects === null) ?? entries[0];
    if (entry) return entry;
    throw missing('There is no call in the last 7 days.');
  }
  return byShortId(await source.calls({ ...recent, limit: MOST }), id.replace('...', '…'));
}

function byShortId(entries: readonly LedgerEntry[], short: string): LedgerEntry {
  const found = entries.filter((entry) => shortId(entry.id) === short);
  if (found.length === 1) return found[0]!;
  if (found.length === 0) throw missing(`No call among the last ${entries.length} is ${short}.`);
  throw missing(`${found.length} calls are ${short}: ${found.map((entry) => entry.id).join(', ')}.`);
}

const missing = (message: string): CliFailure =>
  new CliFailure({
    code: 'not_found',
    message,
    hint: 'headgate calls list --json has whole ids; a call is listed once it has settled',
    exit: EXIT.usage,
  });
