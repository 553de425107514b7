import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Frame } from './answer.ts';
import { type ErrorDialect, LabError, errorBody, errorName, statusError } from './errors.ts';
import { type Fault, faultNamed, numberOf } from './faults.ts';
import type { Framing } from './framing.ts';
import type { LogEntry } from './journal.ts';
import { providerHeaders, requestId } from './provider-headers.ts';
import { recordedError } from './recorded/errors.ts';
import { Writer } from './writer.ts';

/** One request and its answer, with the faults that apply to it. All that is sent goes through here. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly entry: LogEntry;
  readonly dialect: ErrorDialect;
  readonly errorFrame: (body: object) => Frame;
  /** How events stand on the wire: text, or binary frames. */
  readonly framing: Framing;
  faults: readonly Fault[] = [];

  constructor(options: Pick<Exchange, 'request' | 'response' | 'entry' | 'dialect' | 'errorFrame' | 'framing'>) {
    this.request = options.request;
    this.response = options.response;
    this.entry = options.entry;
    this.dialect = options.dialect;
    this.errorFrame = options.errorFrame;
    this.framing = options.framing;
  }

  fault(name: string): Fault | null {
    return faultNamed(this.faults, name);
  }

  /** Faults that happen instead of an answer. True: the request is dealt with. */
  async failEarly(): Promise<boolean> {
    const slow = this.fault('slow-headers');
    if (slow) await sleep(numberOf(slow, 1_000));
    if (this.fault('hang')) return this.#hang();
    if (this.fault('reset')) return this.#reset();
    const redirect = this.fault('redirect');
    if (redirect) return this.#bare(302, { location: redirect.value ?? '/v1/elsewhere' }, '');
    if (this.fault('html-502'))
      return this.#bare(502, { 'content-type': 'text/html' }, '<html><body><h1>502 Bad Gateway</h1></body></html>');
    return this.#failAsRecorded() || this.#failByStatus();
  }

  /** `api-error@name`: a recorded error body under the status that the API sends it with. */
  #failAsRecorded(): boolean {
    const name = this.fault('api-error')?.value;
    if (!name) return false;
    const [status, body] = recordedError(this.dialect, name);
    this.json(status, body);
    return true;
  }

  #failByStatus(): boolean {
    const status = this.faults.find((fault) => /^[45]\d\d$/.test(fault.name));
    if (status) {
      this.error(statusError(this.dialect, Number(status.name), retryHeaders(status)));
      return true;
    }
    if (!this.fault('error-200')) return false;
    this.json(200, errorBody(this.dialect, statusError(this.dialect, 500), requestId(this.entry)));
    return true;
  }

  async #hang(): Promise<true> {
    await new Promise<void>((resolve) => this.response.once('close', () => resolve()));
    return true;
  }

  #reset(): true {
    this.request.socket.resetAndDestroy();
    return true;
  }

  #bare(status: number, headers: Record<string, string>, body: string): true {
    this.#start(status, { ...headers, 'content-length': String(Buffer.byteLength(body)) });
    this.entry.bytesSent = Buffer.byteLength(body);
    this.entry.complete = true;
    this.response.end(body);
    return true;
  }

  /** An error answer in the API's own form. Never subject to faults that shape bodies. */
  error(error: LabError): void {
    const headers = this.dialect === 'google' ? {} : error.headers;
    const named = this.dialect === 'bedrock' && { 'x-amzn-errortype': `${errorName(error)}:` };
    this.json(error.status, errorBody(this.dialect, error, requestId(this.entry)), { ...headers, ...named });
  }

  /** A whole JSON answer at once. */
  json(status: number, body: object, headers: Readonly<Record<string, string>> = {}): void {
    const bytes = Buffer.from(JSON.stringify(body));
    this.#start(status, { 'content-type': 'application/json', 'content-length': String(bytes.length), ...headers });
    this.entry.bytesSent = bytes.length;
    this.entry.complete = true;
    this.response.end(bytes);
  }

  /** A unary answer, subject to faults. True: all of it was sent. */
  unary(body: object): Promise<boolean> {
    const text = JSON.stringify(body);
    return this.whole(
      'application/json',
      Buffer.from(this.fault('malformed') ? text.slice(0, text.length >> 1) : text),
    );
  }

  /** A whole answer of any content type, subject to faults. True: all of it was sent. */
  async whole(type: string, bytes: Buffer): Promise<boolean> {
    const half = ['cut', 'half-event', 'clean-end', 'stall'].find((name) => this.fault(name));
    // A clean end after half a body is only possible without an announced length.
    const length = half === 'clean-end' ? {} : { 'content-length': String(bytes.length) };
    this.#start(200, { 'content-type': type, ...length });
    const writer = this.writer();
    await writer.bytes(half ? bytes.subarray(0, bytes.length >> 1) : bytes);
    if (half) return this.#breakUnary(half, writer);
    await writer.end();
    return this.entry.complete;
  }

  async #breakUnary(how: string, writer: Writer): Promise<false> {
    if (how === 'stall') await new Promise<void>((resolve) => this.response.once('close', () => resolve()));
    else if (how === 'clean-end') this.response.end();
    else await writer.destroy();
    return false;
  }

  /** Sends the head of a stream; events follow by the writer. */
  startStream(): void {
    this.#start(200, { 'content-type': this.framing.contentType, 'cache-control': 'no-cache' });
    this.response.flushHeaders();
  }

  writer(): Writer {
    const inBand = (): Frame => this.errorFrame(errorBody(this.dialect, this.#inBandError(), requestId(this.entry)));
    const { response, entry, faults, framing } = this;
    return new Writer({ response, entry, faults, errorFrame: inBand, framing });
  }

  #inBandError(): LabError {
    return statusError(this.dialect, this.dialect === 'anthropic' ? 529 : this.dialect === 'google' ? 503 : 500);
  }

  #start(status: number, headers: Readonly<Record<string, string>>): void {
    this.entry.status = status;
    this.response.writeHead(status, { ...providerHeaders(this.dialect, this.entry, Date.now()), ...headers });
  }
}

/** `retry-after` in whole seconds rounded up, and the exact wait in `retry-after-ms`. */
function retryHeaders(fault: Fault): Record<string, string> {
  if (fault.value === null) return {};
  const seconds = numberOf(fault, 1);
  return { 'retry-after': String(Math.ceil(seconds)), 'retry-after-ms': String(Math.round(seconds * 1_000)) };
}
