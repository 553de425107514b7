/** Figures of the exporter, in memory that both threads share: `/metrics` reads them without asking anybody. */
export const COUNTS = [
  /** Entries that the thread has taken: what is handed over and not taken is in flight. */
  'taken',
  /** Entries that could not be made into signals: a mistake of ours. */
  'failed',
  'sentSpans',
  /** Spans that found no room. */
  'droppedSpans',
  /** Spans that the collector refused. */
  'rejectedSpans',
  'requestsOk',
  'requestsRetried',
  'requestsRejected',
  'queuedBytes',
  /** Wall clock of the last request that was accepted; 0: none was. */
  'lastOkAtMs',
] as const;
export type CountName = (typeof COUNTS)[number];

const BYTES = 8;

export const sharedCounts = (): SharedArrayBuffer => new SharedArrayBuffer(COUNTS.length * BYTES);

/** One writer, the exporter's thread; an aligned double is read whole. */
export class Counts {
  readonly #values: Float64Array;

  constructor(shared: SharedArrayBuffer) {
    this.#values = new Float64Array(shared);
  }
  get(name: CountName): number {
    return this.#values[COUNTS.indexOf(name)]!;
  }
  add(name: CountName, by: number): void {
    this.#values[COUNTS.indexOf(name)]! += by;
  }
  set(name: CountName, value: number): void {
    this.#values[COUNTS.indexOf(name)] = value;
  }
}
