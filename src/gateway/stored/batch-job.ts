import { epochMs, type EpochMs } from '#kernel/brand.ts';
import type { Job, RunEnd } from '#ports/job-queue.ts';
import type { Provider } from '#providers/index.ts';
import type { Gate } from '../gate.ts';
import type { JobHandler } from '../jobs/runner.ts';
import type { BatchPlan } from './batch-plan.ts';
import { tenantOfJob, type PlanState } from './batch-book.ts';
import { noteResultFiles } from './batch-files.ts';
import { settleBatch } from './batch-settle.ts';
import { batchState, type BatchState } from './batch-state.ts';
import { succeeded } from './deliver.ts';
import { OBJECT_BYTES } from './files.ts';
import { basePath } from './holder.ts';
import { ask, collect } from './upstream.ts';

interface Payload {
  readonly plan: string;
  readonly provider: string;
  /** As the provider said it last. */
  readonly expiresAt: EpochMs | null;
}

/** Both APIs end a batch within a day. */
const DAY_MS = 86_400_000;
/** A list may show a batch late; after so long one that is not there was never made. */
const LOOK_FOR_MS = 600_000;
/** Looked for among the account's newest. */
const NEWEST = 100;

/** Asks for a batch until it has ended, then settles every one of its calls. */
export const batchHandler = (gate: () => Gate): JobHandler => ({ run: (job) => runBatch(gate(), job) });

interface Run {
  readonly gate: Gate;
  readonly plan: BatchPlan;
  readonly provider: Provider;
  readonly base: string;
  readonly payload: Payload;
  readonly job: Job;
}

async function runBatch(gate: Gate, job: Job): Promise<RunEnd> {
  const payload = JSON.parse(job.payload) as Payload;
  await gate.stored.batches.flush();
  const thing = await gate.stored.things.get(tenantOfJob(job), 'plan', payload.plan);
  // Settled, and the end of the job was not written.
  if (!thing?.facts) return { state: 'done' };
  const plan = JSON.parse(thing.facts) as BatchPlan;
  const { batch } = JSON.parse(thing.shown) as PlanState;
  await gate.stored.batches.adopt(plan);
  const provider = gate.config.providers.get(plan.lines.provider);
  const base = provider && basePath(provider, { route: routeOf(plan) });
  if (!provider || !base) return later(gate, plan, payload, 'its provider is not configured');
  const run = { gate, plan, provider, base, payload, job };
  return batch === null ? lookFor(run) : poll(run, batch);
}

const routeOf = ({ family }: BatchPlan) => ({ kind: 'batch', action: 'get', family, id: '' }) as const;

async function poll(run: Run, batch: string): Promise<RunEnd> {
  const { gate, plan, payload } = run;
  const shown = await fetchObject(run, `/${encodeURIComponent(batch)}`);
  if (shown === 'away') return later(gate, plan, payload, 'its provider is away');
  if (shown === 'gone') return give(run, { is: 'lost', code: 'batch_gone' }, 'the provider no longer knows the batch');
  await gate.stored.things.show(plan.admitted.tenant, 'batch', batch, shown);
  const state = batchState(JSON.parse(shown) as unknown, plan.family);
  if (!state.ended) return later(gate, plan, { ...payload, expiresAt: state.expiresAt }, 'it has not ended');
  return settle(run, batch, state);
}

async function settle(run: Run, batch: string, state: BatchState): Promise<RunEnd> {
  const { gate, plan, provider, job } = run;
  await noteResultFiles(gate, { plan, provider, job: job.id }, state);
  const done = await settleBatch(gate, { plan, provider, batch, state });
  if (!done) return later(gate, plan, run.payload, 'its results cannot be read');
  await gate.stored.batches.forget(plan);
  return { state: 'done' };
}

/** Text of a JSON object of the provider's; `gone`: it says that there is none. */
async function fetchObject({ gate, plan, provider, base }: Run, path: string): Promise<string | 'away' | 'gone'> {
  try {
    const answer = await ask(gate, { provider, family: plan.family, method: 'GET', path: base + path });
    const body = await collect(answer, OBJECT_BYTES);
    if (succeeded(answer)) return isObject(body) ? body.toString('utf8') : 'away';
    return answer.status === 404 ? 'gone' : 'away';
  } catch {
    return 'away';
  }
}

function isObject(body: Buffer): boolean {
  try {
    return typeof JSON.parse(body.toString('utf8')) === 'object';
  } catch {
    return false;
  }
}

/** Asks again soon, until the provider's own time and the operator's patience are over. */
async function later(gate: Gate, plan: BatchPlan, payload: Payload, why: string): Promise<RunEnd> {
  const { poll: pollMs, giveUpAfter } = gate.config.file.jobs;
  const now = gate.clock.now();
  const expiresAt = payload.expiresAt ?? plan.admitted.at + DAY_MS;
  if (now < expiresAt + giveUpAfter)
    return { state: 'again', runAt: epochMs(now + pollMs), payload: JSON.stringify(payload) };
  await lose(gate, plan, 'batch_never_ended');
  return { state: 'failed', error: `Given up after the batch’s stated end: ${why}. Its cost is unknown.` };
}

/** What was paid for these calls, nobody can say: their entries say so. */
async function lose(gate: Gate, plan: BatchPlan, code: string): Promise<void> {
  const state = { id: null, ended: true, expiresAt: null, files: [], rest: { is: 'lost', code } } as const;
  await settleBatch(gate, { plan, provider: null, batch: null, state });
  await gate.stored.batches.forget(plan);
}

async function give(
  { gate, plan }: Run,
  { code }: { readonly is: 'lost'; readonly code: string },
  why: string,
): Promise<RunEnd> {
  await lose(gate, plan, code);
  return { state: 'failed', error: `Given up: ${why}. Its cost is unknown.` };
}

/**
 * The process died, or the connection broke, before the provider's answer to the creation was written down. OpenAI's
 * batch names its input file; Anthropic's names nothing of ours.
 */
async function lookFor(run: Run): Promise<RunEnd> {
  const { gate, plan, payload, job } = run;
  if (gate.stored.batches.isCreating(plan)) return later(gate, plan, payload, 'its creation is on its way');
  if (plan.inputFileId === null)
    return give(run, { is: 'lost', code: 'creation_unknown' }, 'whether the batch was made is not known');
  const shown = await fetchObject(run, `?limit=${NEWEST}`);
  if (shown === 'away' || shown === 'gone') return later(gate, plan, payload, 'its provider is away');
  const { data = [] } = JSON.parse(shown) as { data?: { id: string; input_file_id?: string; created_at?: number }[] };
  const since = Math.floor(plan.admitted.at / 1000) - 60;
  for (const found of data) {
    if (found.input_file_id !== plan.inputFileId || (found.created_at ?? 0) < since) continue;
    if (await gate.stored.things.get(plan.admitted.tenant, 'batch', found.id)) continue;
    await gate.stored.batches.made({ plan, job: job.id }, found.id, JSON.stringify(found));
    return { state: 'again', runAt: gate.clock.now() };
  }
  if (gate.clock.now() < plan.admitted.at + LOOK_FOR_MS) return later(gate, plan, payload, 'it is looked for');
  await gate.stored.batches.settled(plan, { knownNanoUsd: 0n as never, unknownCalls: 0 });
  await gate.stored.batches.forget(plan);
  return { state: 'done' };
}
