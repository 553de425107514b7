import { recentCalls } from '../connect/recent-calls.ts';
import { ASKER, withSource } from '../connect/source.ts';
import { configInUse } from '../config/in-use.ts';
import { show, type CliContext } from '../context.ts';
import type { CommonFlags } from '../flags.ts';
import { configuredProviders } from './configured.ts';
import { drawProviders } from './draw.ts';
import { healthOf, type ProviderView } from './report.ts';

export interface ProvidersFlags extends CommonFlags {
  readonly config?: string;
  readonly since: (now: number) => number;
}

export interface ProvidersReport {
  readonly report: 'providers';
  /** Null: made from the environment. */
  readonly config: string | null;
  readonly window: { readonly from: string; readonly to: string };
  readonly callsRead: number;
  readonly complete: boolean;
  readonly providers: readonly ProviderView[];
}

/** Health is of late: the newest calls of the window. */
const MOST_CALLS = 2_000;

export async function list(this: CliContext, flags: ProvidersFlags): Promise<void> {
  const inUse = await configInUse(this, flags);
  const { providers } = configuredProviders(inUse, this.env);
  const now = this.now();
  const [from, to] = [flags.since(now), now + 1];
  await withSource(this, flags, async (source) => {
    const { calls, complete } = await recentCalls(source, { whose: ASKER, from, to }, MOST_CALLS);
    const report: ProvidersReport = {
      ...{ report: 'providers', config: inUse.path, callsRead: calls.length, complete },
      window: { from: new Date(from).toISOString(), to: new Date(to).toISOString() },
      providers: providers.map(({ data: _, ...one }) => ({ ...one, health: healthOf(one.name, calls) })),
    };
    show(this, { json: flags.json, report, draw: (value) => drawProviders(value, this) });
  });
}
