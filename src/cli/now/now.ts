import { join } from 'node:path';
import { epochMs } from '#kernel/brand.ts';
import { parseDuration } from '#kernel/config/quantities.ts';
import type { Whose } from '#kernel/whose.ts';
import type { NowReport } from '#gateway/now/report.ts';
import { gateOrFolder } from '../connect/source.ts';
import { show, type CliContext } from '../context.ts';
import { EXIT, usageFailure } from '../failure.ts';
import type { CommonFlags } from '../flags.ts';
import { drawNow } from './draw.ts';

export interface NowFlags extends CommonFlags {
  readonly since: string;
}

const LONGEST_MS = 7 * 86_400_000;

/** Exits with 3 where something is bad, so that a script can tell. */
export async function now(this: CliContext, flags: NowFlags): Promise<void> {
  const { since } = flags;
  const sinceMs = parseDuration(since)!;
  if (sinceMs <= 0 || sinceMs > LONGEST_MS) throw usageFailure('--since is at most 7d.', 'headgate now --since 6h');
  const report = await gateOrFolder(this, flags, {
    gate: async (client) => (await client.ask('GET', '/now', { query: { since } })) as NowReport,
    folder: (folder) => fromFolder(this, folder, flags, sinceMs),
  });
  show(this, { json: flags.json, report, draw: (value) => drawNow(value, this) });
  if (report.verdict === 'trouble') this.exit(EXIT.gateFailed);
}

async function fromFolder(
  context: CliContext,
  folder: string,
  { since }: NowFlags,
  sinceMs: number,
): Promise<NowReport> {
  const [{ openFolder }, { gather }, { nowReport }] = await Promise.all([
    import('../connect/store-source.ts'),
    import('#gateway/now/evidence.ts'),
    import('#gateway/now/now-report.ts'),
  ]);
  const { ledger, state } = openFolder(folder);
  context.terminal.note(`note: no gate is running; reading ${join(folder)} as it was left`);
  try {
    const sources = { ledger, audit: (whose: Whose, limit: number) => state.audit({ whose, limit }), node: null };
    return nowReport(await gather(sources, epochMs(context.now()), sinceMs), since);
  } finally {
    await ledger.close();
    await state.close();
  }
}
