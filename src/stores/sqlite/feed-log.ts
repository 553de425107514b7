import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** Writes what feeds have to tell, in the transaction that stores it. Costs one look a batch where no feed is read. */
export class FeedLog {
  readonly #hasFeeds: StatementSync;
  readonly #insert: StatementSync;

  constructor(db: DatabaseSync) {
    this.#hasFeeds = db.prepare('SELECT 1 FROM feeds LIMIT 1');
    this.#insert = db.prepare('INSERT INTO feed_log (id, sign) VALUES (?, ?)');
  }

  write(inserted: readonly { readonly id: string }[], gone: readonly string[]): void {
    if (inserted.length === 0 || this.#hasFeeds.get() === undefined) return;
    for (const { id } of inserted) this.#insert.run(id, 1);
    for (const id of gone) this.#insert.run(id, -1);
  }
}
