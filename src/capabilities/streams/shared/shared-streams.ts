import type { CallId } from '#kernel/brand.ts';
import type { StreamHead, StreamLog, StreamOrder, StreamRef } from '#ports/stream-log.ts';
import type { DialectName } from '#wire/canonical.ts';
import type { LiveStream, StreamAbout, StreamOpening, StreamOwner } from '../live-stream.ts';
import { Follower, MOST_READ } from './follower.ts';
import { StreamWriter } from './stream-writer.ts';

export interface SharedStreamsParts {
  readonly log: StreamLog;
  readonly leaseMs: number;
  readonly heartbeatMs: () => number;
  readonly dialectOf: (name: DialectName) => StreamOpening['dialect'];
}

/** What a stream's head says of its call; whoever reads it elsewhere needs it. */
interface About extends StreamAbout {
  readonly dialect: DialectName;
}

/** How long the end of a stream is tried to be written to a log that is away. */
const PATIENCE_MS = 60_000;
/** A stream of another gate that nobody reads here any more is kept for so long. */
const IDLE_MS = 5_000;

/** What is to be opened in this process to stand for a stream of another. */
export interface Standing extends Omit<StreamOpening, 'resumable'> {
  readonly epoch: string;
  readonly graceMs: number;
}

export interface Stand {
  readonly stream: LiveStream;
  readonly drop: () => void;
}

/** Streams that are written beyond this process, and those that are read from there. */
export class SharedStreams {
  readonly #parts: SharedStreamsParts;
  readonly #producer: string;
  readonly #undurable = new Set<CallId>();
  /** Streams that were or are not written, since the log was away. */
  faults = 0;

  constructor(parts: SharedStreamsParts, producer: string, take: (id: CallId, order: StreamOrder) => void) {
    this.#parts = parts;
    this.#producer = producer;
    parts.log.serve(producer, take);
  }

  get leaseMs(): number {
    return this.#parts.leaseMs;
  }
  get up(): boolean {
    return this.#parts.log.up;
  }
  /** Live streams that die with this process, for now. */
  get undurable(): number {
    return this.#undurable.size;
  }

  writerOf(opening: StreamOpening, order: (order: StreamOrder) => void): (stream: LiveStream) => StreamWriter {
    const { log, leaseMs } = this.#parts;
    const { id, owner, about, dialect } = opening;
    return (stream) =>
      new StreamWriter({
        ...{ log, leaseMs, stream, order, patienceMs: PATIENCE_MS },
        ref: { tenant: owner.tenant, id },
        head: {
          ...{ key: owner.key, epoch: stream.epoch, producer: this.#producer },
          about: JSON.stringify({ ...about, dialect: dialect.name } satisfies About),
        },
        durable: (is) => this.#durable(id, is),
      });
  }

  close(): Promise<void> {
    return this.#parts.log.close();
  }

  ended(id: CallId): void {
    this.#undurable.delete(id);
  }

  /**
   * A stream of this key that another process produces or produced, as one of this process. Null: there is none.
   * `stand` opens it here.
   */
  async find(
    id: CallId,
    { tenant, key }: StreamOwner,
    stand: (standing: Standing, stop: () => void) => Stand,
  ): Promise<LiveStream | null | 'away' | 'full'> {
    const { log, leaseMs, heartbeatMs, dialectOf } = this.#parts;
    const ref = { tenant, id };
    const part = await log.read(ref, 0, MOST_READ);
    if (part === 'away') return 'away';
    if (part === null || part.head.key !== key) return null;
    if (part.full) return 'full';
    let follower: Follower | null = null;
    const stop = (): void => follower?.stop();
    const { stream, drop } = stand(this.#standing(ref, part.head, dialectOf), stop);
    follower = new Follower({ ...{ log, ref, stream, leaseMs }, heartbeatMs: heartbeatMs(), gone: drop });
    if (await follower.start(part)) return stream;
    drop();
    return 'away';
  }

  #standing(ref: StreamRef, head: StreamHead, dialectOf: SharedStreamsParts['dialectOf']): Standing {
    const { log } = this.#parts;
    const { dialect, ...about } = JSON.parse(head.about) as About;
    return {
      ...{ id: ref.id, owner: { tenant: ref.tenant, key: head.key }, about, epoch: head.epoch, graceMs: IDLE_MS },
      dialect: dialectOf(dialect),
      hooks: {
        cancel: (by) => void log.order(ref, by === 'operator' ? 'cancel_by_operator' : 'cancel'),
        abandoned: () => undefined,
      },
    };
  }

  #durable(id: CallId, is: boolean): void {
    if (is) return void this.#undurable.delete(id);
    this.#undurable.add(id);
    this.faults++;
  }
}
