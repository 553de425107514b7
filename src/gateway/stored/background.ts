import { epochMs, type CallId, type EpochMs, type TenantId } from '#kernel/brand.ts';
import { tenantKey, type TenantKey } from '#kernel/whose.ts';
import type { Job, RunEnd } from '#ports/job-queue.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import { shipped } from '#ports/entry-text.ts';
import type { AttemptRecord } from '../call.ts';
import type { Gate } from '../gate.ts';
import { isOver, lateEntry } from './late-entry.ts';
import { succeeded } from './deliver.ts';
import { providerOf } from './holder.ts';
import { ask, collect } from './upstream.ts';

export const BACKGROUND_JOB = 'background';

/** A background response whose real usage is not in the ledger yet. */
interface Pending {
  readonly entry: CallId;
  readonly at: EpochMs;
  readonly tenant: TenantId;
  readonly response: string;
  readonly deployment: string;
}

type ResponseKey = TenantKey<'response'>;
/** A tenant's response, by the id that its provider gave it. */
type OwnResponse = Pick<Pending, 'tenant' | 'response'>;
const keyOf = ({ tenant, response }: OwnResponse): ResponseKey => tenantKey(tenant, 'response', response);

/** A response is kept by its provider for 30 days, and none runs longer than a day. */
const DAY_MS = 86_400_000;
/** Jobs that could not be written down while the store was away; a later one is not settled late. */
const MOST_UNWRITTEN = 10_000;

/**
 * Background responses: their entry is written with their answer, as an estimate of what was reserved. What they really
 * used comes with their result, fetched by the client or by the job, whichever is first, as a correction that has the
 * same id each time (decision 0026).
 */
export class BackgroundBook {
  readonly #gate: () => Gate;
  /** The job's id, or '' while it is not written. A tenant's: two providers may give one id to two. */
  readonly #pending = new Map<ResponseKey, string>();
  readonly #unwritten: Pending[] = [];

  constructor(gate: () => Gate) {
    this.#gate = gate;
  }

  /** The entry of a background call was written. Where it has the provider's last word already, nothing is left. */
  settled(entry: LedgerEntry, record: AttemptRecord): void {
    if (entry.usageSource !== 'estimated' || record.responseId === null) return;
    const { id, at, tenant } = entry;
    void this.#write({ entry: id, at, tenant, response: record.responseId, deployment: record.deploymentName });
  }

  async #write(pending: Pending): Promise<void> {
    const { stored, clock, config, log } = this.#gate();
    this.#pending.set(keyOf(pending), '');
    try {
      const { job } = await stored.jobs.enqueue({
        kind: BACKGROUND_JOB,
        dedupe: keyOf(pending),
        tenant: pending.tenant,
        payload: JSON.stringify(pending),
        runAt: epochMs(clock.now() + config.file.jobs.poll),
      });
      this.#pending.set(keyOf(pending), job.id);
    } catch (error) {
      log.warn({ err: error }, 'the job of a background response waits for the store');
      if (this.#unwritten.length < MOST_UNWRITTEN) this.#unwritten.push(pending);
    }
  }

  /** Writes down what a store that was away has missed. */
  async flush(): Promise<void> {
    for (const pending of this.#unwritten.splice(0)) await this.#write(pending);
  }

  /** At a start: whose result a client's own fetch would settle. */
  async adoptAll(): Promise<void> {
    for (const { id, payload } of await this.#gate().stored.jobs.open(BACKGROUND_JOB))
      this.#pending.set(keyOf(JSON.parse(payload) as Pending), id);
  }

  isPending(of: OwnResponse): boolean {
    return this.#pending.has(keyOf(of));
  }

  /** The client fetched it: where it is over, that settles it. A failure is the job's to make good. */
  async seen(of: OwnResponse, body: Buffer): Promise<void> {
    const { stored, clock } = this.#gate();
    const value = parsed(body);
    const job = this.#pending.get(keyOf(of));
    if (!job || !isOver(value)) return;
    const kept = await stored.jobs.get(of.tenant, job).catch(() => null);
    if (!kept) return;
    await this.#settle(JSON.parse(kept.payload) as Pending, value).catch(() => undefined);
    await stored.jobs.moveTo(of.tenant, job, clock.now()).catch(() => undefined);
  }

  /** It is about to be deleted: what it used is fetched first, if it is over. */
  async beforeItGoes(of: OwnResponse): Promise<void> {
    const job = this.#pending.get(keyOf(of));
    const kept = job ? await this.#gate().stored.jobs.get(of.tenant, job) : null;
    if (!kept) return;
    const pending = JSON.parse(kept.payload) as Pending;
    const value = await this.#fetch(pending);
    if (typeof value === 'object' && isOver(value)) await this.#settle(pending, value);
  }

  async run(job: Job): Promise<RunEnd> {
    const { config, clock } = this.#gate();
    const pending = JSON.parse(job.payload) as Pending;
    const value = await this.#fetch(pending);
    if (value === 'gone') return this.#over(pending);
    if (value !== 'away' && isOver(value)) {
      await this.#settle(pending, value);
      return this.#over(pending);
    }
    const { poll, giveUpAfter } = config.file.jobs;
    if (clock.now() < pending.at + DAY_MS + giveUpAfter) return { state: 'again', runAt: epochMs(clock.now() + poll) };
    this.#pending.delete(keyOf(pending));
    return { state: 'failed', error: 'Given up: the response does not end. Its entry stays an estimate.' };
  }

  #over(pending: Pending): RunEnd {
    this.#pending.delete(keyOf(pending));
    return { state: 'done' };
  }

  async #fetch({ response, deployment }: Pending): Promise<Record<string, unknown> | 'away' | 'gone'> {
    const gate = this.#gate();
    const provider = gate.config.accounts.get(providerOf(deployment));
    const base = provider?.data.stored?.openai?.responses;
    if (!provider || !base) return 'away';
    try {
      const path = `${base}/${encodeURIComponent(response)}`;
      const answer = await ask(gate, { provider, family: 'openai', method: 'GET', path });
      const body = await collect(answer, gate.config.file.limits.answerBytes);
      if (succeeded(answer)) return parsed(body) ?? 'away';
      return answer.status === 404 ? 'gone' : 'away';
    } catch {
      return 'away';
    }
  }

  /** Throws where the entry is not in the store yet, or the store is away: the job tries again. */
  async #settle({ entry: id, tenant }: Pending, value: unknown): Promise<void> {
    const { stored, tenants, config, prices } = this.#gate();
    const entry = await stored.ledger.call(id, tenant);
    if (!entry) throw new Error('the entry of the call is not in the store yet');
    const late = lateEntry(entry, value, (attempt) => {
      const book = config.accounts.get(attempt.provider)?.data.priceBook ?? null;
      const model = attempt.deployment.slice(attempt.provider.length + 1);
      const row = prices.row({ provider: attempt.provider, book, model, at: entry.at });
      return { row, cost: (usage) => row && prices.cost(row, usage) };
    });
    if (!late) return;
    const { inserted } = await stored.ledger.ship(shipped([late]));
    if (inserted === 1) await tenants.corrected(entry, late);
  }
}

function parsed(body: Buffer): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
