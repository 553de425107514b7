import type { StreamsReport } from '#capabilities/streams/routes.ts';
import { connect } from '../connect/source.ts';
import { show, type CliContext } from '../context.ts';
import type { CommonFlags } from '../flags.ts';
import { drawReport } from './draw-report.ts';

const FILTERS = ['tenant', 'client', 'protocol', 'feature', 'model', 'deployment'] as const;

export interface ReportFlags extends CommonFlags, Readonly<Partial<Record<(typeof FILTERS)[number], string>>> {
  readonly since: string;
  readonly by: string;
}

export async function report(this: CliContext, flags: ReportFlags): Promise<void> {
  const client = await connect(this, flags);
  const query = new URLSearchParams({ since: flags.since, by: flags.by });
  for (const name of FILTERS) if (flags[name] !== undefined) query.set(name, flags[name]);
  const answer = (await client.ask('GET', `/streams/report?${query}`)) as StreamsReport;
  show(this, { json: flags.json, report: answer, draw: (value) => drawReport(value, this) });
}
