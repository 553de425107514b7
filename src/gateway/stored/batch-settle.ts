import type { CallId } from '#kernel/brand.ts';
import { addUsd, ZERO_USD, type NanoUsd } from '#kernel/money.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import { shipped } from '#ports/entry-text.ts';
import type { Provider } from '#providers/index.ts';
import { DIALECTS } from '../dialects.ts';
import type { Gate } from '../gate.ts';
import { hashOf, modelIndexOf, type BatchPlan, type PlanModel } from './batch-plan.ts';
import { resultsOf } from './batch-results.ts';
import type { BatchState } from './batch-state.ts';
import { succeeded } from './deliver.ts';
import { Turn } from './jsonl.ts';
import { lineEntry, type LineEnd, type LinePricing } from './line-entry.ts';
import { ask, type UpstreamAnswer } from './upstream.ts';

export interface Settling {
  readonly plan: BatchPlan;
  /** Null: nothing is asked of it any more. */
  readonly provider: Provider | null;
  readonly batch: string | null;
  readonly state: BatchState;
}

/** Entries that go to the store in one transaction: about 4 ms of this thread, and as much of the store's. */
const SHIP_AT_ONCE = 150;

/**
 * Writes one entry for every line of an ended batch, then turns its hold into their cost. Entries have the same ids each
 * time, and the store takes each once: whatever dies in between, the next run brings the same end (decision 0025).
 * False: the results could not be read now.
 */
export async function settleBatch(gate: Gate, settling: Settling): Promise<boolean> {
  const { plan, state } = settling;
  const counted = await countedBefore(gate, plan);
  const turn = new Turn(() => gate.clock.mono());
  const owed = await owedLines(await gate.stored.batches.linesOf(plan), turn);
  const writer = new EntryWriter(gate, plan, { counted, owed });
  const answers = await resultAnswers(gate, settling);
  if (answers === null) return false;
  for (const { body } of answers)
    for await (const { hash, end } of resultsOf(body, DIALECTS[plan.lines.dialect], plan.family)) {
      await writer.add(hash, end);
      await turn.pause();
    }
  for (const hash of writer.open()) {
    await writer.add(hash, state.rest);
    await turn.pause();
  }
  await writer.flush();
  await gate.stored.batches.settled(plan, writer.cost);
  return true;
}

/** Lines without an end yet, and the place of their model. */
async function owedLines(text: string, turn: Turn): Promise<Map<string, number>> {
  const owed = new Map<string, number>();
  for (let from = 0; from < text.length;) {
    const end = text.indexOf('\n', from);
    const line = text.slice(from, end < 0 ? text.length : end);
    owed.set(hashOf(line), modelIndexOf(line));
    from += line.length + 1;
    await turn.pause();
  }
  return owed;
}

/** Result bodies, open to read; null: one cannot be read now. One that is gone is left out: its lines are told as lost. */
async function resultAnswers(gate: Gate, { plan, provider, batch, state }: Settling): Promise<UpstreamAnswer[] | null> {
  if (!provider) return [];
  const answers: UpstreamAnswer[] = [];
  for (const path of resultPaths(provider, plan, batch, state)) {
    const answer = await ask(gate, { provider, family: plan.family, method: 'GET', path }).catch(() => null);
    if (answer && succeeded(answer)) answers.push(answer);
    else {
      answer?.body.destroy();
      if (answer?.status !== 404) {
        for (const { body } of answers) body.destroy();
        return null;
      }
    }
  }
  return answers;
}

function resultPaths({ data }: Provider, { family }: BatchPlan, batch: string | null, { files }: BatchState): string[] {
  if (family === 'openai')
    return files.map((id) => `${data.stored?.openai?.files ?? ''}/${encodeURIComponent(id)}/content`);
  return batch === null ? [] : [`${data.stored?.anthropic?.batches ?? ''}/${encodeURIComponent(batch)}/results`];
}

/** Ids of the batch's entries that the ledger had when this process counted its budgets. */
async function countedBefore(gate: Gate, plan: BatchPlan): Promise<ReadonlySet<CallId>> {
  const { batches, ledger } = gate.stored;
  const open = await batches.adopt(plan);
  const found = new Set<CallId>();
  if (open.own) return found;
  if (open.counted) return open.counted;
  const { at, tenant } = plan.admitted;
  const window = { from: at, to: (at + 1) as typeof at, whose: tenant, limit: 1_000 };
  for (let before: CallId | undefined; ;) {
    const page = await ledger.calls({ ...window, ...(before !== undefined && { before }) });
    for (const { id } of page) found.add(id);
    if (page.length < window.limit) return (open.counted = found);
    before = page.at(-1)!.id;
  }
}

/** Makes entries of results and ships them, a few hundred at once. */
class EntryWriter {
  readonly #gate: Gate;
  readonly #plan: BatchPlan;
  readonly #counted: ReadonlySet<CallId>;
  readonly #open: Map<string, number>;
  readonly #pricing: readonly LinePricing[];
  #waiting: LedgerEntry[] = [];
  #known: NanoUsd = ZERO_USD;
  #unknown = 0;

  constructor(
    gate: Gate,
    plan: BatchPlan,
    { counted, owed }: { readonly counted: ReadonlySet<CallId>; readonly owed: Map<string, number> },
  ) {
    const { lines, admitted } = plan;
    this.#gate = gate;
    this.#plan = plan;
    this.#counted = counted;
    this.#open = owed;
    const priced = (model: PlanModel): LinePricing => ({
      book: gate.prices,
      row: gate.stored.batches.price(lines, model, admitted.at),
    });
    this.#pricing = lines.models.map(priced);
  }

  /** Lines that no result has named. */
  open(): readonly string[] {
    return [...this.#open.keys()];
  }

  /** What the entries cost that the budgets do not count yet. */
  get cost() {
    return { knownNanoUsd: this.#known, unknownCalls: this.#unknown };
  }

  /** A result that names no line of the batch is not ours to bill; one line has one end. */
  async add(hash: string, end: LineEnd): Promise<void> {
    const at = this.#open.get(hash);
    if (at === undefined) return;
    this.#open.delete(hash);
    const entry = lineEntry(this.#plan, hash, this.#plan.lines.models[at]!, end, this.#pricing[at]!);
    this.#waiting.push(entry);
    if (!this.#counted.has(entry.id)) this.#count(entry);
    if (this.#waiting.length >= SHIP_AT_ONCE) await this.flush();
  }

  #count({ cost }: LedgerEntry): void {
    if (cost === null) this.#unknown++;
    else this.#known = addUsd(this.#known, cost.total);
  }

  async flush(): Promise<void> {
    const entries = this.#waiting;
    if (entries.length === 0) return;
    this.#waiting = [];
    await this.#gate.stored.ledger.ship(shipped(entries));
    const now = this.#gate.clock.now();
    for (const entry of entries) this.#gate.meter.settled(entry, now);
  }
}
