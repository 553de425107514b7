import { ERRORS, HeadgateError } from '#kernel/errors.ts';
import { rememberIds } from './remember-ids.ts';
import { DdSketch } from '#math/ddsketch.ts';
import type { UpstreamFailure } from '#providers/index.ts';
import type { CanonicalEvent, ProviderFault } from '#wire/canonical.ts';
import type { EventView, StreamDecoder, StreamEncoder, StreamReader } from '#wire/dialect.ts';
import { framesOf } from '#wire/aws-event-stream/index.ts';
import { sseSplitter, type SseEvent, type SseSplitter } from '#wire/sse/splitter.ts';
import type { AnswerReading, AnswerWatch } from '#capabilities/tenants/index.ts';
import type { LiveStream } from '#capabilities/streams/index.ts';
import { networkFailure, type AttemptEnd, type Relay, type RelayContext } from './attempt.ts';
import type { ReplyDraft } from './cache/turn.ts';
import { eventWithCost } from './cost-in-answer.ts';
import { afterWritten } from './after-written.ts';
import { asClientReads, streamHead } from './client-stream.ts';
import { answerHead } from './answer-head.ts';
import { DEADLINE } from './deadline.ts';
import { readOn } from './read-out.ts';
import { watchOf, WITHHELD } from './leaks.ts';
import { RETRYABLE } from './relay-unary.ts';
import { mergeUsage } from '#wire/usage.ts';
import { markProgress, settle } from './settle.ts';
import { heartbeatOf, type Heartbeat } from './streams/heartbeat.ts';
import { readerWishes } from './streams/reader-wishes.ts';
import { ResponseReader } from './streams/response-reader.ts';

/** A progress mark a second: what a crash may lose of a stream's count (DESIGN, durability). */
const MARK_EVERY_MS = 1_000;
/** A provider that keeps the connection open after its terminal event is cut off after this. */
const LINGER_MS = 5_000;
/** Events before the first content that are held back; more is no provider's preamble. */
const HELD_BYTES = 256 * 1024;

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
  readonly #translate: { readonly decoder: StreamDecoder; readonly encoder: StreamEncoder } | null;
  readonly #withheldUsage: boolean;
  readonly #watch: AnswerWatch | null;
  /** Takes the answer's text for rules and judges. */
  readonly #answer: AnswerReading | null;
  /** Reads the answer's text where nothing is translated, for watch and rules alone. */
  readonly #watched: StreamDecoder | null;
  /** Takes the events for the cache; null: they are not to be kept. */
  readonly #draft: ReplyDraft | null;
  readonly #heartbeat: NodeJS.Timeout;
  readonly #alive: Heartbeat;
  /** Nothing was written since the last half of an interval. */
  #quiet = false;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #headOut = false;
  /** Content has come: what is held goes out with it. */
  #committing = false;
  #committed = false;
  #complete = false;
  #gone = false;
  #over = false;
  #lastMarkMono: number;
  #fault: ProviderFault | null = null;

  constructor(context: RelayContext, splitter?: SseSplitter) {
    this.#context = context;
    this.#framed = splitter !== undefined;
    this.#splitter = splitter ?? sseSplitter();
    const { prepared, call, gate } = context;
    this.#reader = prepared.dialect.streamReader(call.facts.view);
    const same = prepared.dialect === call.facts.dialect;
    this.#translate = same
      ? null
      : {
          decoder: prepared.dialect.streamDecoder(),
          encoder: call.facts.dialect.streamEncoder({
            modelAsked: call.facts.view.model,
            callId: call.id,
            nowS: Math.floor(gate.clock.now() / 1000),
            includeUsage: call.facts.view.includeUsage,
          }),
        };
    this.#watch = watchOf(gate, call);
    this.#answer = call.reading?.answer ?? null;
    this.#answer?.begin();
    this.#watched = same && (this.#watch ?? this.#answer) ? prepared.dialect.streamDecoder() : null;
    this.#draft = call.cache?.draft ?? null;
    this.#draft?.begin();
    this.#withheldUsage = same && !call.facts.view.includeUsage;
    this.#lastMarkMono = call.facts.startedMono;
    this.#alive = heartbeatOf(call.facts.dialect.name, call.facts.attribution.client);
    this.#heartbeat = setInterval(() => this.#halfBeat(), call.exchange.config.file.stream.heartbeat / 2);
  }

  data(chunk: Buffer): boolean {
    if (this.#over) return true;
    let events: SseEvent[];
    try {
      events = this.#splitter.push(chunk);
    } catch {
      this.#context.control.abort();
      this.#cut(this.#framed ? 'The provider sent a broken frame.' : 'The provider sent an event without end.');
      return true;
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
    this.#draft?.take(event.raw, view.usage !== null);
    return view.usage ? eventWithCost(event, this.#context.call, this.#context.record, this.#context.gate) : event.raw;
  }

  #translated(event: SseEvent): Buffer | null {
    const { decoder, encoder } = this.#translate!;
    let text = '';
    const steps = decoder.push(event);
    if (this.#leaks(steps)) return null;
    for (const canonical of steps) {
      if (canonical.type === 'error') continue;
      text += encoder.push(canonical);
    }
    return text === '' ? null : this.#taken(Buffer.from(text));
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
    if (now - this.#lastMarkMono >= MARK_EVERY_MS) this.#mark(now);
  }

  #mark(now: number): void {
    const { gate, call, record } = this.#context;
    this.#lastMarkMono = now;
    if (markProgress(gate, call, record) === 'end') this.#fault = SPENT;
  }

  /** Writes or holds; settles before the last byte goes out. */
  #pass(out: Buffer[]): boolean {
    if (this.#fault) return this.#failed(out);
    if (!this.#committing) return this.#hold(out);
    this.#committed = true;
    if (this.#complete) return this.#finish(out);
    if (this.#gone) return true;
    return this.#write(out);
  }

  #hold(out: Buffer[]): boolean {
    this.#held.push(...out);
    for (const { length } of out) this.#heldBytes += length;
    if (this.#heldBytes > HELD_BYTES) this.#committing = true;
    return true;
  }

  #write(out: Buffer[]): boolean {
    if (out.length === 0 && this.#held.length === 0) return true;
    this.#head();
    this.#quiet = false;
    const { stream, exchange } = this.#context.call;
    if (stream !== null) return this.#append(stream, out);
    const { response } = exchange;
    const roomy = response.write(this.#joined(out));
    if (!roomy) response.once('drain', () => this.#context.control.resume());
    return roomy;
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

  /** Two halves without an event: no silence is longer than the interval, whenever it began. */
  #halfBeat(): void {
    const quiet = this.#quiet;
    this.#quiet = !quiet;
    if (quiet) this.#beat();
  }

  /** A sign of life: the status line first, then what the client's idle timer counts. */
  #beat(): void {
    if (!this.#headOut) return this.#head(true);
    const { stream, exchange } = this.#context.call;
    if (stream !== null) return stream.ping();
    const { response } = exchange;
    if (response.destroyed || response.writableNeedDrain) return;
    response.write(this.#alive.text);
  }

  /** What was held and what has come, as one piece for the client. */
  #joined(out: Buffer[]): Buffer {
    const pieces = this.#held.length > 0 ? [...this.#held, ...out] : out;
    this.#held = [];
    const joined = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
    this.#alive.sent(joined);
    const { framing } = this.#context.call.exchange.route;
    const bytes = framing === undefined ? joined : framesOf(framing, joined);
    this.#context.call.bytesOut += bytes.length;
    return bytes;
  }

  /** The status line: with the first content, or `alone` when a heartbeat interval has passed in silence. */
  #head(alone = false): void {
    if (this.#headOut) return;
    this.#headOut = true;
    const { exchange, stream } = this.#context.call;
    const { response } = exchange;
    if (response.headersSent || response.destroyed) return stream?.unread();
    response.writeHead(200, answerHead(this.#context, streamHead(this.#context.call)) as string[]);
    if (alone) response.flushHeaders();
    if (stream === null) return;
    stream.attach(exchange.carrier?.reader(stream) ?? this.#responseReader(stream), 0);
  }

  #responseReader(stream: LiveStream): ResponseReader {
    const { exchange } = this.#context.call;
    return new ResponseReader(exchange.response, stream, { heartbeat: this.#alive, ...readerWishes(exchange) });
  }

  #finish(out: Buffer[]): boolean {
    const { gate, call, record } = this.#context;
    if (this.#gone) return this.#settleGone();
    // What completes with the last word has gone out before it: an incident, and nothing to stop.
    this.#watch?.end();
    record.status = 'ok';
    record.timing.doneMs = gate.clock.mono() - record.startedMono;
    const { stream } = call;
    const last = stream === null ? this.#joined(out) : null;
    if (stream !== null) for (const { length } of [...this.#held, ...out]) call.bytesOut += length;
    settle(gate, call, { status: 'ok', httpStatus: 200, errorCode: null, cancelledBy: null });
    if (this.#watch?.leaked) this.#draft?.spoil();
    this.#draft?.keep(gate, call, record);
    afterWritten(gate, call, () => {
      this.#head();
      if (stream === null) return void call.exchange.response.end(last ?? undefined);
      this.#append(stream, out);
      stream.finish('ok');
    });
    setTimeout(() => this.#context.control.abort(), LINGER_MS).unref();
    return this.#done({ delivered: true });
  }

  end(): void {
    if (this.#over) return;
    if (this.#gone) return void this.#settleGone();
    if (this.#reader.ended?.()) return void this.#properEnd();
    this.#cut('The provider ended the stream before it was complete.');
  }

  /** A dialect without a terminal event: the end of the connection is the end of the answer. */
  #properEnd(): void {
    const { decoder, encoder } = this.#translate ?? {};
    const text = (decoder?.end?.() ?? []).map((event) => encoder!.push(event)).join('');
    this.#committed = true;
    this.#finish(text === '' ? [] : [this.#taken(Buffer.from(text))]);
  }
  broken(failure: UpstreamFailure): void {
    if (this.#over) return;
    if (this.#gone) return void this.#settleGone();
    // Every finish reason was there: nothing of the answer is missing.
    if (this.#reader.ended?.()) return void this.#properEnd();
    this.#context.record.errorCode = failure.code;
    if (!this.#committed && !failed(failure)) return void this.#done(networkFailure(this.#context.record, failure));
    this.#cut(whyBroken(failure));
  }

  stop(): void {
    this.#over = true;
    clearInterval(this.#heartbeat);
  }
  clientGone(): boolean {
    if (this.#over) return true;
    const { stream } = this.#context.call;
    if (stream?.resumable) {
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
    const last = fault ? asClientReads(call, call.facts.dialect.streamFault(fault, call.id)) : '';
    afterWritten(gate, call, () => {
      this.#head();
      if (call.stream === null) return void response.write(last, () => response.destroy());
      if (last !== '') call.stream.append(Buffer.from(last));
      call.stream.finish(status);
    });
    this.#done({ delivered: true });
  }

  #done(end: AttemptEnd): true {
    this.#over = true;
    clearInterval(this.#heartbeat);
    this.#context.done(end);
    return true;
  }
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
