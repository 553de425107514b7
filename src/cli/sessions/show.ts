import type { LedgerEntry } from '#ports/entry.ts';
import { recentCalls } from '../connect/recent-calls.ts';
import { ASKER, withSource, type Source } from '../connect/source.ts';
import { show as print, type CliContext } from '../context.ts';
import { CliFailure, EXIT } from '../failure.ts';
import { askedOf, type CommonFlags } from '../flags.ts';
import { drawSession } from './draw.ts';
import { hasFailed, sessionSums, type SessionSums } from './report.ts';

export interface SessionFlags extends CommonFlags {
  readonly tenant?: string;
  readonly since: (now: number) => number;
}

export interface SessionReport {
  readonly report: 'session';
  readonly session: SessionSums;
  /** False: older calls of the session are not here. */
  readonly complete: boolean;
  /** Id of the first call that failed; null: none did. */
  readonly failedFirst: string | null;
  /** Oldest first. */
  readonly calls: readonly LedgerEntry[];
}

/** Calls of one task: agents make hundreds, seldom thousands. */
const MOST_CALLS = 5_000;

export async function show(this: CliContext, flags: SessionFlags, id: string): Promise<void> {
  await withSource(this, flags, async (source) => {
    const session = id === 'latest' ? await latest(source, this, flags) : id;
    const window = { from: flags.since(this.now()), to: this.now() + 1 };
    const filters = askedOf({ session, ...(flags.tenant !== undefined && { tenant: flags.tenant }) });
    const found = await recentCalls(source, { ...filters, ...window }, MOST_CALLS);
    const calls = oneTenant(session, found.calls.toReversed());
    const report: SessionReport = {
      ...{ report: 'session', session: sessionSums(calls), complete: found.complete },
      failedFirst: calls.find(hasFailed)?.id ?? null,
      calls,
    };
    print(this, { json: flags.json, report, draw: (value) => drawSession(value, this) });
  });
}

async function latest(source: Source, { now }: CliContext, { since }: SessionFlags): Promise<string> {
  const { calls } = await recentCalls(source, { whose: ASKER, from: since(now()), to: now() + 1 }, 1_000);
  const session = calls.find((entry) => entry.session !== null)?.session;
  if (session) return session;
  throw missing('No call of late has a session.', 'calls name one with x-headgate-session; agents do it by themselves');
}

/** A session is its tenant's: two tenants may use one id. */
function oneTenant(session: string, calls: readonly LedgerEntry[]): readonly LedgerEntry[] {
  const tenants = [...new Set(calls.map(({ tenant }) => tenant))];
  if (tenants.length === 1) return calls;
  if (tenants.length === 0)
    throw missing(
      `There is no call of the session ${session} in this window.`,
      'headgate sessions list, or --since 30d',
    );
  throw missing(
    `${tenants.length} tenants have a session ${session}: ${tenants.join(', ')}.`,
    'name one with --tenant',
  );
}

const missing = (message: string, hint: string): CliFailure =>
  new CliFailure({ code: 'not_found', message, hint, exit: EXIT.usage });
