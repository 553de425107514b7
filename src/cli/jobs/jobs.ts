import { withSource, type StateView } from '../connect/source.ts';
import { show, type CliContext } from '../context.ts';
import { CliFailure, EXIT } from '../failure.ts';
import type { CommonFlags } from '../flags.ts';
import { change, day, listed, word } from '../state/change.ts';

export interface JobListFlags extends CommonFlags {
  readonly state?: 'waiting' | 'running' | 'done' | 'failed' | 'cancelled';
  readonly tenant?: string;
}

export function listJobs(this: CliContext, { state, tenant, ...flags }: JobListFlags): Promise<void> {
  return listed(this, flags, {
    kind: 'jobs',
    filter: { state, tenant },
    columns: [
      { title: 'id' },
      { title: 'kind' },
      { title: 'state' },
      { title: 'tenant', shrinkTo: 8 },
      { title: 'runs', align: 'right', leaves: 3 },
      { title: 'next or last', leaves: 1 },
      { title: 'error', shrinkTo: 12, leaves: 2 },
    ],
    row: (job) => [
      ...[job['id'], job['kind'], job['state'], job['tenant'], job['runs']].map(word),
      day(this, job['state'] === 'waiting' ? job['runAt'] : job['updatedAt']),
      job['error'] === null ? '' : word(job['error']),
    ],
    empty: 'There is no such job.',
    hint: 'jobs are made by batches and background responses',
  });
}

export function showJob(this: CliContext, flags: CommonFlags, id: string): Promise<void> {
  return withSource(this, flags, async (source) => {
    const job = (await source.list('jobs', { id })).find((one) => one['id'] === id);
    if (!job)
      throw new CliFailure({
        ...{ code: 'not_found', message: `There is no job ${id}.`, exit: EXIT.usage },
        hint: 'headgate jobs list',
      });
    const report = { report: 'job', job };
    show(this, { json: flags.json, report, draw: ({ job: found }) => drawJob(this, found) });
  });
}

const TIMES = ['runAt', 'createdAt', 'updatedAt', 'leasedUntil'] as const;

function drawJob(context: CliContext, job: StateView): string {
  const lines = (['id', 'kind', 'state', 'tenant', 'runs', 'attempts', 'error'] as const).map(
    (name) => `${name.padEnd(12)} ${word(job[name])}`,
  );
  const times = TIMES.map((name) => `${name.padEnd(12)} ${day(context, job[name])}`);
  const of = Object.entries((job['of'] ?? {}) as object).map(([name, value]) => `of ${name.padEnd(9)} ${word(value)}`);
  return [...lines, ...times, ...of].join('\n');
}

export function retryJob(this: CliContext, flags: CommonFlags, id: string): Promise<void> {
  return change(this, flags, {
    ...{ method: 'POST', path: `/jobs/${encodeURIComponent(id)}/retry`, body: {} },
    done: (job) => `${word(job['kind'])} job ${word(job['id'])} is tried now`,
    hint: `headgate jobs show ${id}`,
  });
}
