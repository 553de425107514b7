import type { UpstreamFailure } from '#providers/index.ts';
import { NO_USAGE } from '#wire/usage.ts';
import { networkFailure, type AttemptEnd, type Relay, type RelayContext } from './attempt.ts';
import { afterWritten } from './after-written.ts';
import { answerHead } from './answer-head.ts';
import { readOn } from './read-out.ts';
import { settle } from './settle.ts';

/**
 * An answer that is no JSON, such as sound or subtitles: its bytes pass as they come, under the provider's own content
 * type. It is metered by what the request says. One read is always held back, so that the call is settled before the
 * last byte goes out, and so that a provider that breaks off before the first byte can be replaced by another.
 */
export class RawRelay implements Relay {
  readonly #context: RelayContext;
  #last: Buffer | null = null;
  #headOut = false;
  #gone = false;
  #over = false;

  constructor(context: RelayContext) {
    this.#context = context;
    const { record, call } = context;
    const units = call.facts.view.asked?.units ?? null;
    // The provider has begun to answer: what was asked for is billed, whoever leaves now.
    if (units === null) return;
    record.usage = { ...NO_USAGE, units };
    record.usageFinal = true;
    record.counted = true;
  }

  data(chunk: Buffer): boolean {
    if (this.#over || this.#gone) return true;
    const { record, gate } = this.#context;
    const sinceStart = gate.clock.mono() - record.startedMono;
    record.timing.firstTokenMs ??= sinceStart;
    record.timing.lastTokenMs = sinceStart;
    const before = this.#last;
    this.#last = chunk;
    return before === null || this.#write(before);
  }

  #write(bytes: Buffer): boolean {
    this.#head();
    const { call, control } = this.#context;
    const { response } = call.exchange;
    call.bytesOut += bytes.length;
    const roomy = response.write(bytes);
    if (!roomy) response.once('drain', () => control.resume());
    return roomy;
  }

  #head(): void {
    if (this.#headOut) return;
    this.#headOut = true;
    const { call, status, headers } = this.#context;
    const { response } = call.exchange;
    const length = headers['content-length'];
    const own = ['content-type', String(headers['content-type'])];
    if (typeof length === 'string' && /^\d{1,15}$/.test(length)) own.push('content-length', length);
    response.writeHead(status, answerHead(this.#context, own) as string[]);
  }

  end(): void {
    if (this.#over) return;
    const { gate, call, record, status } = this.#context;
    if (this.#gone) return this.#settleGone();
    record.status = 'ok';
    const last = this.#last;
    call.bytesOut += last?.length ?? 0;
    settle(gate, call, { status: 'ok', httpStatus: status, errorCode: null, cancelledBy: null });
    afterWritten(gate, call, () => {
      this.#head();
      call.exchange.response.end(last ?? undefined);
    });
    this.#done({ delivered: true });
  }

  broken(failure: UpstreamFailure): void {
    if (this.#over) return;
    if (this.#gone) return this.#settleGone();
    const { gate, call, record, status } = this.#context;
    if (!this.#headOut) return this.#done(networkFailure(record, failure));
    const timeout = failure.kind === 'timeout';
    record.status = timeout ? 'timeout' : 'truncated';
    record.errorCode = failure.code;
    settle(gate, call, { status: record.status, httpStatus: status, errorCode: failure.code, cancelledBy: null });
    // No bytes that a player would take for the end: the connection breaks.
    afterWritten(gate, call, () => call.exchange.response.destroy());
    this.#done({ delivered: true });
  }

  stop(): void {
    this.#over = true;
  }

  clientGone(): boolean {
    if (this.#over) return true;
    this.#gone = true;
    this.#last = null;
    return readOn(this.#context, () => this.#settleGone());
  }

  #settleGone(): void {
    this.#context.record.status = 'cancelled';
    this.#done({ delivered: true });
  }

  #done(end: AttemptEnd): void {
    this.#over = true;
    this.#context.done(end);
  }
}
