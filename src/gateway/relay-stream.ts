import { ERRORS, HeadgateError } from '#kernel/errors.ts';
import { rememberIds } from './remember-ids.ts';
import { DdSketch } from '#math/ddsketch.ts';
import type { OutcomeStatus } from '#ports/entry.ts';
import type { UpstreamFailure } from '#providers/index.ts';
import type { CanonicalEvent, ProviderFault } from '#wire/canonical.ts';
import type { EventView, StreamDecoder, StreamEncoder, StreamReader } from '#wire/dialect.ts';
import { framesOf } from '#wire/aws-event-stream/index.ts';
import { sseSplitter, type SseEvent, type SseSplitter } from '#wire/sse/splitter.ts';
import type { AnswerReading, AnswerWatch } from '#capabilities/tenants/index.ts';
import type { LiveStream } from '#capabilities/streams/index.ts';
import { networkFailure, type AttemptEnd, type Relay, type RelayContext } from './attempt.ts';
import { CUT_SHORT, type FlightEnd } from './cache/flight/flight.ts';
import type { ReplyDraft } from './cache/turn.ts';
import { eventWithCost } from './cost-in-answer.ts';
import { afterWritten } from './after-written.ts';
import { asClientReads } from './client-stream.ts';
import { DEADLINE } from './deadline.ts';
import { readOn } from './read-out.ts';
import { watchOf, WITHHELD } from './leaks.ts';
import type { Seam } from './redrive/core/seam.ts';
import { RETRYABLE } from './relay-unary.ts';
import { withoutCached } from '#wire/hide-cached.ts';
import { mergeUsage } from '#wire/usage.ts';
import type { DelayLine } from './prefix-cache/delay-line.ts';
import { lineToGrid } from './prefix-cache/first-token-grid.ts';
import { maskOf, shownEvent, type Mask } from './prefix-cache/shown.ts';
import { markProgress, settle } from './settle.ts';
import { Pulse } from './streams/pulse.ts';

/** A progress mark a second: what a crash may lose of a stream's count (DESIGN, durability). */
const MARK_EVERY_MS = 1_000;
/**
 * Of a stream that another gate would go on with: its death is followed by a second bill, and before two marks it is
 * charged all that was reserved.
 */
const REDRIVABLE_MARK_EVERY_MS = 250;
/** A provider that keeps the connection open after its terminal event is cut off after this. */
const LINGER_MS = 5_000;
/** Events before the first content that are held back; more is no provider's preamble. */
const HELD_BYTES = 256 * 1024;

interface Translation {
  readonly decoder: StreamDecoder;
  readonly encoder: StreamEncoder;
  /** Of an answer that is gone on with; null: it is whole. */
  readonly seam: Seam | null;
}

/**
 * A streamed answer. Events before the first content are held, and the status line with them, so that an early
 * failure can go to another deployment unseen (clients.md 12, 13). Bytes of an event pass as they came unless the
 * dialect is another. An end without the dialect's terminal event is told to the client in band, and then the
 * connection is broken: the openai SDK takes a clean end without `[DONE]` for success.
 */
export class StreamRelay implements Relay {
  readonly #context: RelayContext;
  readonly #splitter: SseSplitter;
  /** Are the provider's bytes the client's? Binary frames are opened, and their events written anew. */
  readonly #framed: boolean;
  readonly #reader: StreamReader;
  readonly #translate: Translation | null;
  readonly #withheldUsage: boolean;
  readonly #watch: AnswerWatch | null;
  /** Takes the answer's text for rules and judges. */
  readonly #answer: AnswerReading | null;
  /** Reads the answer's text where nothing is translated, for watch and rules alone. */
  readonly #watched: StreamDecoder | null;
  readonly #mask: Mask | null;
  /** Takes the events for the cache; null: they are not to be kept. */
  readonly #draft: ReplyDraft | null;
  readonly #pulse: Pulse;
  #held: Buffer[] = [];
  #heldBytes = 0;
  /** Content has come: what is held goes out with it. */
  #committing = false;
  #committed = false;
  #complete = false;
  /** What comes goes out later; null: at once. */
  #line: DelayLine | null = null;
  /** The end waits in the line: what still comes means nothing. */
  #ending = false;
  #gone = false;
  #over = false;
  #lastMarkMono: number;
  readonly #markEveryMs: number;
  #fault: ProviderFault | null = null;

  constructor(context: RelayContext, splitter?: SseSplitter) {
    this.#context = context;
    this.#framed = splitter !== undefined;
    this.#splitter = splitter ?? sseSplitter();
    const { prepared, call, gate } = context;
    this.#reader = prepared.dialect.streamReader(call.facts.view);
    const same = prepared.dialect === call.facts.dialect;
    const continuation = call.exchange.redrive?.continuation(call) ?? null;
    this.#translate =
      same && continuation === null
        ? null
        : {
            decoder: prepared.dialect.streamDecoder(),
            seam: continuation?.seam ?? null,
            encoder:
              continuation?.encoder ??
              call.facts.dialect.streamEncoder({
                modelAsked: call.facts.view.model,
                callId: call.id,
                nowS: Math.floor(gate.clock.now() / 1000),
                includeUsage: call.facts.view.includeUsage,
              }),
          };
    this.#watch = watchOf(gate, call);
    this.#mask = maskOf(gate, call, context.record);
    this.#answer = call.reading?.answer ?? null;
    this.#answer?.begin();
    const isWatched = this.#translate === null && (this.#watch ?? this.#answer) !== null;
    this.#watched = isWatched ? prepared.dialect.streamDecoder() : null;
    this.#draft = call.cache?.draft ?? null;
    this.#draft?.begin();
    call.flight?.onJoined(() => context.control.resume());
    this.#withheldUsage = this.#translate === null && !call.facts.view.includeUsage;
    this.#lastMarkMono = call.facts.startedMono;
    this.#markEveryMs = call.stream?.redrivable ? REDRIVABLE_MARK_EVERY_MS : MARK_EVERY_MS;
    this.#pulse = call.pulse ??= new Pulse(gate, call);
    this.#pulse.answers(context);
  }

  data(chunk: Buffer): boolean {
    if (this.#over || this.#ending) return true;
    let events: SseEvent[];
    try {
      events = this.#splitter.push(chunk);
    } catch {
      this.#context.control.abort();
      const why = this.#framed ? 'The provider sent a broken frame.' : 'The provider sent an event without end.';
      return this.#ending || this.#last(() => this.#cut(why));
    }
    const out: Buffer[] = [];
    let untouched = events.length > 0;
    for (const event of events) {
      const bytes = this.#event(event);
      if (bytes !== event.raw) untouched = false;
      if (bytes) out.push(bytes);
      if (this.#fault || this.#complete) break;
    }
    if (!this.#framed) this.#context.gate.recounts.keep(this.#context.record, chunk);
    const plain = untouched && !this.#framed && out.length > 1 && this.#context.call.stream === null;
    const whole = plain && this.#contiguous(chunk, out) ? [chunk] : out;
    return this.#pass(whole);
  }

  /** Do the events make up exactly this read? Then it is written as it came, without a copy. */
  #contiguous(chunk: Buffer, out: readonly Buffer[]): boolean {
    return out.reduce((sum, { length }) => sum + length, 0) === chunk.length && this.#splitter.rest().length === 0;
  }

  /** What the client gets for one event; null: nothing. */
  #event(event: SseEvent): Buffer | null {
    const view = this.#reader.read(event);
    this.#note(view);
    if (view.fault) this.#fault = view.fault;
    if (view.content || view.terminal) this.#committing = true;
    if (view.terminal) this.#complete = true;
    if (this.#translate) return this.#translated(event);
    if (this.#watched && this.#isRead() && this.#leaks(this.#watched.push(event))) return null;
    if (view.usageOnly && this.#withheldUsage) return null;
    const shown = this.#mask === null ? event.raw : shownEvent(this.#mask, event, this.#context.prepared.dialect.name);
    this.#draft?.take(shown, view.usage !== null);
    return view.usage ? eventWithCost(shown, this.#context.call, this.#context.record, this.#context.gate) : shown;
  }

  #translated(event: SseEvent): Buffer | null {
    const { decoder, encoder, seam } = this.#translate!;
    let text = '';
    const own = decoder.push(event);
    const steps = seam?.steps(own) ?? own;
    if (this.#leaks(steps)) return null;
    for (const canonical of steps) {
      if (canonical.type === 'error') continue;
      text += encoder.push(this.#shown(canonical));
    }
    return text === '' ? null : this.#taken(Buffer.from(text));
  }

  #shown(step: CanonicalEvent): CanonicalEvent {
    return step.type === 'usage' && this.#mask?.hidesCached ? { ...step, usage: withoutCached(step.usage) } : step;
  }

  #taken(events: Buffer): Buffer {
    this.#draft?.take(events);
    return events;
  }

  /** Does anybody still want the text? */
  #isRead(): boolean {
    return this.#watch !== null || this.#answer?.isFull === false;
  }

  /** Do these steps complete a text of another tenant, and is the answer to end before them? */
  #leaks(steps: readonly CanonicalEvent[]): boolean {
    if (this.#answer !== null) for (const step of steps) this.#answer.push(step);
    if (this.#watch === null || this.#fault) return false;
    for (const step of steps) {
      const text = step.type === 'delta' ? step.text : step.type === 'block_stop' ? '\n' : '';
      if (text === '' || !this.#watch.push(text)) continue;
      this.#fault = WITHHELD;
      return true;
    }
    return false;
  }

  #note(view: EventView): void {
    const { record, call, gate } = this.#context;
    if (view.finish) record.finish = view.finish;
    if (view.usage) {
      record.usage = mergeUsage(record.usage, view.usage);
      record.usageFinal = record.finish !== null || view.terminal;
    }
    if (view.modelReturned) record.modelReturned ??= view.modelReturned;
    if (view.fingerprint) record.fingerprint ??= view.fingerprint;
    if (view.keptIds.length > 0) rememberIds(gate, call, record, view.keptIds);
    if (!view.content) return;
    record.textBytes += view.textBytes;
    const now = gate.clock.mono();
    const last = record.timing.lastTokenMs;
    const sinceStart = now - record.startedMono;
    if (last === null) record.timing.firstTokenMs = sinceStart;
    else (call.gaps ??= new DdSketch()).add(sinceStart - last);
    record.timing.lastTokenMs = sinceStart;
    if (now - this.#lastMarkMono >= this.#markEveryMs) this.#mark(now);
  }

  #mark(now: number): void {
    const { gate, call, record } = this.#context;
    this.#lastMarkMono = now;
    if (markProgress(gate, call, record) === 'end') this.#fault = SPENT;
  }

  /** Writes or holds; settles before the last byte goes out. */
  #pass(out: Buffer[]): boolean {
    if (this.#fault) return this.#last(() => this.#failed(out));
    if (!this.#committing) return this.#hold(out);
    if (!this.#committed) this.#line = lineToGrid(this.#context);
    this.#committed = true;
    if (this.#complete) return this.#last(() => this.#finish(out));
    const { call } = this.#context;
    call.flight?.open(call.dropped);
    if (this.#gone) return true;
    if (this.#line === null) return this.#write(out);
    const bytes = out.reduce((sum, { length }) => sum + length, 0);
    // A client that reads slowly has `#write` wait for it: until then the provider waits.
    const room = this.#line.push(bytes, () => this.#gone || this.#write(out));
    return room && !this.#context.call.exchange.response.writableNeedDrain;
  }

  /** The end of the answer, after what waits. */
  #last(step: () => boolean | void): boolean {
    if (this.#line === null) return step() ?? true;
    const { record, gate } = this.#context;
    this.#ending = true;
    record.timing.doneMs ??= gate.clock.mono() - record.startedMono;
    this.#line.push(0, step);
    return true;
  }

  #hold(out: Buffer[]): boolean {
    this.#held.push(...out);
    for (const { length } of out) this.#heldBytes += length;
    if (this.#heldBytes > HELD_BYTES) this.#committing = true;
    return true;
  }

  #write(out: Buffer[]): boolean {
    if (out.length === 0 && this.#held.length === 0) return true;
    this.#pulse.head();
    this.#pulse.wrote();
    const { stream, exchange } = this.#context.call;
    if (stream !== null) return this.#append(stream, out);
    const { response } = exchange;
    const roomy = response.write(this.#joined(out));
    if (roomy || this.#lags()) return true;
    response.once('drain', () => this.#context.control.resume());
    return false;
  }

  /** A slow client holds up nobody who waits for the same answer: it is let go where it is further behind than they may be. */
  #lags(): boolean {
    const { flight, exchange } = this.#context.call;
    if (!flight?.isRead) return false;
    if (exchange.response.writableLength > flight.maxBytes) exchange.response.destroy();
    return true;
  }

  /** Event by event into the log, and from there to whoever reads. The provider never waits for a reader. */
  #append(stream: LiveStream, out: readonly Buffer[]): true {
    const { call } = this.#context;
    const pieces = this.#held.length > 0 ? [...this.#held, ...out] : out;
    this.#held = [];
    for (const piece of pieces) {
      call.bytesOut += piece.length;
      // What is translated may be several events, and each has a number of its own.
      if (this.#translate === null) stream.append(piece);
      else for (const event of sseSplitter().push(piece)) stream.append(event.raw);
    }
    return true;
  }

  /** What was held and what has come, as one piece for the client. */
  #joined(out: Buffer[]): Buffer {
    const pieces = this.#held.length > 0 ? [...this.#held, ...out] : out;
    this.#held = [];
    const joined = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
    this.#pulse.alive.sent(joined);
    const { framing } = this.#context.call.exchange.route;
    const bytes = framing === undefined ? joined : framesOf(framing, joined);
    this.#context.call.bytesOut += bytes.length;
    return bytes;
  }

  #finish(out: Buffer[]): boolean {
    const { gate, call, record } = this.#context;
    if (this.#gone) {
      if (call.flight?.isRead) this.#draft?.keep(gate, call, record);
      return this.#settleGone();
    }
    // What completes with the last word has gone out before it: an incident, and nothing to stop.
    this.#watch?.end();
    record.status = 'ok';
    if (this.#line === null) record.timing.doneMs = gate.clock.mono() - record.startedMono;
    const { stream } = call;
    const last = stream === null ? this.#joined(out) : null;
    if (stream !== null) for (const { length } of [...this.#held, ...out]) call.bytesOut += length;
    settle(gate, call, { status: 'ok', httpStatus: 200, errorCode: null, cancelledBy: null });
    if (this.#watch?.leaked) this.#draft?.spoil();
    this.#draft?.keep(gate, call, record);
    afterWritten(gate, call, () => {
      this.#pulse.head();
      if (stream === null) return void call.exchange.response.end(last ?? undefined);
      this.#append(stream, out);
      stream.finish('ok');
    });
    setTimeout(() => this.#context.control.abort(), LINGER_MS).unref();
    return this.#done({ delivered: true });
  }

  end(): void {
    if (!this.#over && !this.#ending) this.#last(() => this.#ended());
  }

  #ended(): void {
    if (this.#gone) return void this.#settleGone();
    if (this.#reader.ended?.()) return void this.#properEnd();
    this.#cut('The provider ended the stream before it was complete.');
  }

  /** A dialect without a terminal event: the end of the connection is the end of the answer. */
  #properEnd(): void {
    const { decoder, encoder, seam } = this.#translate ?? {};
    const own = decoder?.end?.() ?? [];
    const text = (seam?.steps(own) ?? own).map((event) => encoder!.push(this.#shown(event))).join('');
    this.#committed = true;
    this.#finish(text === '' ? [] : [this.#taken(Buffer.from(text))]);
  }
  broken(failure: UpstreamFailure): void {
    if (!this.#over && !this.#ending) this.#last(() => this.#brokenOff(failure));
  }

  #brokenOff(failure: UpstreamFailure): void {
    if (this.#gone) return void this.#settleGone();
    // Every finish reason was there: nothing of the answer is missing.
    if (this.#reader.ended?.()) return void this.#properEnd();
    this.#context.record.errorCode = failure.code;
    if (!this.#committed && !failed(failure)) return void this.#done(networkFailure(this.#context.record, failure));
    this.#cut(whyBroken(failure));
  }

  stop(): void {
    this.#over = true;
    this.#line?.stop();
  }
  clientGone(): boolean {
    if (this.#over) return true;
    const { stream, ending } = this.#context.call;
    if (stream?.resumable && ending === null) {
      stream.unread();
      return true;
    }
    this.#gone = true;
    this.#held = [];
    return readOn(this.#context, () => this.#settleGone());
  }

  #settleGone(): true {
    this.#context.record.status = 'cancelled';
    return this.#done({ delivered: true });
  }

  /** The stream stopped without its terminal event. */
  #cut(message: string): void {
    const { record } = this.#context;
    record.status = 'truncated';
    record.errorCode ??= 'truncated';
    const fault: ProviderFault = { type: 'server', status: 502, message, code: 'stream_truncated', field: null };
    if (this.#committed) return this.#breakOff(fault, 'stream_truncated');
    this.#done({
      delivered: false,
      failure: { status: null, retryable: true, retryAfterMs: null },
      failed: { kind: 'network', error: new HeadgateError('stream_truncated', { message }) },
    });
  }

  /** The provider reported an error inside the stream, or our own budget ended it. */
  #failed(out: Buffer[]): boolean {
    const { record, control } = this.#context;
    const fault = this.#fault!;
    if (fault === SPENT || fault === WITHHELD) {
      record.status = 'cancelled';
      this.#write(out);
      this.#breakOff(fault, fault === SPENT ? 'budget_exceeded' : 'answer_withheld');
      // Last: what an abort brings back would end it in other words.
      control.abort();
      return true;
    }
    record.status = 'provider_error';
    record.errorCode = (fault.code ?? fault.type).slice(0, 64);
    if (this.#committed) {
      // In the same dialect the provider's own event is already among `out`, in its own words.
      this.#write(out);
      this.#breakOff(this.#translate ? fault : null, record.errorCode);
      return true;
    }
    const retryable = RETRYABLE.has(fault.type);
    return this.#done({
      delivered: false,
      failure: { status: fault.status, retryable, retryAfterMs: null },
      failed: { kind: 'fault', fault },
    });
  }

  /** In-band error, entry, then a broken connection: an end that no client can take for a whole answer. */
  #breakOff(fault: ProviderFault | null, code: string): void {
    const { gate, call, record } = this.#context;
    const { response } = call.exchange;
    const spent = fault === SPENT;
    const status = record.status;
    settle(gate, call, {
      status,
      httpStatus: 200,
      errorCode: code,
      cancelledBy: spent ? 'budget' : fault === WITHHELD ? 'operator' : null,
    });
    call.flight?.land(brokenEnd(fault, { status, code }));
    const last = fault ? asClientReads(call, call.facts.dialect.streamFault(fault, call.id)) : '';
    afterWritten(gate, call, () => {
      this.#pulse.head();
      if (call.stream === null) return void response.write(last, () => response.destroy());
      if (last !== '') call.stream.append(Buffer.from(last));
      call.stream.finish(status);
    });
    this.#done({ delivered: true });
  }

  #done(end: AttemptEnd): true {
    this.#over = true;
    if (!end.delivered) this.#pulse.answers(null);
    this.#context.done(end);
    return true;
  }
}

/** What those who wait for the answer are told. Money that ran out was the leader's own. */
function brokenEnd(fault: ProviderFault | null, how: { status: OutcomeStatus; code: string }): FlightEnd {
  return fault === SPENT
    ? CUT_SHORT
    : { kind: 'broken', fault, cancelledBy: fault === WITHHELD ? 'operator' : null, ...how };
}

function whyBroken({ kind, code }: UpstreamFailure): string {
  if (code === DEADLINE) return ERRORS.deadline_exceeded.message;
  return kind === 'timeout' ? `The provider fell silent (${code} timer).` : 'The provider closed the connection.';
}

/** After our own abort a connection error says nothing about the provider. */
const failed = (failure: UpstreamFailure): boolean => failure.kind === 'aborted';

/** The budget is gone and the operator wants the stream ended (`endWhenSpent`). */
const SPENT: ProviderFault = Object.freeze({
  type: 'billing',
  status: 402,
  message: 'The budget is spent; the answer ends here.',
  code: 'budget_exceeded',
  field: null,
});
