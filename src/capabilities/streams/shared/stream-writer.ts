import type { OutcomeStatus } from '#ports/entry.ts';
import type {
  StreamEpoch,
  StreamHead,
  StreamLease,
  StreamLog,
  StreamOrder,
  StreamRedrive,
  StreamRef,
  Written,
} from '#ports/stream-log.ts';
import type { StreamEnd } from '../stream-reader.ts';

/** Events of one append; what a stream owes after a fault goes out in several. */
const MOST_EVENTS = 256;
/** A lease is renewed so many times before it would run out. */
const RENEWALS = 3;

/** The stream as its writer needs it. */
export interface WrittenStream {
  /** That readers may have. */
  readonly events: number;
  readonly overflowed: boolean;
  publish(event: Buffer): void;
  eventsFrom(from: number): Generator<Buffer>;
  endAs(status: OutcomeStatus): StreamEnd;
  conclude(end: StreamEnd): void;
  fenced(): void;
}

export interface StreamWriterParts {
  readonly log: StreamLog;
  readonly ref: StreamRef;
  readonly head: StreamHead;
  readonly leaseMs: number;
  /** How long the end of a stream is tried to be written while the log is away. */
  readonly patienceMs: number;
  readonly stream: WrittenStream;
  /** An order that the producer had not heard. */
  readonly order: (order: StreamOrder) => void;
  /** The stream is not written beyond this process, for now or for good; or is again. */
  readonly durable: (is: boolean) => void;
  /** What another gate would go on with; null: none does. */
  readonly redrive?: StreamRedrive | null;
  /** Of a stream that was taken over: the log has all of it, and this is the right to append. */
  readonly taken?: { readonly lease: StreamLease; readonly epochs: readonly StreamEpoch[] };
}

/**
 * Writes a stream beyond its process: an event is held until it is acknowledged, and goes to readers then. While the
 * log is away the stream goes on without it, and what it owes is written once it is back. Whoever is fenced stops.
 */
export class StreamWriter {
  readonly #parts: StreamWriterParts;
  #lease: StreamLease | null = null;
  /** `held`: readers wait for acknowledgements. `away`: they do not. `over`: nothing is written any more. */
  #mode: 'held' | 'away' | 'over' = 'held';
  /** Events behind those that readers may have. */
  #held: Buffer[] = [];
  /** Events that the log has, and those that were sent to it. */
  #acked = 0;
  #sent = 0;
  /** Answers to what was sent before a fault say nothing any more. */
  #round = 0;
  #due = false;
  #asking = false;
  #status: OutcomeStatus | null = null;
  #end: StreamEnd | null = null;
  #endSent = false;
  #giveUpAt = Infinity;
  readonly #beat: NodeJS.Timeout;

  constructor(parts: StreamWriterParts) {
    this.#parts = parts;
    this.#beat = setInterval(() => void this.#renew(), parts.leaseMs / RENEWALS).unref();
    if (parts.taken) this.#take(parts.taken.lease);
    else void this.#open();
  }

  #take(lease: StreamLease): void {
    const { events } = this.#parts.stream;
    this.#lease = lease;
    [this.#acked, this.#sent] = [events, events];
  }

  /** True: readers get it once it is acknowledged. False: there is nothing to wait for. */
  hold(event: Buffer): boolean {
    if (this.#mode !== 'held') return false;
    this.#held.push(event);
    this.#schedule();
    return true;
  }

  /** True: its end comes once it is written. */
  finish(status: OutcomeStatus): boolean {
    if (this.#status !== null) return true;
    this.#status = status;
    if (this.#mode === 'held') {
      this.#schedule();
      return true;
    }
    if (this.#mode === 'away') this.#endWithout();
    return this.#mode === 'away';
  }

  /** The call came to nothing: whoever waits gets what there is, and the log keeps none of it. */
  discard(): void {
    if (this.#mode === 'over') return;
    const lease = this.#lease;
    this.#without();
    if (lease) void this.#parts.log.discard(lease);
  }

  #schedule(): void {
    if (this.#due) return;
    this.#due = true;
    // One append for whatever came in one turn of the loop.
    setImmediate(() => {
      this.#due = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#mode !== 'held' || this.#lease === null) return;
    const { stream, log } = this.#parts;
    while (this.#sent < stream.events + this.#held.length) {
      const batch = this.#batch();
      // The log of this process does not have what the other one lacks.
      if (batch.length === 0) return this.#alone();
      const [from, round] = [this.#sent, this.#round];
      this.#sent += batch.length;
      const upTo = this.#sent;
      void log.append(this.#lease, from, batch).then((written) => this.#written(written, upTo, round));
    }
    this.#finishIfDone();
  }

  #batch(): readonly Buffer[] {
    const { stream } = this.#parts;
    const behind = stream.events - this.#sent;
    if (behind <= 0) return this.#held.slice(-behind, MOST_EVENTS - behind);
    const owed: Buffer[] = [];
    for (const event of stream.eventsFrom(this.#sent)) if (owed.push(event) === MOST_EVENTS) break;
    return owed;
  }

  #written(written: Written, upTo: number, round: number): void {
    if (round !== this.#round || this.#mode !== 'held') return;
    if (written !== 'ok') return this.#refused(written);
    this.#acked = upTo;
    const { stream } = this.#parts;
    for (let news = upTo - stream.events; news > 0; news--) stream.publish(this.#held.shift()!);
    this.#finishIfDone();
  }

  #refused(written: Exclude<Written, 'ok'>): void {
    if (written === 'fenced') return this.#fenced();
    if (written === 'full') return this.#alone();
    if (written === 'gone') [this.#lease, this.#acked] = [null, 0];
    this.#goAway();
  }

  #finishIfDone(): void {
    const { stream, log } = this.#parts;
    if (this.#status === null || this.#endSent || this.#lease === null) return;
    if (this.#held.length > 0 || this.#acked < stream.events) return;
    this.#endSent = true;
    const end = (this.#end ??= stream.endAs(this.#status));
    const { status, events: _, ...facts } = end;
    const round = this.#round;
    void log.finish(this.#lease, { status, facts: JSON.stringify(facts) }).then((written) => {
      if (round !== this.#round || this.#mode !== 'held') return;
      this.#endSent = false;
      if (written !== 'ok') return this.#refused(written);
      this.#over();
      stream.conclude(end);
    });
  }

  /** Readers wait no longer. What they get now is written later, if it can be. */
  #goAway(): void {
    this.#mode = 'away';
    this.#round++;
    this.#endSent = false;
    if (this.#end === null) this.#parts.durable(false);
    this.#release();
    if (this.#status !== null) this.#endWithout();
  }

  #release(): void {
    const held = this.#held;
    this.#held = [];
    for (const event of held) this.#parts.stream.publish(event);
  }

  #endWithout(): void {
    this.#end ??= this.#parts.stream.endAs(this.#status!);
    this.#giveUpAt = Math.min(this.#giveUpAt, performance.now() + this.#parts.patienceMs);
    this.#parts.stream.conclude(this.#end);
  }

  /** The log takes no more of it: it goes on in its process. */
  #alone(): void {
    if (this.#end === null) this.#parts.durable(false);
    this.#without();
  }

  #without(): void {
    const { stream } = this.#parts;
    this.#over();
    this.#release();
    if (this.#status !== null) stream.conclude((this.#end ??= stream.endAs(this.#status)));
  }

  #fenced(): void {
    this.#over();
    this.#held = [];
    this.#status = 'interrupted';
    this.#parts.stream.fenced();
  }

  #over(): void {
    this.#mode = 'over';
    this.#round++;
    clearInterval(this.#beat);
  }

  async #open(): Promise<void> {
    const { log, ref, head, redrive = null, taken } = this.#parts;
    const lease = await log.open(ref, head, taken ? { epochs: taken.epochs } : { redrive });
    if (this.#mode === 'over') return void (typeof lease === 'object' && log.discard(lease));
    if (lease === 'away') return this.#mode === 'held' ? this.#goAway() : undefined;
    if (lease === 'gone') return this.#alone();
    this.#lease = lease;
    // After a fault the next renewal says what the log has.
    if (this.#mode === 'held') this.#schedule();
  }

  async #renew(): Promise<void> {
    if (this.#mode === 'over' || this.#asking) return;
    if (performance.now() > this.#giveUpAt) return this.#over();
    this.#asking = true;
    const lease = this.#lease;
    if (lease === null) await (this.#mode === 'away' ? this.#open() : undefined);
    else this.#renewed(await this.#parts.log.renew(lease));
    this.#asking = false;
  }

  #renewed(said: Awaited<ReturnType<StreamLog['renew']>>): void {
    if ((this.#mode as string) === 'over') return;
    if (typeof said !== 'string') {
      if (said.order) this.#parts.order(said.order);
      if (this.#mode === 'away') this.#back(said.count);
    } else if (said === 'fenced') this.#fenced();
    else if (said !== 'ok' && (this.#mode === 'held' || said === 'gone')) this.#refused(said);
  }

  /** From here on readers wait for acknowledgements again; first comes what the log lacks. */
  #back(count: number): void {
    const { stream, durable } = this.#parts;
    if (count > stream.events || stream.overflowed) return this.#alone();
    this.#mode = 'held';
    this.#round++;
    [this.#acked, this.#sent] = [count, count];
    durable(true);
    this.#schedule();
  }
}
