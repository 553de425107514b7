import { withSource } from '../connect/source.ts';
import { recentCalls } from '../connect/recent-calls.ts';
import { show, type CliContext } from '../context.ts';
import { askedOf, filtersOf, type CommonFlags, type FilterFlags } from '../flags.ts';
import { drawSessions } from './draw.ts';
import { sessionsOf, type SessionSums } from './report.ts';

export interface SessionsFlags extends CommonFlags, FilterFlags {
  readonly since: (now: number) => number;
  readonly limit: number;
}

export interface SessionsReport {
  readonly report: 'sessions';
  readonly window: { readonly from: string; readonly to: string };
  /** Calls that were looked at; those without a session are among them. */
  readonly callsRead: number;
  /** False: the window holds more calls than were read, and an older session may be missing or incomplete. */
  readonly complete: boolean;
  readonly sessions: readonly SessionSums[];
}

/** Entries that one question reads: about 2 s from a store of any size. */
const MOST_CALLS = 5_000;

export async function list(this: CliContext, flags: SessionsFlags): Promise<void> {
  const now = this.now();
  const [from, to] = [flags.since(now), now + 1];
  await withSource(this, flags, async (source) => {
    const { calls, complete } = await recentCalls(source, { ...askedOf(filtersOf(flags)), from, to }, MOST_CALLS);
    const report: SessionsReport = {
      report: 'sessions',
      window: { from: new Date(from).toISOString(), to: new Date(to).toISOString() },
      ...{ callsRead: calls.length, complete },
      sessions: sessionsOf(calls).slice(0, flags.limit),
    };
    show(this, { json: flags.json, report, draw: (value) => drawSessions(value, this) });
  });
}
