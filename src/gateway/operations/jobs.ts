import { z } from 'zod';
import { HeadgateError } from '#kernel/errors.ts';
import { timeOrderedId } from '#kernel/ids.ts';
import type { Whose } from '#kernel/whose.ts';
import type { Job, JobQueue } from '#ports/job-queue.ts';
import { route, type AdminRoute, type Asker } from '#capabilities/tenants/routes.ts';
import type { Gate } from '../gate.ts';
import { jobView } from './job-view.ts';

export interface JobParts {
  readonly gate: Gate;
  readonly jobs: JobQueue;
}

const tag = 'jobs';
const STATES = ['waiting', 'running', 'done', 'failed', 'cancelled'] as const;

/** Work that goes on beside calls: which, how it is, and another try of what was given up. */
export const jobRoutes = (parts: JobParts): AdminRoute[] => [
  route('GET /admin/jobs', {
    tag,
    summary: 'List jobs, newest first: batches and background responses that are asked for until they are settled',
    query: z.strictObject({
      state: z.enum(STATES).optional(),
      kind: z.string().max(64).optional(),
      tenant: z.string().max(128).optional(),
      limit: z.coerce.number().int().min(1).max(1_000).default(100),
      before: z.string().max(128).optional().describe('Id of the last job of the page before.'),
    }),
    run: async (_, { limit, state, kind, before }, { whose }) => {
      const jobs = await parts.jobs.list({
        whose,
        limit,
        ...(state !== undefined && { state }),
        ...(kind !== undefined && { kind }),
        ...(before !== undefined && { before }),
      });
      return { jobs: jobs.map(jobView) };
    },
  }),
  route('GET /admin/jobs/:job', {
    tag,
    summary: 'Show a job',
    run: async ({ job }, _, { whose }) => jobView(await theJob(parts, whose, job!)),
  }),
  route('POST /admin/jobs/:job/retry', {
    tag,
    summary: 'Have a job tried at once, with all its attempts; one that runs or is done is a 409',
    body: z.strictObject({}),
    run: async ({ job }, _, asker) => retry(parts, await theJob(parts, asker.whose, job!), asker),
  }),
];

async function theJob({ jobs }: JobParts, whose: Whose, id: string): Promise<Job> {
  const job = await jobs.get(whose, id);
  if (job) return job;
  throw new HeadgateError('not_found', { message: `There is no job \`${id.slice(0, 128)}\`.` });
}

async function retry(parts: JobParts, { id, tenant, kind, state }: Job, { actor, whose }: Asker): Promise<object> {
  const { gate, jobs } = parts;
  const at = gate.clock.now();
  const over = state === 'done' || state === 'running';
  if (over || !(await jobs.retry(whose, id, at)))
    throw new HeadgateError('conflict', { message: `The job \`${id}\` ${state === 'done' ? 'is done' : 'runs'}.` });
  gate.stored.jobs.wake();
  const detail = JSON.stringify({ kind, before: state });
  const audit = {
    id: timeOrderedId('aud_', at, gate.rng),
    at,
    actor,
    action: 'job.retry',
    subject: id,
    tenant,
    detail,
  };
  await gate.tenants.change([], audit);
  return jobView(await theJob(parts, whose, id));
}
