import type { AdminClient } from '../connect/admin-client.ts';
import { connect } from '../connect/source.ts';
import { confirm } from '../confirm.ts';
import { show, type CliContext } from '../context.ts';
import { usageFailure } from '../failure.ts';
import type { CommonFlags } from '../flags.ts';
import { count } from '../format.ts';
import { given } from '../state/change.ts';
import { drawReprice } from './draw-reprice.ts';
import { addPart, emptyReport, type RepricePart, type RepriceReport } from './reprice-report.ts';

export interface RepriceFlags extends CommonFlags {
  readonly since: (now: number) => number;
  readonly until?: (now: number) => number;
  readonly model?: string;
  readonly provider?: string;
  readonly deployment?: string;
  readonly tenant?: string;
  readonly dryRun: boolean;
  readonly yes: boolean;
}

export async function reprice(this: CliContext, flags: RepriceFlags): Promise<void> {
  const now = this.now();
  const [from, to] = [flags.since(now), flags.until?.(now) ?? now + 1];
  if (from >= to) throw usageFailure('The window ends before it begins.', '--since is earlier than --until');
  const { model, provider, deployment, tenant } = flags;
  const filters = given({ model, provider, deployment, tenant });
  const asked = { from: new Date(from).toISOString(), to: new Date(to).toISOString(), ...filters };
  const client = await connect(this, flags);
  const plan = await run(this, client, { ...asked, dryRun: true });
  if (!flags.json) this.terminal.print(drawReprice(this, plan));
  if (flags.dryRun || plan.calls === 0)
    return flags.json ? show(this, { json: true, report: plan, draw: () => '' }) : undefined;
  // Nobody to ask: the command itself is the word, as a job that runs at night means it.
  if (!flags.yes && (await confirm(this, 'Apply?')) === false)
    throw usageFailure('Nothing was re-priced.', 'add --yes to apply it, or --dry-run to look alone');
  const done = await run(this, client, { ...asked, dryRun: false });
  if (flags.json) return show(this, { json: true, report: done, draw: () => '' });
  this.terminal.note(`re-priced ${count(done.applied)} calls: each has a new row that names the old one`);
}

/** Part after part, so that no request holds the gate for long; what the parts say is summed here. */
async function run({ terminal }: CliContext, client: AdminClient, body: Asked): Promise<RepriceReport> {
  const report = emptyReport(body);
  let [after, before]: [string | null, string | undefined] = [null, undefined];
  do {
    const part = (await client.ask('POST', '/prices/reprice', {
      body: { ...body, ...(after !== null && { after }), ...(before && { before }) },
    })) as RepricePart;
    addPart(report, part);
    [after, before] = [part.next, part.before];
    if (after !== null) terminal.progress(`${count(report.seen)} calls priced again`);
  } while (after !== null);
  terminal.progress('');
  return report;
}

interface Asked {
  readonly from: string;
  readonly to: string;
  readonly dryRun: boolean;
}
