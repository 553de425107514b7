/** What an operator must hear of. Never thrown: calls go on or stop by configuration. */
export type SpoolTrouble =
  /** The spool cannot be written. `stop`: new calls are refused; `continue`: records wait in memory. */
  | { readonly kind: 'write_failed'; readonly message: string }
  /** All records that waited are on disk again. */
  | { readonly kind: 'write_recovered'; readonly message: string }
  /** The spool has reached `maxBytes`. */
  | { readonly kind: 'spool_full'; readonly message: string }
  /** Records that were given up because the memory for them is full too. `records` since the last report. */
  | { readonly kind: 'records_lost'; readonly message: string; readonly records: number }
  /** fsync failed: what was written since the last good one may not survive a power cut. */
  | { readonly kind: 'sync_failed'; readonly message: string }
  /** Bytes of a segment that are no record; the rest of it is used. */
  | { readonly kind: 'bad_record'; readonly message: string; readonly bytes: number }
  /** A file that ends within a record: normal after a power cut. */
  | { readonly kind: 'torn_tail'; readonly message: string; readonly bytes: number }
  /** A segment of a newer format, or one that cannot be read: left where it is. */
  | { readonly kind: 'unreadable'; readonly message: string }
  /** Confirmed segments could not be deleted or carried over (a full disk, a folder without rights): tried again. */
  | { readonly kind: 'reclaim_failed'; readonly message: string }
  /** The store refused a batch or is away; the shipper tries again after `retryMs`. */
  | { readonly kind: 'store_away'; readonly message: string; readonly retryMs: number }
  | { readonly kind: 'store_back'; readonly message: string }
  /** Calls of a process that died, now with an entry each. */
  | { readonly kind: 'recovered'; readonly message: string; readonly interrupted: number };

export type OnTrouble = (trouble: SpoolTrouble) => void;
