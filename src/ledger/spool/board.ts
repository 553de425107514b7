/**
 * Counters that the writer's thread and the shipper's thread share. A message for each record would cost more than
 * the record (5 µs against 4); a load of shared memory costs nothing that can be measured.
 */
export interface SpoolBoard {
  readonly shared: SharedArrayBuffer;
  /** Segments below this number get no more records. */
  liveSeq: number;
  /** Entries of this spool that the store has confirmed. */
  shippedCalls: number;
  /** Of them, those in segments that are deleted: where a restarted shipper begins to count again. */
  deletedCalls: number;
  deletedBytes: number;
  deletedSegments: number;
}

const FIELDS = ['liveSeq', 'shippedCalls', 'deletedCalls', 'deletedBytes', 'deletedSegments'] as const;

/** A board on new shared memory, or on that of the other thread. */
export function spoolBoard(
  shared = new SharedArrayBuffer(FIELDS.length * BigInt64Array.BYTES_PER_ELEMENT),
): SpoolBoard {
  const cells = new BigInt64Array(shared);
  const board = { shared };
  FIELDS.forEach((name, index) =>
    Object.defineProperty(board, name, {
      get: () => Number(Atomics.load(cells, index)),
      set: (value: number) => void Atomics.store(cells, index, BigInt(value)),
    }),
  );
  return board as SpoolBoard;
}
