import { HeadgateError } from '#kernel/errors.ts';
import type { ProviderFault } from '#wire/canonical.ts';
import {
  headersOf,
  pathOf,
  retryableStatus,
  type UpstreamControl,
  type UpstreamFailure,
  type UpstreamHandler,
} from '#providers/index.ts';
import type { AttemptFailure } from '#capabilities/failover/index.ts';
import type { AttemptRecord, Call, Exchange } from './call.ts';
import { DEADLINE, isPastDeadline } from './deadline.ts';
import type { Gate } from './gate.ts';
import { faultValue, waitAsked } from './headers.ts';
import type { Prepared } from './prepare.ts';
import { READ_OUT_MS } from './read-out.ts';
import { RawRelay } from './relay-raw.ts';
import { chunkEvents, EVENT_STREAM_TYPE, frameEvents } from '#wire/aws-event-stream/index.ts';
import { StreamRelay } from './relay-stream.ts';
import { UnaryRelay } from './relay-unary.ts';
import { traceHeaders } from './trace.ts';

/** What a provider answered that is no answer: its own words, or what happened to the connection. */
export type Failed =
  | { readonly kind: 'http'; readonly status: number; readonly headers: UpstreamHeaders; readonly body: Buffer }
  | { readonly kind: 'fault'; readonly fault: ProviderFault }
  | { readonly kind: 'network'; readonly error: HeadgateError };

/** Delivered: the client got an answer, whole or broken, and the call is settled. */
export type AttemptEnd =
  | { readonly delivered: true }
  | { readonly delivered: false; readonly failure: AttemptFailure; readonly failed: Failed };

export type UpstreamHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** One way of passing an answer on. It ends the attempt by calling `done` once. */
export interface Relay {
  /** False asks the provider to pause until the client has read. */
  data(chunk: Buffer): boolean;
  end(): void;
  broken(failure: UpstreamFailure): void;
  /** The client has gone. True: the provider is read on for its usage. */
  clientGone(): boolean;
  /** We ended the attempt ourselves: what still comes of it means nothing. */
  stop(): void;
}

/** What a relay has to work with. */
export interface RelayContext {
  readonly gate: Gate;
  readonly call: Call;
  readonly record: AttemptRecord;
  readonly prepared: Prepared;
  readonly headers: UpstreamHeaders;
  readonly status: number;
  readonly control: UpstreamControl;
  readonly done: (end: AttemptEnd) => void;
}

/** Error bodies beyond this are no provider's: the rest is not read. */
const ERROR_BODY_BYTES = 256 * 1024;

/** Sends one request to a provider and passes its answer on; resolves when the attempt is over. */
export function runAttempt(gate: Gate, call: Call, record: AttemptRecord, prepared: Prepared): Promise<AttemptEnd> {
  return new Promise((resolve) => new AttemptRun(gate, call, record, prepared, resolve).send());
}

class AttemptRun implements UpstreamHandler {
  readonly #gate: Gate;
  readonly #call: Call;
  readonly #record: AttemptRecord;
  readonly #prepared: Prepared;
  readonly #resolve: (end: AttemptEnd) => void;
  #control: UpstreamControl | null = null;
  #relay: Relay | null = null;
  #left = false;

  constructor(gate: Gate, call: Call, record: AttemptRecord, prepared: Prepared, resolve: (end: AttemptEnd) => void) {
    this.#gate = gate;
    this.#call = call;
    this.#record = record;
    this.#prepared = prepared;
    this.#resolve = resolve;
  }

  send(): void {
    const { provider } = this.#record.deployment;
    const { exchange } = this.#call;
    exchange.response.on('close', this.#closed);
    if (this.#call.stream !== null) this.#call.cancel = () => this.#ended();
    const path = pathOf(provider, {
      dialect: this.#prepared.dialect.name,
      model: this.#record.model,
      stream: this.#call.facts.view.stream,
      clientQuery: this.#sameDialect ? exchange.query : '',
    });
    if (!provider.authorizer) return this.#dispatch(path, null);
    const authorizing = provider.authorizer.headers({ method: 'POST', path, body: this.#prepared.body });
    if (!(authorizing instanceof Promise)) return this.#dispatch(path, authorizing);
    authorizing.then(
      (headers) => this.#record.over || this.#dispatch(path, headers),
      (thrown: unknown) => this.#finish(withoutCredential(this.#gate, this.#record, thrown)),
    );
  }

  #dispatch(path: string, authorization: readonly string[] | null): void {
    const { provider } = this.#record.deployment;
    const { exchange } = this.#call;
    const headers = headersOf(provider, exchange.request.headers, this.#prepared.contentType, this.#call.facts.login);
    headers.push('x-client-request-id', `${this.#call.id}-${this.#record.n}`);
    headers.push(...traceHeaders(this.#gate, this.#call, this.#record));
    if (authorization) headers.push(...authorization);
    this.#control = this.#gate.transport.send(
      {
        origin: provider.origin,
        path,
        headers,
        body: this.#prepared.body,
        timers: clientTimers(provider.timers, exchange, this.#gate.clock.mono()),
      },
      this,
    );
    if (exchange.response.destroyed) this.#closed();
  }

  get #sameDialect(): boolean {
    return this.#prepared.dialect === this.#call.facts.dialect;
  }
  #sinceStart(): number {
    return this.#gate.clock.mono() - this.#record.startedMono;
  }

  connected(): void {
    this.#record.sent = true;
    this.#record.timing.connectedMs = this.#sinceStart();
  }

  headers(status: number, headers: UpstreamHeaders): void {
    const record = this.#record;
    record.timing.headersMs = this.#sinceStart();
    record.httpStatus = status;
    record.pass?.head(headers);
    const idHeader = record.deployment.provider.data.requestIdHeader;
    const requestId = idHeader ? headers[idHeader] : undefined;
    if (typeof requestId === 'string') record.upstreamRequestId = requestId.slice(0, 128);
    const context: RelayContext = {
      gate: this.#gate,
      call: this.#call,
      record,
      prepared: this.#prepared,
      headers,
      status,
      control: this.#control!,
      done: this.#finish,
    };
    this.#call.draft?.head(record.n, status, String(headers['content-type'] ?? ''));
    this.#relay = relayFor(context);
    if (this.#left && !this.#relay.clientGone()) this.#cancel();
  }
  data(chunk: Buffer): boolean {
    this.#call.draft?.data(this.#record.n, chunk);
    return this.#relay!.data(chunk);
  }
  end(): void {
    this.#record.timing.doneMs = this.#sinceStart();
    this.#relay!.end();
  }
  fail(happened: UpstreamFailure): void {
    this.#record.timing.doneMs = this.#sinceStart();
    const failure = this.#byDeadline(happened) ? { ...happened, code: DEADLINE } : happened;
    if (this.#relay) return this.#relay.broken(failure);
    this.#record.sent = failure.sent;
    this.#finish(networkFailure(this.#record, failure));
  }

  #byDeadline({ kind }: UpstreamFailure): boolean {
    return kind === 'timeout' && isPastDeadline(this.#call.exchange, this.#gate.clock.mono());
  }

  readonly #closed = (): void => {
    if (this.#call.exchange.response.writableFinished || this.#record.over) return;
    if (this.#relay ? this.#relay.clientGone() : this.#readsOn()) return;
    this.#cancel();
  };

  #cancel(): void {
    this.#record.status = 'cancelled';
    this.#finish({ delivered: true });
    this.#relay?.stop();
    this.#control?.abort();
  }

  /** Somebody ended the stream. Where others wait for the answer it ends for its own readers alone. */
  #ended(): void {
    const { flight, stream } = this.#call;
    if (!flight?.isRead) return this.#cancel();
    stream?.finish('cancelled');
    if (this.#relay ? !this.#relay.clientGone() : !this.#readsOn()) this.#cancel();
  }

  /** Left before the provider's headers: its answer is waited for where others want it, or the provider is read out. */
  #readsOn(): boolean {
    const { stream, flight, ending } = this.#call;
    if (stream?.resumable && ending === null) {
      stream.unread();
      return true;
    }
    if (flight?.isRead) {
      this.#left = true;
      flight.onUnread(() => this.#record.over || this.#readsOn() || this.#cancel());
      return true;
    }
    if (this.#record.deployment.provider.data.onDisconnect !== 'readOut') return false;
    this.#left = true;
    setTimeout(() => this.#record.over || this.#cancel(), READ_OUT_MS).unref();
    return true;
  }

  readonly #finish = (end: AttemptEnd): void => {
    if (this.#record.over) return;
    this.#record.over = true;
    this.#record.timing.doneMs ??= this.#sinceStart();
    this.#call.cancel = null;
    this.#call.exchange.response.off('close', this.#closed);
    this.#resolve(end);
  };
}

function relayFor(context: RelayContext): Relay {
  const { status, headers, prepared } = context;
  if (status < 200 || status >= 300) return new ErrorBody(context);
  const type = String(headers['content-type'] ?? '');
  if (type.startsWith('text/event-stream')) return new StreamRelay(context);
  // Events in text pass as they came; the binary framing of AWS is opened first.
  if (type.startsWith(EVENT_STREAM_TYPE))
    return new StreamRelay(context, prepared.dialect.name === 'anthropic-messages' ? chunkEvents() : frameEvents());
  // A status line that went out with a heartbeat promised events: nothing else can be the answer.
  const passes = prepared.dialect.passes?.(type) === true && !context.call.exchange.response.headersSent;
  return passes ? new RawRelay(context) : new UnaryRelay(context);
}

/** The client's own patience shortens ours: its deadline, and the timeout that an SDK tells in seconds (clients.md 11). */
function clientTimers<T extends { totalMs: number; firstByteMs: number }>(
  timers: T,
  { request, deadlineMono }: Exchange,
  now: number,
): T {
  const seconds = Number(request.headers['x-stainless-timeout'] ?? NaN);
  const patient = seconds > 0 ? Math.ceil(seconds * 1000) : Infinity;
  const left = deadlineMono === null ? Infinity : Math.max(1, deadlineMono - now);
  const totalMs = Math.min(timers.totalMs, patient, left);
  return totalMs === timers.totalMs ? timers : { ...timers, totalMs };
}

/** The connection failed, with nothing of the answer at the client. */
export function networkFailure(record: AttemptRecord, failure: UpstreamFailure): AttemptEnd {
  const timeout = failure.kind === 'timeout';
  record.status = timeout ? 'timeout' : 'provider_error';
  record.errorCode = failure.code;
  if (failure.code === DEADLINE) return over(new HeadgateError('deadline_exceeded'), false);
  const message = timeout
    ? `The provider did not answer in time (${failure.code} timer).`
    : failure.kind === 'connect'
      ? 'The provider cannot be reached.'
      : 'The provider closed the connection before it answered.';
  return over(new HeadgateError(timeout ? 'provider_timeout' : 'provider_error', { message }), true);
}

const over = (error: HeadgateError, retryable: boolean): AttemptEnd => ({
  delivered: false,
  failure: { status: null, retryable, retryAfterMs: null },
  failed: { kind: 'network', error },
});

/** Nothing was sent: the platform's chain gave no credential. Another deployment may have one. */
function withoutCredential(gate: Gate, record: AttemptRecord, thrown: unknown): AttemptEnd {
  const { provider } = record.deployment;
  const why = thrown instanceof HeadgateError ? ` ${thrown.message}` : '';
  const message = `There is no credential for the provider \`${provider.name}\`.${why}`;
  const error = new HeadgateError('provider_credential', { message }, thrown);
  const answered = provider.authorizer?.state?.lastError ?? null;
  gate.log.warn({ provider: provider.name, answered }, 'no credential for a provider');
  record.status = 'provider_error';
  record.errorCode = error.code;
  return over(error, true);
}

/** Collects a provider's error body; the pipeline decides whether the client sees it. */
class ErrorBody implements Relay {
  readonly #context: RelayContext;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(context: RelayContext) {
    this.#context = context;
  }
  data(chunk: Buffer): boolean {
    if (this.#bytes < ERROR_BODY_BYTES) this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    return true;
  }
  end(): void {
    const { record, status, headers, gate, done, prepared } = this.#context;
    const body = Buffer.concat(this.#chunks).subarray(0, ERROR_BODY_BYTES);
    record.status = 'provider_error';
    record.errorCode = faultCode(prepared, { status, headers, body });
    const { data, authorizer } = record.deployment.provider;
    const expired = authorizer?.state != null && saysExpired(status, headers, body);
    if (expired) authorizer.refused();
    done({
      delivered: false,
      failure: {
        status,
        retryable: expired || retryableStatus(data, status),
        retryAfterMs: waitAsked(prepared.dialect, headers, body, gate.clock.now()),
      },
      failed: { kind: 'http', status, headers, body },
    });
  }
  broken(failure: UpstreamFailure): void {
    this.#context.done(networkFailure(this.#context.record, failure));
  }
  clientGone(): boolean {
    return false;
  }
  stop(): void {
    // Nothing to undo: its error is not told.
  }
}

/** A credential of the chain that the platform no longer takes: the next attempt gets another. AWS says it with 403. */
const saysExpired = (status: number, headers: UpstreamHeaders, body: Buffer): boolean =>
  status === 401 ||
  (status === 403 &&
    /ExpiredToken|UnrecognizedClient/.test(`${headers['x-amzn-errortype']} ${body.toString('latin1')}`));

/** Provider's code or type, bounded; the text of a message may quote a prompt and is not kept. */
function faultCode(prepared: Prepared, failed: HttpFailure): string {
  const fault = prepared.dialect.readFault(failed.status, faultValue(failed));
  return (fault.code ?? fault.type).slice(0, 64);
}

type HttpFailure = Pick<Extract<Failed, { kind: 'http' }>, 'status' | 'headers' | 'body'>;
