import { framesOf } from '#wire/aws-event-stream/index.ts';
import type { ProviderFault } from '#wire/canonical.ts';
import { sseSplitter } from '#wire/sse/splitter.ts';
import { ERRORS } from '#kernel/errors.ts';
import { afterWritten } from '../../after-written.ts';
import { asClientReads } from '../../client-stream.ts';
import { DEADLINE } from '../../deadline.ts';
import { settle } from '../../settle.ts';
import { Pulse } from '../../streams/pulse.ts';
import { freeOfCost } from '../hit.ts';
import { CUT_SHORT, type FlightEnd } from './flight.ts';
import { Following } from './following.ts';
import type { Piece } from './log.ts';

type Broken = Extract<FlightEnd, { kind: 'broken' }>;

/** Its client's time is over. */
const LATE: Broken = {
  ...{ kind: 'broken', status: 'timeout', code: DEADLINE, cancelledBy: null },
  fault: {
    ...({ type: 'timeout', status: 504, field: null } as const),
    ...{ code: 'deadline_exceeded', message: ERRORS.deadline_exceeded.message },
  },
};

/** Reads another call's stream as it comes, at the pace of its own client. */
export class StreamFollowing extends Following {
  /** Null: its record is not written, and nothing may go out. */
  #pulse: Pulse | null = null;
  /** Its client has enough for now. */
  #full = false;

  override start(): void {
    const { gate, call, flight } = this;
    call.cache = { ...call.cache!, result: 'collapsed' };
    this.#pulse = new Pulse(gate, call, () => !flight.begun);
    this.#pulse.answers({});
    super.start();
  }

  protected read(): void {
    while (!this.#full) {
      const { end } = this.flight;
      const piece = this.flight.piece(this.at);
      if (end !== null && this.flight.isLast(this.at)) return this.#finish(end, piece);
      if (piece === undefined) return;
      this.at += 1;
      if (!this.#write(piece)) this.#waitForRoom();
    }
  }

  lost(): void {
    if (this.reads) this.#breakOff(CUT_SHORT, undefined);
    else this.takeOver('alone');
  }

  protected override late(): void {
    if (this.#pulse?.headOut) this.#breakOff(LATE, undefined);
    else super.late();
  }

  override stop(): void {
    super.stop();
    this.#pulse?.stop();
  }

  /** Whoever takes nothing for too long is let go, as any slow reader. */
  #waitForRoom(): void {
    this.#full = true;
    const { response, config } = this.call.exchange;
    const stuck = setTimeout(() => response.destroy(), config.file.stream.slowReader.age).unref();
    response.once('close', () => clearTimeout(stuck));
    response.once('drain', () => {
      clearTimeout(stuck);
      this.#full = false;
      this.more();
    });
  }

  #finish(end: FlightEnd, last: Piece | undefined): void {
    if (end.kind === 'broken') return this.#breakOff(end, last);
    if (end.kind === 'failed')
      return this.at > 0 || last !== undefined ? this.#breakOff(CUT_SHORT, last) : this.share(end.failure);
    const { gate, call } = this;
    const bytes = last && this.#bytesOf(last);
    this.settleWhole(end.facts);
    afterWritten(gate, call, () => {
      this.#head();
      if (bytes) this.#send(bytes);
      if (call.stream !== null) call.stream.finish('ok');
      else call.exchange.response.end();
    });
    this.done({ delivered: true });
  }

  /** In-band error, entry, then a broken connection: an end that no client can take for a whole answer. */
  #breakOff({ fault, status, code, cancelledBy }: Broken, last: Piece | undefined): void {
    const { gate, call } = this;
    const bytes = last && this.#bytesOf(last);
    settle(gate, call, { status, httpStatus: 200, errorCode: code, cancelledBy });
    afterWritten(gate, call, () => {
      this.#head();
      if (bytes) this.#send(bytes);
      this.#end(fault);
      call.stream?.finish(status);
    });
    this.done({ delivered: true });
  }

  #end(fault: ProviderFault | null): void {
    const { exchange, facts, stream, id } = this.call;
    const text = fault === null ? '' : facts.dialect.streamFault(fault, id);
    if (stream === null) exchange.response.write(asClientReads(this.call, text), () => exchange.response.destroy());
    else if (text !== '') stream.append(Buffer.from(text));
  }

  #write(piece: Piece): boolean {
    this.#head();
    return this.#send(this.#bytesOf(piece));
  }

  /** As this client gets it. */
  #bytesOf({ bytes, tellsUsage }: Piece): Buffer {
    const { call } = this;
    const own = tellsUsage ? freeOfCost(call, bytes) : bytes;
    const { framing } = call.exchange.route;
    const framed = framing === undefined || call.stream !== null ? own : framesOf(framing, own);
    call.bytesOut += framed.length;
    return framed;
  }

  #send(bytes: Buffer): boolean {
    const { stream, exchange } = this.call;
    if (stream === null) {
      this.#pulse!.alive.sent(bytes);
      return exchange.response.destroyed || exchange.response.write(bytes);
    }
    // What is translated may be several events, and each has a number of its own.
    for (const event of sseSplitter().push(bytes)) stream.append(event.raw);
    return true;
  }

  #head(): void {
    this.call.dropped = this.flight.dropped;
    this.#pulse!.head();
    this.#pulse!.wrote();
  }
}
