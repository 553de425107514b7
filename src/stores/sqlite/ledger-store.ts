import type { DatabaseSync } from 'node:sqlite';
import type { ShippedEntry } from '#ports/entry-text.ts';
import type { LedgerStore } from '#ports/ledger-store.ts';
import { call, calls } from './calls.ts';
import { closeBooks, closedMonths, keepMonth } from './charges/closed.ts';
import { charges } from './charges/question.ts';
import { GuardedFile } from './guarded-file.ts';
import { openToRead, openToWrite } from './open-file.ts';
import { retain } from './retain.ts';
import { acknowledge, feedEvents, feedStates, follow } from './feeds.ts';
import { Shipper } from './ship.ts';
import { spend } from './spend.ts';
import { streams } from './streams/question.ts';
import { verifyRollups } from './verify.ts';

interface Ledger {
  readonly db: DatabaseSync;
  readonly shipper: Shipper;
}

/**
 * The ledger in one SQLite file, made where there is none. Opens at the first use; while the file is away each call
 * rejects with `store_unavailable`, and later ones succeed by themselves. SQL runs in the calling thread: keep it off
 * the one that serves.
 */
export const openSqliteLedger = (path: string): SqliteLedger =>
  ledgerOf(new GuardedFile({ path, open: () => openToWrite(path, 'ledger'), use: ledger }));

/** The same to read, beside a running gate or without one. Writing rejects with `store_unavailable`. */
export const openSqliteLedgerReadOnly = (path: string): LedgerStore =>
  ledgerOf(new GuardedFile({ path, open: () => openToRead(path, 'ledger'), use: ledger }));

/** A ledger in this thread. */
export interface SqliteLedger extends LedgerStore {
  /** Ships as {@link LedgerStore.ship} does. Resolves with the ids of those that were not there before. */
  shipNew(batch: Iterable<ShippedEntry>): Promise<readonly string[]>;
}

const ledger = (db: DatabaseSync): Ledger => ({ db, shipper: new Shipper(db) });

function ledgerOf(file: GuardedFile<Ledger>): SqliteLedger {
  return {
    ship: (batch) => file.with(({ shipper }) => ({ inserted: shipper.ship(batch).length })),
    shipNew: (batch) => file.with(({ shipper }) => shipper.ship(batch)),
    call: (id, whose) => file.with(({ db }) => call(db, id, whose)),
    calls: (question) => file.with(({ db }) => calls(db, question)),
    spend: (question) => file.with(({ db }) => spend(db, question)),
    streams: (question) => file.with(({ db }) => streams(db, question)),
    charges: (question) => file.with(({ db }) => charges(db, question)),
    closeBooks: (_, until) => file.with(({ db }) => closeBooks(db, until)),
    keepMonth: (_, month) => file.with(({ db }) => keepMonth(db, month)),
    closedMonths: () => file.with(({ db }) => closedMonths(db)),
    follow: (names) => file.with(({ db }) => follow(db, names)),
    feed: (question) => file.with(({ db }) => feedEvents(db, question)),
    acknowledge: (name, seq) => file.with(({ db }) => acknowledge(db, name, seq)),
    feeds: () => file.with(({ db }) => feedStates(db)),
    verifyRollups: (window) => file.with(({ db }) => verifyRollups(db, window)),
    retain: (limits) => file.with(({ db }) => ({ deleted: retain(db, limits) })),
    close: async () => file.close(),
  };
}
