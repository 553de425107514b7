import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { entryOf, type ShippedEntry } from '#ports/entry-text.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import { floorTo } from '#ports/rollups.ts';
import { sumsOfStream } from '#ports/stream-sums.ts';
import { timeOfId } from '#kernel/ids.ts';
import { DeltaWriter, Deltas } from './deltas.ts';
import { ENTRY_COLUMNS, rowOf, SELECT_ENTRIES, shippedOf, type EntryRow, type SqlValue } from './entry-row.ts';
import { exactly } from './exactly.ts';
import { ChargeChanges, ChargeTables } from './charges/writer.ts';
import { foldWhenDue, type SideTables } from './fold.ts';
import { FeedLog } from './feed-log.ts';
import { LedgerNames } from './interned.ts';
import { readMarks, type Marks } from './marks.ts';
import { inTransaction } from './open-file.ts';
import { factsOf } from './streams/facts.ts';
import { StreamDeltas, streamTables } from './streams/writer.ts';

const INSERT = `INSERT INTO entries (${ENTRY_COLUMNS.join(', ')}) VALUES (${ENTRY_COLUMNS.map(() => '?').join(', ')})
  ON CONFLICT (id) DO NOTHING`;

/** What corrections ask of an entry that is new. Entries themselves are not kept: each lives as long as its insert. */
type Inserted = Pick<ShippedEntry['head'], 'id' | 'corrects'>;

/** Stores batches: rows, and deltas of the rows that were really inserted, in one transaction. */
export class Shipper {
  readonly #db: DatabaseSync;
  readonly #names: LedgerNames;
  readonly #writer: DeltaWriter;
  readonly #insert: StatementSync;
  readonly #corrections: Corrections;
  #side: SideTables | null = null;
  #feeds: FeedLog | null = null;

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#names = new LedgerNames(db);
    this.#writer = new DeltaWriter(db);
    this.#insert = db.prepare(INSERT);
    this.#corrections = new Corrections(db);
  }

  /** Ids of those that were not there before. */
  ship(batch: Iterable<ShippedEntry>): readonly string[] {
    try {
      return inTransaction(this.#db, () => this.#ship(batch));
    } catch (error) {
      this.#names.forget();
      this.#side?.streams.names.forget();
      this.#side?.charges.names.forget();
      throw error;
    }
  }

  #ship(batch: Iterable<ShippedEntry>): readonly string[] {
    const marks = readMarks(this.#db);
    const [added, takenBack] = [new Deltas(this.#names), new Deltas(this.#names)];
    // Made with the first batch: a file of an older Headgate that is open to read alone has no such tables.
    const side = (this.#side ??= { streams: streamTables(this.#db), charges: new ChargeTables(this.#db) });
    const streams = new StreamDeltas(side.streams.names);
    const charges = new ChargeChanges(side.charges, marks);
    const inserted: Inserted[] = [];
    let [newest, came] = [0, 0];
    for (const entry of batch) {
      const numbers = this.#names.of(entry.dims);
      if (this.#insert.run(...rowOf(entry, numbers)).changes !== 1) continue;
      inserted.push({ id: entry.head.id, corrects: entry.head.corrects });
      newest = Math.max(newest, entry.head.at);
      came = Math.max(came, timeOfId(entry.head.id) ?? 0);
      this.#names.ofLabels(entry.head.labels);
      // Whatever is not folded yet is counted by the fold, from its row.
      if (entry.head.at < marks.foldedUntil) added.add(entryOf(entry), numbers.dims);
      if (entry.head.at < marks.streamsUntil) addStream(streams, entryOf(entry), 1);
      if (charges.concerns(entry.head.at)) charges.add(entryOf(entry), 1);
    }
    const gone = this.#corrections.settle(inserted, marks);
    for (const entry of gone) {
      takenBack.add(entryOf(entry), this.#names.of(entry.dims).dims);
      if (entry.head.at < marks.streamsUntil) addStream(streams, entryOf(entry), -1);
      if (charges.concerns(entry.head.at)) charges.add(entryOf(entry), -1);
    }
    this.#writer.write(added, marks, 1);
    this.#writer.write(takenBack, marks, -1);
    side.streams.writer.write(streams);
    charges.write(came);
    const feeds = (this.#feeds ??= new FeedLog(this.#db));
    feeds.write(
      inserted,
      gone.map(({ head }) => head.id),
    );
    if (inserted.length > 0) foldWhenDue(this.#db, side, newest);
    return inserted.map(({ id }) => id);
  }
}

function addStream(deltas: StreamDeltas, entry: LedgerEntry, sign: 1 | -1): void {
  if (!entry.stream) return;
  deltas.add({ bucket: floorTo(entry.at, 'hour'), facts: factsOf(entry), sums: sumsOfStream(entry) }, sign);
}

/**
 * An entry counts unless a correction names it; of several corrections of one entry the one of the greatest id counts.
 * The rule looks at what is stored and not at the order in which it came, so that batches may come in any.
 */
class Corrections {
  readonly #naming: StatementSync;
  readonly #row: StatementSync;
  readonly #uncount: StatementSync;

  constructor(db: DatabaseSync) {
    // The range makes it one look into a small partial index for the usual batch, whose entries nobody corrects.
    this.#naming = db.prepare(`SELECT id, corrects FROM entries WHERE corrects BETWEEN ? AND ? ORDER BY id`);
    this.#row = exactly(db.prepare(`${SELECT_ENTRIES} WHERE e.id = ?`));
    this.#uncount = db.prepare('UPDATE entries SET counted = 0 WHERE id = ? AND counted = 1');
  }

  /** Marks what no longer counts and returns it, to be taken out of the rollups. */
  settle(inserted: readonly Inserted[], marks: Marks): readonly ShippedEntry[] {
    const gone: ShippedEntry[] = [];
    for (const id of this.#replaced(inserted, marks)) {
      const row = this.#row.get(id) as EntryRow | undefined;
      if (row && this.#uncount.run(id).changes === 1) gone.push(shippedOf(row));
    }
    return gone;
  }

  #replaced(inserted: readonly Inserted[], marks: Marks): Set<string> {
    const replaced = new Set<string>();
    for (const original of this.#originals(inserted)) {
      const corrections = this.#naming.all(original, original) as Record<string, SqlValue>[];
      if (corrections.length === 0) continue;
      replaced.add(original);
      for (const { id } of corrections.slice(0, -1)) replaced.add(id as string);
      // The original's row is gone and its sums stand for good: a correction that comes now cannot be counted.
      if (isClosed(original, marks) && !this.#row.get(original))
        for (const { id, corrects } of inserted) if (corrects === original) replaced.add(id);
    }
    return replaced;
  }

  /** Ids whose corrections matter to the batch: of what it corrects, and of what it holds. */
  #originals(inserted: readonly Inserted[]): Set<string> {
    const originals = new Set<string>();
    let [low, high] = ['\uffff', ''];
    for (const { id, corrects } of inserted) {
      if (corrects !== null) originals.add(corrects);
      if (id < low) low = id;
      if (id > high) high = id;
    }
    for (const { corrects } of this.#naming.all(low, high) as Record<string, SqlValue>[])
      originals.add(corrects as string);
    return originals;
  }
}

const isClosed = (id: string, marks: Marks): boolean => (timeOfId(id) ?? Infinity) < marks.entriesFrom;
