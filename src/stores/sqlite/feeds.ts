import type { DatabaseSync } from 'node:sqlite';
import { epochMs, type EpochMs } from '#kernel/brand.ts';
import { timeOfId } from '#kernel/ids.ts';
import { entryOf, type EntryRow, SELECT_ENTRIES } from './entry-row.ts';
import { exactly } from './exactly.ts';
import { inTransaction } from './open-file.ts';
import type { FeedEvent, FeedState } from '#ports/ledger-store.ts';

/** The greatest number that was ever given. */
const lastSeq = (db: DatabaseSync): number =>
  numberOf(db.prepare(`SELECT seq AS n FROM sqlite_sequence WHERE name = 'feed_log'`).get());

const numberOf = (row: unknown): number => Number((row as { n?: unknown } | undefined)?.n ?? 0);

export function follow(db: DatabaseSync, names: readonly string[]): void {
  inTransaction(db, () => {
    const known = db.prepare('SELECT name FROM feeds').all() as { name: string }[];
    for (const { name } of known) if (!names.includes(name)) db.prepare('DELETE FROM feeds WHERE name = ?').run(name);
    const add = db.prepare('INSERT INTO feeds (name, seq, lost) VALUES (?, ?, 0) ON CONFLICT (name) DO NOTHING');
    const from = lastSeq(db);
    for (const name of names) add.run(name, from);
    forgetRead(db);
  });
}

/** What all feeds have read; everything where there is none. */
function forgetRead(db: DatabaseSync): void {
  db.exec('DELETE FROM feed_log WHERE seq <= ifnull((SELECT min(seq) FROM feeds), 9223372036854775807)');
}

export function acknowledge(db: DatabaseSync, name: string, seq: number): void {
  inTransaction(db, () => {
    db.prepare('UPDATE feeds SET seq = max(seq, ?) WHERE name = ?').run(seq, name);
    forgetRead(db);
  });
}

export function feedEvents(
  db: DatabaseSync,
  { name, limit }: { readonly name: string; readonly limit: number },
): readonly FeedEvent[] {
  const sql = `SELECT f.seq, f.sign, e.* FROM (SELECT seq, id, sign FROM feed_log
    WHERE seq > ifnull((SELECT seq FROM feeds WHERE name = ?), 9223372036854775807) ORDER BY seq LIMIT ?) f
    JOIN (${SELECT_ENTRIES}) e ON e.id = f.id ORDER BY f.seq`;
  const rows = exactly(db.prepare(sql)).all(name, limit) as unknown as (EntryRow & { seq: bigint; sign: bigint })[];
  return rows.map((row) => ({ seq: Number(row.seq), sign: Number(row.sign) as 1 | -1, entry: entryOf(row) }));
}

export function feedStates(db: DatabaseSync): readonly FeedState[] {
  const feeds = db.prepare('SELECT name, seq, lost FROM feeds ORDER BY name').all() as unknown as FeedRow[];
  const behind = db.prepare('SELECT count(*) AS n FROM feed_log WHERE seq > ?');
  const next = db.prepare('SELECT id FROM feed_log WHERE seq > ? ORDER BY seq LIMIT 1');
  return feeds.map(({ name, seq, lost }) => {
    const oldest = next.get(seq) as { id: string } | undefined;
    return { name, seq, lost, behind: numberOf(behind.get(seq)), oldestAt: oldest ? atOf(db, oldest.id) : null };
  });
}

interface FeedRow {
  readonly name: string;
  readonly seq: number;
  readonly lost: number;
}

/** A correction has the time of what it corrects, and its id its own: that is when it was stored. */
const atOf = (db: DatabaseSync, id: string): EpochMs | null => {
  const at = timeOfId(id as never);
  if (at !== null) return epochMs(at);
  const row = db.prepare('SELECT at FROM entries WHERE id = ?').get(id) as { at: number } | undefined;
  return row ? epochMs(row.at) : null;
};

/** After entries were deleted: what feeds can tell no more is counted for each, and forgotten. */
export function forgetDeleted(db: DatabaseSync): void {
  if (db.prepare('SELECT 1 FROM feed_log LIMIT 1').get() === undefined) return;
  db.exec(`
    CREATE TEMP TABLE gone_events AS SELECT seq FROM feed_log WHERE NOT EXISTS (SELECT 1 FROM entries WHERE entries.id = feed_log.id);
    UPDATE feeds SET lost = lost + (SELECT count(*) FROM gone_events WHERE gone_events.seq > feeds.seq);
    DELETE FROM feed_log WHERE seq IN (SELECT seq FROM gone_events);
    DROP TABLE gone_events;`);
}
