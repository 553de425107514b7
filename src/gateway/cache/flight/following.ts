import { HeadgateError } from '#kernel/errors.ts';
import type { CallId } from '#kernel/brand.ts';
import type { Call, Outcome } from '../../call.ts';
import { afterWritten } from '../../after-written.ts';
import type { Gate } from '../../gate.ts';
import { limitHeadersOf, refuse } from '../../refuse.ts';
import { settle } from '../../settle.ts';
import { endUnread } from '../../streams/resumable.ts';
import { countSaved } from '../hit.ts';
import { countsOf } from '../turn.ts';
import { awaitedReply, followedReply, type ReplyFacts } from '../reply.ts';
import type { Failure, Flight, Follower } from './flight.ts';
import type { Came } from './follow.ts';

/** A call that waits for another's answer. */
export abstract class Following implements Follower {
  protected readonly gate: Gate;
  protected readonly call: Call;
  protected readonly flight: Flight;
  readonly came: Promise<Came>;
  #resolve!: (came: Came) => void;
  #started = false;
  #over = false;
  #deadline: NodeJS.Timeout | null = null;
  at = 0;

  constructor(gate: Gate, call: Call, flight: Flight) {
    [this.gate, this.call, this.flight] = [gate, call, flight];
    this.came = new Promise((resolve) => (this.#resolve = resolve));
    call.hit = awaitedReply(flight.leader);
    const { response, deadlineMono } = call.exchange;
    response.on('close', this.#closed);
    if (call.stream !== null) call.cancel = () => this.done(null);
    if (response.destroyed) setImmediate(this.#closed);
    if (deadlineMono !== null)
      this.#deadline = setTimeout(() => this.late(), Math.max(0, deadlineMono - gate.clock.mono()));
  }

  get id(): CallId {
    return this.call.id;
  }
  /** It reads: its record is written, and nothing has ended it. */
  protected get reads(): boolean {
    return this.#started && !this.#over;
  }

  /** Its record is written: from here on something may go out. */
  start(): void {
    this.#started = true;
    this.more();
  }

  more(): void {
    if (this.reads) this.read();
  }
  /** Reads what there is. */
  protected abstract read(): void;

  takeOver(how: 'lead' | 'alone'): void {
    const { call, flight } = this;
    call.hit = null;
    call.cache = { ...call.cache!, result: 'miss' };
    if (how === 'lead') call.flight = call.cache!.draft!.tap = flight;
    countsOf(this.gate, call).misses += 1;
    this.done('asks');
  }

  abstract lost(): void;

  /** The client's own deadline is over. */
  protected late(): void {
    if (!this.#over) this.refuseWith('timeout', new HeadgateError('deadline_exceeded'));
  }

  /** The entry of an answer that came whole; its last byte goes out after this. */
  protected settleWhole(facts: ReplyFacts): void {
    const { gate, call } = this;
    call.hit = followedReply(facts);
    call.dropped = facts.dropped;
    settle(gate, call, { status: 'ok', httpStatus: 200, errorCode: null, cancelledBy: null });
    countSaved(gate, call, 'collapsed', call.hit.hit);
  }

  /** The failure of the call that it waited for is its own, where nothing was given yet. */
  protected share(failure: Failure): void {
    if ('thrown' in failure) return this.refuseWith('refused', failure.thrown);
    this.call.followed = failure.record;
    this.done(failure.end);
  }

  protected refuseWith(status: Outcome['status'], error: HeadgateError): void {
    const { gate, call } = this;
    const { response, route } = call.exchange;
    settle(gate, call, { status, httpStatus: error.row.status, errorCode: error.code, cancelledBy: null });
    afterWritten(gate, call, () => {
      endUnread(gate, call, status);
      refuse(response, route.family, error, call.id, limitHeadersOf(gate, call.exchange));
    });
    this.done({ delivered: true });
  }

  protected done(came: Came): void {
    if (this.#over) return;
    this.#over = true;
    this.stop();
    this.#resolve(came);
  }

  stop(): void {
    this.#over = true;
    if (this.#deadline) clearTimeout(this.#deadline);
    this.call.exchange.response.off('close', this.#closed);
    if (this.call.stream !== null) this.call.cancel = null;
  }

  readonly #closed = (): void => {
    const { stream, ending, exchange } = this.call;
    if (this.#over || exchange.response.writableFinished) return;
    if (stream?.resumable && ending === null) stream.unread();
    else this.done(null);
  };
}
