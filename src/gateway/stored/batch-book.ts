import { epochMs, type CallId, type KeyId, type TenantId } from '#kernel/brand.ts';
import { HeadgateError } from '#kernel/errors.ts';
import { invariant } from '#kernel/invariant.ts';
import { timeOrderedId } from '#kernel/ids.ts';
import { nanoUsd, sumUsd, ZERO_USD, type NanoUsd } from '#kernel/money.ts';
import { tenantKey } from '#kernel/whose.ts';
import type { Attribution, HeldWork, WorkAsked, WorkCost } from '#capabilities/tenants/index.ts';
import type { Job } from '#ports/job-queue.ts';
import type { PriceRow } from '#ledger/prices/index.ts';
import type { Gate } from '../gate.ts';
import { costsOf, type AdmittedBatch, type BatchLines, type BatchPlan, type PlanModel } from './batch-plan.ts';
import type { StoredExchange } from './exchange.ts';

export const BATCH_JOB = 'batch';

/** Where a creation's answer was lost, it is looked for so long after. */
const LOOK_AFTER_MS = 60_000;
/** A client that deletes what is not settled waits so long for its settlement. */
const SETTLE_WAIT_MS = 10_000;

/** A batch whose calls owe their entries. */
export interface OpenBatch {
  readonly held: HeldWork;
  /** Admitted by this process: nothing of it was in the ledger when its budgets were counted. */
  readonly own: boolean;
  /** Entries of it that were in the ledger then; absent: not read yet, or none. */
  counted?: ReadonlySet<CallId>;
}

/** What is known of a batch beside its plan; in the plan's row. */
export interface PlanState {
  readonly batch: string | null;
  readonly job: string;
}

/** An admitted batch on its way to the provider. */
export interface AdmittedPlan {
  readonly plan: BatchPlan;
  readonly job: string;
}

/**
 * Batches from admission to settlement. Money first, then the plan and its job, both durable, then the provider: a
 * process that dies leaves a job that knows what is owed (decision 0025).
 */
export class BatchBook {
  readonly #gate: () => Gate;
  readonly #open = new Map<string, OpenBatch>();
  readonly #unwritten: (() => Promise<void>)[] = [];
  /** Plans whose creation is on its way to the provider: a large one takes minutes. */
  readonly #creating = new Set<string>();

  constructor(gate: () => Gate) {
    this.#gate = gate;
  }

  /** Holds the batch's money or throws the refusal (402), and writes down what it owes. */
  async admit(
    exchange: StoredExchange,
    lines: BatchLines,
    attribution: Attribution,
    inputFileId: string | null,
  ): Promise<AdmittedPlan> {
    const gate = this.#gate();
    const at = gate.clock.now();
    const id = timeOrderedId('plan_', at, gate.rng);
    const { family } = exchange.route;
    const admitted = admittedOf(exchange, attribution, at);
    const money = this.#money(lines, at);
    const text = (amount: NanoUsd | null): string | null => (amount === null ? null : amount.toString());
    const amounts = { expected: text(money.expected), worst: text(money.worst) };
    const plan: BatchPlan = { id, family, admitted, lines, ...amounts, inputFileId };
    const held = await gate.tenants.holdWork(askedOf(plan, money.unpricedTool));
    if (!held.ok) throw held.error;
    this.#open.set(id, { held: held.value, own: true });
    this.#creating.add(id);
    try {
      return { plan, job: await this.#write(plan) };
    } catch (error) {
      await this.#release(plan);
      throw error;
    }
  }

  async #write(plan: BatchPlan): Promise<string> {
    const gate = this.#gate();
    const { things, jobs } = gate.stored;
    const { tenant, at } = plan.admitted;
    await this.#putPlan(plan, { batch: null, job: '' });
    const { job } = await jobs.enqueue({
      kind: BATCH_JOB,
      dedupe: tenantKey(tenant, 'batch', plan.id),
      tenant,
      payload: JSON.stringify({ plan: plan.id, provider: plan.lines.provider, expiresAt: null }),
      runAt: epochMs(at + LOOK_AFTER_MS),
    });
    await things.show(
      plan.admitted.tenant,
      'plan',
      plan.id,
      JSON.stringify({ batch: null, job: job.id } satisfies PlanState),
    );
    return job.id;
  }

  /** The lines are a row of their own: a poll reads the plan, and a settlement alone needs all that it owes. */
  async #putPlan(plan: BatchPlan, state: PlanState): Promise<void> {
    const { things } = this.#gate().stored;
    const { tenant, key, at } = plan.admitted;
    const deployment = `${plan.lines.provider}/-`;
    const of = { kind: 'plan', tenant, key, deployment, family: plan.family, at } as const;
    const small: BatchPlan = { ...plan, lines: { ...plan.lines, lines: '' } };
    await things.put({ ...of, id: linesId(plan), shown: '{}', facts: plan.lines.lines });
    await things.put({ ...of, id: plan.id, shown: JSON.stringify(state), facts: JSON.stringify(small) });
  }

  /** What the batch owes, by line. */
  async linesOf(plan: BatchPlan): Promise<string> {
    return (await this.#gate().stored.things.get(plan.admitted.tenant, 'plan', linesId(plan)))?.facts ?? '';
  }

  /** Everything of it is in the ledger: nothing is owed any more. */
  async forget(plan: BatchPlan): Promise<void> {
    const { things } = this.#gate().stored;
    // The plan goes first: without it a job has nothing to do, and lines alone owe nothing.
    await things.remove(plan.admitted.tenant, 'plan', plan.id);
    await things.remove(plan.admitted.tenant, 'plan', linesId(plan));
  }

  /**
   * The provider made the batch: from here on its job asks for it. While the store is away that is written later, since
   * a client that is told of a failure would make the batch again.
   */
  async made(admitted: AdmittedPlan, batch: string, shown: string): Promise<void> {
    const { tenants, log } = this.#gate();
    const { plan } = admitted;
    this.#creating.delete(plan.id);
    tenants.rememberKeptIds(ownerOf(plan), [{ kind: 'batch', id: batch }], `${plan.lines.provider}/-`);
    try {
      await this.#writeMade(admitted, batch, shown);
    } catch (error) {
      log.warn({ err: error, plan: plan.id }, 'a batch that was made waits for the store');
      this.#unwritten.push(() => this.#writeMade(admitted, batch, shown));
    }
  }

  /** Writes down what a store that was away has missed. */
  async flush(): Promise<void> {
    while (this.#unwritten.length > 0) {
      await this.#unwritten[0]!();
      this.#unwritten.shift();
    }
  }

  async #writeMade({ plan, job }: AdmittedPlan, batch: string, shown: string): Promise<void> {
    const gate = this.#gate();
    const { things, jobs } = gate.stored;
    const { tenant, key, at } = plan.admitted;
    const deployment = `${plan.lines.provider}/-`;
    await things.show(plan.admitted.tenant, 'plan', plan.id, JSON.stringify({ batch, job } satisfies PlanState));
    const facts = JSON.stringify({ plan: plan.id, job });
    await things.put({ kind: 'batch', id: batch, tenant, key, deployment, family: plan.family, at, shown, facts });
    await jobs.moveTo(tenant, job, epochMs(gate.clock.now() + gate.config.file.jobs.poll));
  }

  /** The provider did not make it: nothing is owed. */
  async refused({ plan, job }: AdmittedPlan): Promise<void> {
    await this.#release(plan);
    await this.#gate().stored.jobs.cancel(plan.admitted.tenant, job);
    await this.forget(plan);
  }

  /** No answer came: whether there is a batch is for its job to find out. */
  async unanswered({ plan, job }: AdmittedPlan): Promise<void> {
    const { clock, config, stored } = this.#gate();
    this.#creating.delete(plan.id);
    await stored.jobs
      .moveTo(plan.admitted.tenant, job, epochMs(clock.now() + config.file.jobs.poll))
      .catch(() => undefined);
  }

  isCreating({ id }: BatchPlan): boolean {
    return this.#creating.has(id);
  }

  async #release(plan: BatchPlan): Promise<void> {
    this.#creating.delete(plan.id);
    await this.settled(plan, { knownNanoUsd: ZERO_USD, unknownCalls: 0 });
  }

  /** Turns the batch's hold into what it came to. A second time does nothing. */
  async settled(plan: BatchPlan, cost: WorkCost): Promise<void> {
    const open = this.#open.get(plan.id);
    this.#open.delete(plan.id);
    if (open) await this.#gate().tenants.settleWork(open.held, cost);
  }

  /** Holds the money of a batch that an earlier process admitted; what it is worth now is what was held then. */
  async adopt(plan: BatchPlan): Promise<OpenBatch> {
    const known = this.#open.get(plan.id);
    if (known) return known;
    const held = await this.#gate().tenants.holdWork(askedOf(plan, null), true);
    if (!held.ok) throw held.error;
    const open: OpenBatch = { held: held.value, own: false };
    this.#open.set(plan.id, open);
    return open;
  }

  /** At a start: every batch that is not settled holds its money again, before the first call asks for some. */
  async adoptAll(): Promise<void> {
    const { things, jobs } = this.#gate().stored;
    for (const job of await jobs.open(BATCH_JOB)) {
      const { plan } = JSON.parse(job.payload) as { plan: string };
      const facts = (await things.get(tenantOfJob(job), 'plan', plan))?.facts;
      if (facts) await this.adopt(JSON.parse(facts) as BatchPlan);
    }
  }

  /** Batch price of a plan's model at the time of its admission; null: nobody knows it. */
  price(lines: BatchLines, model: PlanModel, at: AdmittedBatch['at']): PriceRow | null {
    const { config, prices } = this.#gate();
    const data = config.providers.get(lines.provider)?.data;
    const row = prices.row({ provider: lines.provider, book: data?.priceBook ?? null, model: model.sent, at });
    return row && prices.batchRow(row, data?.batchDiscountPercent ?? null);
  }

  #money(lines: BatchLines, at: AdmittedBatch['at']) {
    const { prices } = this.#gate();
    const costs: ReturnType<typeof costsOf>[] = [];
    let unpricedTool: string | null = null;
    for (const model of lines.models) {
      const row = this.price(lines, model, at);
      unpricedTool ??= model.tools.find((tool) => row === null || !prices.pricesTool(row, tool)) ?? null;
      if (row) costs.push(costsOf(model, row.quote));
    }
    // A sum with a hole is not a sum.
    if (costs.length < lines.models.length) return { expected: null, worst: null, unpricedTool };
    const [expected, worst] = [sumUsd(costs.map((cost) => cost.expected)), sumUsd(costs.map((cost) => cost.worst))];
    return { expected, worst, unpricedTool };
  }

  /** A result file of a batch that is not settled must not be lost: it is settled first, or the delete is refused. */
  async beforeFileGoes(tenant: TenantId, id: string): Promise<void> {
    const facts = (await this.#gate().stored.things.get(tenant, 'file', id))?.facts;
    const job = facts ? (JSON.parse(facts) as { job?: string }).job : undefined;
    if (job !== undefined) await this.#settledFirst(tenant, job);
  }

  /** The same of a batch. */
  async beforeBatchGoes(tenant: TenantId, id: string): Promise<void> {
    const facts = (await this.#gate().stored.things.get(tenant, 'batch', id))?.facts;
    if (facts) await this.#settledFirst(tenant, (JSON.parse(facts) as { job: string }).job);
  }

  async #settledFirst(tenant: TenantId, job: string): Promise<void> {
    if (await this.#gate().stored.jobs.ended(tenant, job, SETTLE_WAIT_MS)) return;
    throw new HeadgateError('conflict', {
      field: 'id',
      message: 'The batch is not settled yet, and its results are needed for that. Try again soon.',
    });
  }
}

const linesId = ({ id }: BatchPlan): string => `${id}.lines`;

/** Whose batch a job is about. */
export function tenantOfJob({ id, tenant }: Pick<Job, 'id' | 'tenant'>): TenantId {
  invariant(tenant !== null, `the job ${id} of a batch has a tenant`);
  return tenant;
}

export const ownerOf = ({ admitted: { tenant, key } }: BatchPlan) => ({
  tenant: { id: tenant as TenantId },
  key: { id: key as KeyId },
});

function askedOf({ admitted, lines, expected, worst }: BatchPlan, unpricedTool: string | null): WorkAsked {
  const { tenant, team, feature, key, endUser, at } = admitted;
  const amount = (text: string | null): NanoUsd | null => (text === null ? null : nanoUsd(BigInt(text)));
  return {
    payer: { tenant, team, feature, key, endUser },
    at,
    model: lines.models[0]!.model,
    calls: lines.count,
    expectedNanoUsd: amount(expected),
    worstNanoUsd: amount(worst),
    unpricedTool,
  };
}

function admittedOf(
  { caller, config }: StoredExchange,
  attribution: Attribution,
  at: AdmittedBatch['at'],
): AdmittedBatch {
  const { feature, endUser, session, agent, parentAgent, labels, traceId, client, clientVersion, purpose, asOther } =
    attribution;
  return {
    at,
    environment: config.file.environment,
    tenant: caller.tenant.id,
    team: caller.key.team,
    key: caller.key.id,
    ...{ feature, endUser, session, agent, parentAgent, labels, traceId, client, clientVersion, purpose, asOther },
    configHash: config.hash,
  };
}
