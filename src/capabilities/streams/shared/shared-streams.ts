import { setImmediate as nextTurn } from 'node:timers/promises';
import type { CallId, TenantId } from '#kernel/brand.ts';
import type {
  StoredPart,
  StreamClaim,
  StreamClaimant,
  StreamEpoch,
  StreamLog,
  StreamOrder,
  StreamRef,
} from '#ports/stream-log.ts';
import type { DialectName } from '#wire/canonical.ts';
import type { LiveStream, StreamAbout, StreamOpening, StreamOwner, StreamSuccessor } from '../live-stream.ts';
import { Follower, MOST_READ } from './follower.ts';
import { SaidReading, type Said } from './said-reading.ts';
import { StreamWriter } from './stream-writer.ts';
import { Sweep } from './sweep.ts';

export interface SharedStreamsParts {
  readonly log: StreamLog;
  readonly leaseMs: number;
  readonly heartbeatMs: () => number;
  /** How long a stream whose gate is gone waits for a reader. */
  readonly graceMs: () => number;
  readonly dialectOf: (name: DialectName) => StreamOpening['dialect'];
}

/** What a stream's head says of its call; whoever reads it elsewhere needs it. */
export interface About extends StreamAbout {
  readonly dialect: DialectName;
}

/** Whose part of a stream is meant: the call's that began it, or one's that made its rest. */
interface SaidBy {
  readonly tenant: TenantId;
  readonly redriveOf: CallId | null;
}

/** How long the end of a stream is tried to be written to a log that is away. */
const PATIENCE_MS = 60_000;
/** A stream of another gate that nobody reads here any more is kept for so long. */
const IDLE_MS = 5_000;

/** What is to be opened in this process to stand for a stream of another. */
export interface Standing extends Omit<StreamOpening, 'resumable'> {
  readonly epochs: readonly StreamEpoch[];
  readonly graceMs: number;
}

export interface Stand {
  readonly stream: LiveStream;
  readonly drop: () => void;
  /** It is made here from now on. */
  readonly owned: () => void;
}

/** A stream whose producer is gone, and that this gate is to go on with. */
export interface TakenStream {
  readonly stream: LiveStream;
  /** As the producer had it sealed. */
  readonly request: Buffer;
  readonly writer: StreamSuccessor['writer'];
}

interface Claimed {
  readonly ref: StreamRef;
  readonly stream: LiveStream;
  readonly claimant: StreamClaimant;
  readonly claim: StreamClaim;
  readonly part: StoredPart;
}

/** Streams that are written beyond this process, and those that are read from there. */
export class SharedStreams {
  readonly #parts: SharedStreamsParts;
  readonly #producer: string;
  readonly #undurable = new Set<CallId>();
  readonly #sweep: Sweep;
  /** Streams that were or are not written, since the log was away. */
  faults = 0;
  /** Streams of other gates that were taken over, and that were ended since nobody came. */
  taken = 0;
  swept = 0;
  /** Goes on with a stream that was taken over; null: nobody does, and it ends. */
  successor: ((taken: TakenStream) => void) | null = null;

  constructor(parts: SharedStreamsParts, producer: string, take: (id: CallId, order: StreamOrder) => void) {
    this.#parts = parts;
    this.#producer = producer;
    parts.log.serve(producer, take);
    const { log, leaseMs, graceMs } = parts;
    this.#sweep = new Sweep({ log, leaseMs, graceMs, swept: (count) => void (this.swept += count) });
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
    const { id, owner, about, dialect, redrive = null } = opening;
    return (stream) =>
      new StreamWriter({
        ...{ log, leaseMs, stream, order, redrive, patienceMs: PATIENCE_MS },
        ref: { tenant: owner.tenant, id },
        head: {
          ...{ key: owner.key, epoch: stream.epoch, producer: this.#producer },
          about: JSON.stringify({ ...about, dialect: dialect.name } satisfies About),
        },
        durable: (is) => this.#durable(id, is),
      });
  }

  close(): Promise<void> {
    this.#sweep.stop();
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
    const claimant = { key, epoch: this.#producer, producer: this.#producer };
    const part = await log.read(ref, 0, MOST_READ, claimant);
    if (part === 'away') return 'away';
    if (part === null || part.head.key !== key) return null;
    if (part.full) return 'full';
    let follower: Follower | null = null;
    const stop = (): void => follower?.stop();
    const { stream, drop, owned } = stand(this.#standing(ref, part, dialectOf), stop);
    follower = new Follower({
      ...{ log, ref, stream, leaseMs, claimant, heartbeatMs: heartbeatMs(), gone: drop },
      claimed: (claim, last) => {
        owned();
        this.#succeed({ ref, stream, claimant, claim, part: last });
      },
    });
    if (await follower.start(part)) return stream;
    drop();
    return 'away';
  }

  /** What the call of this name made of an answer, by the log; null: nobody can say any more. */
  async said(call: CallId, { tenant, redriveOf }: SaidBy): Promise<Said | null | 'away'> {
    const { log, dialectOf } = this.#parts;
    const ref = { tenant, id: redriveOf ?? call };
    const reading = new SaidReading(redriveOf === null ? 'first' : 'second', dialectOf);
    for (;;) {
      const part = await log.read(ref, reading.events, MOST_READ);
      if (part === 'away' || part === null) return part;
      if (reading.take(part)) return reading.said();
      await nextTurn();
    }
  }

  #succeed({ ref, stream, claimant, claim, part }: Claimed): void {
    this.taken++;
    const { log, leaseMs } = this.#parts;
    const { lease, request } = claim;
    const { key, about } = part.head;
    const writer = (of: LiveStream): StreamWriter =>
      new StreamWriter({
        ...{ log, ref, leaseMs, stream: of, patienceMs: PATIENCE_MS },
        head: { ...claimant, key, about },
        taken: { lease, epochs: part.epochs },
        order: (order) => order !== 'read' && of.cancel(order === 'cancel' ? 'client' : 'operator'),
        durable: (is) => this.#durable(ref.id, is),
      });
    if (this.successor) return this.successor({ stream, request, writer });
    stream.takeOver({ writer, graceMs: () => 0, hooks: { cancel: () => undefined, abandoned: () => undefined } });
    stream.interrupt('not_redriven');
  }

  #standing(ref: StreamRef, part: StoredPart, dialectOf: SharedStreamsParts['dialectOf']): Standing {
    const { log } = this.#parts;
    const { head, epochs } = part;
    const { dialect, ...about } = JSON.parse(head.about) as About;
    return {
      ...{ id: ref.id, owner: { tenant: ref.tenant, key: head.key }, about, epochs, graceMs: IDLE_MS },
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
