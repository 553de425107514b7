import type { UpstreamFailure } from '#providers/index.ts';
import type { ProviderFault } from '#wire/canonical.ts';
import type { AnswerView } from '#wire/dialect.ts';
import { withoutCached } from '#wire/hide-cached.ts';
import { topOf } from '#wire/pass-through/rank-call.ts';
import { networkFailure, type Relay, type RelayContext } from './attempt.ts';
import { withCost } from './cost-in-answer.ts';
import { bodyValue } from './headers.ts';
import { afterWritten } from './after-written.ts';
import { answerHead } from './answer-head.ts';
import { readOn } from './read-out.ts';
import type { DelayLine } from './prefix-cache/delay-line.ts';
import { lineToGrid } from './prefix-cache/first-token-grid.ts';
import { maskOf, shownBody, type Mask } from './prefix-cache/shown.ts';
import { isWithheld, watchOf, withheld } from './leaks.ts';
import { rememberIds } from './remember-ids.ts';
import { settle } from './settle.ts';

/** What Node writes to a socket from its stack: 16 KB with the head. */
const SHORT_BODY_BYTES = 14 * 1024;

/** A whole answer: read to its end, settled, then passed on. Bytes stay as they came in the same dialect. */
export class UnaryRelay implements Relay {
  readonly #context: RelayContext;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #gone = false;
  #line: DelayLine | null = null;

  constructor(context: RelayContext) {
    this.#context = context;
  }

  data(chunk: Buffer): boolean {
    this.#bytes += chunk.length;
    this.#chunks.push(chunk);
    if (this.#bytes > this.#context.call.exchange.config.file.limits.answerBytes) this.#tooLarge();
    return true;
  }

  end(): void {
    const { record, call, prepared, gate } = this.#context;
    const body = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    const { readable } = prepared.dialect;
    const value = bodyValue(readable ? readable(body) : body);
    const view = prepared.dialect.readAnswer(value, call.facts.view);
    this.#note(view, body.length);
    if (view.fault) return this.#fault(view.fault);
    if (typeof value !== 'object' || value === null) {
      return this.#fault({
        type: 'server',
        status: 502,
        message: 'The answer is not JSON.',
        code: 'not_json',
        field: null,
      });
    }
    // The status line of a stream is out already: a JSON body can no longer be the answer.
    if (call.exchange.response.headersSent) {
      return this.#fault({
        type: 'server',
        status: 502,
        message: 'The answer is no stream.',
        code: 'stream_expected',
        field: null,
      });
    }
    record.status = 'ok';
    if (this.#gone && !call.flight?.isRead) return this.#settleGone();
    const same = prepared.dialect === call.facts.dialect;
    const watch = watchOf(gate, call);
    if (isWithheld(watch, () => prepared.dialect.decodeAnswer(value))) return this.#withhold();
    if (watch?.leaked) call.cache?.draft?.spoil();
    this.#read(value);
    const mask = maskOf(gate, call, record);
    const shown =
      mask === null || !same ? body : shownBody(mask, body, prepared.dialect.name, readable ? undefined : value);
    const plain = same ? shown : this.#translate(value, mask);
    this.#line = this.#gone ? null : lineToGrid(this.#context);
    if (this.#line === null) return this.#passOn(plain);
    this.#line.push(plain.length, () => this.#passOn(plain));
  }

  /** To the client, or to those alone who follow one that has left. */
  #passOn(plain: Buffer): void {
    if (!this.#gone) return this.#deliver(plain);
    this.#share(plain);
    this.#settleGone();
  }

  broken(failure: UpstreamFailure): void {
    if (this.#gone) return this.#settleGone();
    this.#context.done(networkFailure(this.#context.record, failure));
  }

  stop(): void {
    this.#gone = true;
    this.#line?.stop();
  }
  clientGone(): boolean {
    this.#gone = true;
    return readOn(this.#context, () => this.#settleGone());
  }

  #note(view: AnswerView, bytes: number): void {
    const { record, gate, call } = this.#context;
    record.usage = view.usage;
    record.usageFinal = true;
    record.counted = view.counted === true;
    record.finish = view.finish;
    record.modelReturned = view.modelReturned;
    record.fingerprint = view.fingerprint;
    record.textBytes = bytes;
    if (view.keptIds.length > 0) rememberIds(gate, call, record, view.keptIds);
  }

  /** Its text, for rules and judges. */
  #read(value: unknown): void {
    const { call, prepared } = this.#context;
    if (call.reading === null) return;
    const { answer } = call.reading;
    try {
      answer.take(prepared.dialect.decodeAnswer(value));
    } catch {
      answer.spoil();
    }
  }

  #translate(value: unknown, mask: Mask | null): Buffer {
    const { call, prepared, gate } = this.#context;
    const whole = prepared.dialect.decodeAnswer(value);
    const answer = mask?.hidesCached && whole.usage ? { ...whole, usage: withoutCached(whole.usage) } : whole;
    const out = call.facts.dialect.encodeAnswer(answer, {
      modelAsked: call.facts.view.model,
      callId: call.id,
      nowS: Math.floor(gate.clock.now() / 1000),
      includeUsage: true,
      ...(answer.kind === 'rank' && { top: topOf(call.facts.body.value) }),
      ...(answer.kind === 'embed' && { encoding: encodingAsked(call.facts.body.value) }),
    });
    return Buffer.from(JSON.stringify(out));
  }

  /** Settled first, and passed on once that is in the spool. */
  #deliver(plain: Buffer): void {
    const { call, gate, status } = this.#context;
    call.bytesOut = plain.length;
    const entry = settle(gate, call, { status: 'ok', httpStatus: status, errorCode: null, cancelledBy: null });
    this.#share(plain);
    const body = withCost(plain, call, entry);
    afterWritten(gate, call, () => this.#send(body));
    this.#context.done({ delivered: true });
  }

  /** For later, and for those who wait for it now. */
  #share(plain: Buffer): void {
    const { call, gate, record } = this.#context;
    const draft = call.cache?.draft;
    draft?.begin();
    draft?.take(plain);
    draft?.keep(gate, call, record);
  }

  #send(body: Buffer): void {
    const { call, status } = this.#context;
    const { response } = call.exchange;
    const own = ['content-type', 'application/json', 'content-length', String(body.length)];
    response.writeHead(status, answerHead(this.#context, own) as string[]);
    // Head and a short body as one text are one plain write; as two buffers they are a gathered one (2 µs a call more).
    if (body.length <= SHORT_BODY_BYTES) response.end(body.toString('latin1'), 'latin1');
    else response.end(body);
  }

  /** It was generated, and is paid; the caller does not get it. */
  #withhold(): void {
    const failure = { status: null, retryable: false, retryAfterMs: null };
    this.#context.done({ delivered: false, failure, failed: { kind: 'network', error: withheld() } });
  }

  #settleGone(): void {
    const { record, done } = this.#context;
    record.status = 'cancelled';
    done({ delivered: true });
  }

  #fault(fault: ProviderFault): void {
    const { record, done } = this.#context;
    record.status = 'provider_error';
    record.errorCode = (fault.code ?? fault.type).slice(0, 64);
    if (this.#gone) return this.#settleGone();
    done({
      delivered: false,
      failure: { status: fault.status, retryable: RETRYABLE.has(fault.type), retryAfterMs: null },
      failed: { kind: 'fault', fault },
    });
  }

  #tooLarge(): void {
    const { control } = this.#context;
    control.abort();
    this.#fault({
      type: 'server',
      status: 502,
      message: 'The answer is too large.',
      code: 'answer_too_large',
      field: null,
    });
  }
}

/** Faults after which another deployment may do better. */
export const RETRYABLE: ReadonlySet<ProviderFault['type']> = new Set(['rate_limit', 'overloaded', 'timeout', 'server']);

const encodingAsked = (body: Readonly<Record<string, unknown>>): 'float' | 'base64' =>
  body['encoding_format'] === 'base64' ? 'base64' : 'float';
