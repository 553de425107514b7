import type { QualityReport } from '#gateway/operations/quality.ts';
import { connect } from '../connect/source.ts';
import { show, type CliContext } from '../context.ts';
import { EXIT } from '../failure.ts';
import type { CommonFlags } from '../flags.ts';
import { drawQuality } from './draw.ts';

const FILTERS = ['tenant', 'feature', 'score'] as const;

export interface QualityFlags extends CommonFlags, Readonly<Partial<Record<(typeof FILTERS)[number], string>>> {
  readonly ci: boolean;
}

export async function quality(this: CliContext, flags: QualityFlags): Promise<void> {
  const client = await connect(this, flags);
  const query = new URLSearchParams();
  for (const name of FILTERS) if (flags[name] !== undefined) query.set(name, flags[name]);
  const report = (await client.ask('GET', `/quality?${query}`)) as QualityReport;
  show(this, { json: flags.json, report, draw: (value) => drawQuality(value, this) });
  const fell = report.lines.some(({ verdict, change }) => verdict.startsWith('fell') || change?.fell);
  if (flags.ci && fell) this.exit(EXIT.gateFailed);
}
