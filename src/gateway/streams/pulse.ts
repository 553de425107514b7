import { answerHead, type HeadParts } from '../answer-head.ts';
import type { Call } from '../call.ts';
import { asClientReads, streamHead } from '../client-stream.ts';
import type { Gate } from '../gate.ts';
import { heartbeatOf, type Heartbeat } from './heartbeat.ts';
import { readWhole } from './readers.ts';

/**
 * Head and signs of life of a streamed call, from its first attempt to its end: while it waits for its turn at a
 * provider's account, for the provider's head, between attempts, and between two events. The status line goes out
 * with the first content, or alone when an interval has passed in silence (clients.md 12); what fails later is told
 * in band.
 */
export class Pulse {
  /** Knows what the client was sent, and so what it would count now. */
  readonly alive: Heartbeat;
  readonly #gate: Gate;
  readonly #call: Call;
  readonly #holds: () => boolean;
  readonly #timer: NodeJS.Timeout;
  /** The answer that is coming; null: none has begun. */
  #answer: Omit<HeadParts, 'gate' | 'call'> | null = null;
  #headOut = false;
  /** Nothing was written since the last half of an interval. */
  #quiet = false;

  /** `holds`: whatever comes may still be an error with a status of its own, and silence sends no head. */
  constructor(gate: Gate, call: Call, holds: () => boolean = () => false) {
    this.#gate = gate;
    this.#call = call;
    this.#holds = holds;
    this.alive = heartbeatOf(call.facts.dialect.name, call.facts.attribution.client);
    this.#timer = setInterval(() => this.#halfBeat(), call.exchange.config.file.stream.heartbeat / 2);
  }

  /** A provider answers: a head from now on says what its own did. Null: it came to nothing. */
  answers(answer: Omit<HeadParts, 'gate' | 'call'> | null): void {
    this.#answer = answer;
  }

  get headOut(): boolean {
    return this.#headOut;
  }

  /** Something goes out. */
  wrote(): void {
    this.#quiet = false;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** The status line, and whoever reads its log; `alone`: nothing follows for now. */
  head(alone = false): void {
    if (this.#headOut) return;
    this.#headOut = true;
    const { exchange, stream, facts } = this.#call;
    const { response } = exchange;
    // Whoever repeats an idempotency key waits for the head, also when the first client has left.
    if (response.headersSent || (response.destroyed && facts.once === null)) return stream?.unread();
    const own = streamHead(this.#call);
    response.writeHead(200, answerHead({ gate: this.#gate, call: this.#call, ...this.#answer }, own) as string[]);
    if (response.destroyed) return stream?.unread();
    if (alone) response.flushHeaders();
    if (stream !== null) readWhole(this.#call, stream);
  }

  /** Two halves without an event: no silence is longer than the interval, whenever it began. */
  #halfBeat(): void {
    const quiet = this.#quiet;
    this.#quiet = !quiet;
    if (quiet) this.#beat();
  }

  /** A sign of life: the status line first, then what the client's idle timer counts. */
  #beat(): void {
    const { exchange, stream } = this.#call;
    if (!this.#headOut && this.#holds()) return;
    // A protocol that can say a failure at any time keeps its honest words until an answer has begun.
    if (!this.#headOut && exchange.carrier && this.#answer === null) return exchange.carrier.waiting?.();
    if (!this.#headOut) return this.head(true);
    if (stream !== null) return stream.ping();
    const { response } = exchange;
    if (response.destroyed || response.writableNeedDrain) return;
    response.write(asClientReads(this.#call, this.alive.text));
  }
}

/** Signs of life for a call that is to be answered by events, whatever they say. */
export function beginPulse(gate: Gate, call: Call): void {
  const { view, dialect } = call.facts;
  // Of what may be sound after all, only a provider's head tells what the client's own is.
  if (view.stream && dialect.passes === undefined) call.pulse ??= new Pulse(gate, call);
}
