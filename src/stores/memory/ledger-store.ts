import { epochMs } from '#kernel/brand.ts';
import { timeOfId } from '#kernel/ids.ts';
import { concerns, type EveryTenant, type Whose } from '#kernel/whose.ts';
import {
  ChargeGroups,
  chargeMatches,
  chargesOf,
  LATE_GRAIN_MS,
  type Charge,
  type ChargesAnswer,
  type ChargesQuestion,
  type ClosedMonth,
} from '#ports/charges.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import { entryOf, type ShippedEntry } from '#ports/entry-text.ts';
import type { FeedEvent, FeedState, LedgerStore, SpendQuestion, SpendRow } from '#ports/ledger-store.ts';
import { addEntry, floorTo, matches, matchesCall, mostGroups, SpendGroups, valueIn } from '#ports/rollups.ts';
import {
  addStreamSums,
  endingOf,
  streamMatches,
  StreamGroups,
  streamValue,
  sumsOfStream,
  type StreamsAnswer,
  type StreamsQuestion,
} from '#ports/stream-sums.ts';
import { heldEdge } from '#ports/window-tiles.ts';

/**
 * The ledger in memory: no rollups, each question is counted from entries. Slow and plainly right: what the other
 * implementations are judged by, and a store for tests.
 */
export const memoryLedger = (): LedgerStore => new MemoryLedger();

/** A charge that came, or was taken back, after its books were closed. */
interface Late extends Charge {
  readonly came: number;
  readonly at: number;
  readonly sign: 1 | -1;
}

class MemoryLedger implements LedgerStore {
  readonly #entries = new Map<string, LedgerEntry>();
  /** Ids that no longer count, or never did. */
  readonly #uncounted = new Set<string>();
  /** What retention deleted, as far as hours and minutes know it. */
  #forgotten: LedgerEntry[] = [];
  #held = { entriesFrom: 0, minutesFrom: 0 };
  #closedUntil = 0;
  readonly #late: Late[] = [];
  readonly #closedMonths = new Map<string, ClosedMonth>();
  readonly #feeds = new Map<string, { seq: number; lost: number }>();
  #events: { readonly seq: number; readonly sign: 1 | -1; readonly id: string }[] = [];
  #lastSeq = 0;

  async ship(batch: Iterable<ShippedEntry>): Promise<{ inserted: number }> {
    const inserted: LedgerEntry[] = [];
    for (const one of batch) {
      if (this.#entries.has(one.head.id)) continue;
      const entry = entryOf(one);
      this.#insert(entry);
      inserted.push(entry);
    }
    const came = Math.max(this.#closedUntil, ...inserted.map(({ id }) => timeOfId(id) ?? 0));
    for (const entry of inserted) if (!this.#uncounted.has(entry.id)) this.#noteLate(entry, came, 1);
    for (const entry of this.#entries.values()) {
      if (!this.#isReplaced(entry) || this.#uncounted.has(entry.id)) continue;
      this.#uncount(entry.id);
      this.#noteLate(entry, came, -1);
    }
    return { inserted: inserted.length };
  }

  #noteLate(entry: LedgerEntry, came: number, sign: 1 | -1): void {
    if (entry.at >= this.#closedUntil) return;
    for (const charge of chargesOf(entry))
      this.#late.push({ ...charge, sign, came: floorTo(came, 'minute'), at: entry.at - (entry.at % LATE_GRAIN_MS) });
  }

  #insert(entry: LedgerEntry): void {
    this.#entries.set(entry.id, entry);
    this.#tell(entry.id, 1);
    const original = entry.corrects;
    if (original === null || this.#entries.has(original)) return;
    if ((timeOfId(original) ?? Infinity) < this.#held.entriesFrom) this.#uncount(entry.id);
  }

  #uncount(id: string): void {
    if (this.#uncounted.has(id)) return;
    this.#uncounted.add(id);
    this.#tell(id, -1);
  }

  #tell(id: string, sign: 1 | -1): void {
    if (this.#feeds.size > 0) this.#events.push({ seq: ++this.#lastSeq, sign, id });
  }

  async follow(names: readonly string[]): Promise<void> {
    for (const name of this.#feeds.keys()) if (!names.includes(name)) this.#feeds.delete(name);
    for (const name of names) if (!this.#feeds.has(name)) this.#feeds.set(name, { seq: this.#lastSeq, lost: 0 });
    this.#forgetRead();
  }

  async feed({ name, limit }: { name: string; limit: number }): Promise<readonly FeedEvent[]> {
    const from = this.#feeds.get(name)?.seq ?? Infinity;
    const found = this.#events.filter(({ seq }) => seq > from).slice(0, limit);
    return structuredClone(found.map(({ seq, sign, id }) => ({ seq, sign, entry: this.#entries.get(id)! })));
  }

  async acknowledge(name: string, seq: number): Promise<void> {
    const feed = this.#feeds.get(name);
    if (feed) feed.seq = Math.max(feed.seq, seq);
    this.#forgetRead();
  }

  #forgetRead(): void {
    const read = Math.min(...[...this.#feeds.values()].map(({ seq }) => seq));
    this.#events = this.#events.filter(({ seq }) => seq > read);
  }

  async feeds(): Promise<readonly FeedState[]> {
    return [...this.#feeds].toSorted().map(([name, { seq, lost }]) => {
      const waiting = this.#events.filter((event) => event.seq > seq);
      const oldest = waiting[0] && timeOfId(waiting[0].id as never);
      return { name, seq, lost, behind: waiting.length, oldestAt: oldest == null ? null : epochMs(oldest) };
    });
  }

  #isReplaced(entry: LedgerEntry): boolean {
    for (const { id, corrects } of this.#entries.values()) {
      if (corrects === entry.id) return true;
      if (corrects !== null && corrects === entry.corrects && id > entry.id) return true;
    }
    return false;
  }

  async call(id: string, whose: Whose): Promise<LedgerEntry | null> {
    const entry = this.#entries.get(id);
    return entry && concerns(whose, entry.tenant) ? structuredClone(entry) : null;
  }

  async calls(question: Parameters<LedgerStore['calls']>[0]): Promise<readonly LedgerEntry[]> {
    const { from, to, before, after, limit, counted } = question;
    const sign = after === undefined ? -1 : 1;
    const found = [...this.#entries.values()]
      .filter((entry) => entry.at >= from && entry.at < to && matchesCall(entry, question))
      .filter(({ id }) => !counted || !this.#uncounted.has(id))
      .filter(({ id }) => (before === undefined || id < before) && (after === undefined || id > after));
    found.sort((a, b) => (a.id < b.id ? -sign : sign));
    return structuredClone(found.slice(0, limit));
  }

  async spend(question: SpendQuestion): Promise<readonly SpendRow[]> {
    const groups = new SpendGroups(mostGroups(question));
    const [from, to] = [heldEdge(question.from, this.#held), heldEdge(question.to, this.#held)];
    const { among } = question;
    for (const entry of this.#counted(question)) {
      if (entry.at < from || entry.at >= to || !matches(entry, question)) continue;
      if (among && !among.values.includes(valueIn(entry, among.dimension)!)) continue;
      const bucket = question.bucket ? [String(floorTo(entry.at, question.bucket))] : [];
      addEntry(groups.of([...bucket, ...question.by.map((dimension) => valueIn(entry, dimension))]), entry);
    }
    return groups.rows(question.bucket !== undefined);
  }

  async streams(question: StreamsQuestion): Promise<StreamsAnswer> {
    const groups = new StreamGroups();
    // No minutes of streams are kept: what lies before the entries is known by the hour.
    const held = { ...this.#held, minutesFrom: Infinity };
    const [from, to] = [heldEdge(question.from, held), heldEdge(question.to, held)];
    for (const entry of [...this.#forgotten, ...this.#entries.values()]) {
      if (!entry.stream || this.#uncounted.has(entry.id)) continue;
      if (entry.at < from || entry.at >= to || !streamMatches(entry, question)) continue;
      const by = question.by.map((dimension) => streamValue(entry, dimension));
      addStreamSums(groups.of({ by, ending: endingOf(entry), resumed: entry.resumes > 0 }), sumsOfStream(entry));
    }
    return { from: epochMs(from), rows: groups.rows() };
  }

  async charges(question: ChargesQuestion): Promise<ChargesAnswer> {
    const { basis = 'now', bucket } = question;
    const groups = new ChargeGroups();
    const held = { ...this.#held, minutesFrom: Infinity };
    const isLate = basis === 'late';
    const [from, to] = [question.from, question.to].map((edge) => (isLate ? edge : heldEdge(edge, held))) as [
      number,
      number,
    ];
    const add = (charge: Charge, at: number, sign: 1 | -1): void => {
      if (at < from || at >= to || !chargeMatches(charge.facts, question)) return;
      groups.add(question, { ...charge, at: bucket ? floorTo(at, bucket) : null }, sign);
    };
    if (!isLate)
      for (const entry of [...this.#forgotten, ...this.#entries.values()])
        if (!this.#uncounted.has(entry.id)) for (const charge of chargesOf(entry)) add(charge, entry.at, 1);
    if (isLate) for (const late of this.#late) add(late, late.came, late.sign);
    if (basis === 'closed') for (const late of this.#late) add(late, late.at, late.sign === 1 ? -1 : 1);
    return { from: epochMs(from), rows: groups.rows() };
  }

  async closeBooks(_: EveryTenant, until: number): Promise<void> {
    this.#closedUntil = Math.max(this.#closedUntil, until);
  }

  async keepMonth(_: EveryTenant, month: ClosedMonth): Promise<ClosedMonth> {
    if (!this.#closedMonths.has(month.month)) this.#closedMonths.set(month.month, month);
    return this.#closedMonths.get(month.month)!;
  }

  async closedMonths(): Promise<readonly ClosedMonth[]> {
    return [...this.#closedMonths.values()].sort((a, b) => (a.month < b.month ? 1 : -1));
  }

  /** Rollups know one label of an entry, and neither its session nor its end user. */
  #counted(question: SpendQuestion): readonly LedgerEntry[] {
    const counted = [...this.#entries.values()].filter(({ id }) => !this.#uncounted.has(id));
    const labels = question.by.filter((dimension) => dimension.startsWith('label:'));
    if (question.label) labels.push(`label:${question.label.name}`);
    const isDetailed = question.session !== undefined || question.endUser !== undefined || new Set(labels).size > 1;
    return isDetailed ? counted : [...this.#forgotten, ...counted];
  }

  async verifyRollups(): Promise<readonly string[]> {
    return [];
  }

  async retain(limits: Parameters<LedgerStore['retain']>[0]): Promise<{ deleted: number }> {
    this.#held = {
      entriesFrom: Math.max(this.#held.entriesFrom, floorTo(limits.entriesBefore, 'hour')),
      minutesFrom: Math.max(this.#held.minutesFrom, floorTo(limits.minutesBefore, 'hour')),
    };
    const gone = [...this.#entries.values()].filter(({ at }) => at < this.#held.entriesFrom);
    const kept = [...this.#forgotten, ...gone.filter(({ id }) => !this.#uncounted.has(id))];
    this.#forgotten = kept.map((entry) => ({
      ...entry,
      at: floorTo(entry.at, entry.at < this.#held.minutesFrom ? 'hour' : 'minute'),
    }));
    for (const { id } of gone) this.#entries.delete(id);
    for (const feed of this.#feeds.values())
      feed.lost += this.#events.filter(({ seq, id }) => seq > feed.seq && !this.#entries.has(id)).length;
    this.#events = this.#events.filter(({ id }) => this.#entries.has(id));
    return { deleted: gone.length };
  }

  async close(): Promise<void> {
    this.#entries.clear();
  }
}
