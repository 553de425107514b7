import { setImmediate as nextTurn } from 'node:timers/promises';
import type { CallId } from '#kernel/brand.ts';
import { HeadgateError } from '#kernel/errors.ts';
import type { LiveStream, TakenStream } from '#capabilities/streams/index.ts';
import type { Caller } from '#capabilities/tenants/index.ts';
import type { Deployment } from '#capabilities/failover/index.ts';
import type { DialectName } from '#wire/canonical.ts';
import { parseStrict } from '#wire/json/strict.ts';
import type { StreamEncoder } from '#wire/dialect.ts';
import { sseSplitter, type SseEvent } from '#wire/sse/splitter.ts';
import { addUsage, NO_USAGE, type Usage } from '#wire/usage.ts';
import { exchangeOf, type Call, type Exchange } from '../call.ts';
import type { Gate } from '../gate.ts';
import { serveCall } from '../pipeline.ts';
import { carriedRequest, CarriedResponse } from '../streams/carried.ts';
import { DIALECTS } from '../dialects.ts';
import { continuationOf, type Continuation } from './continue.ts';
import { continuedBody, isContinued } from './core/continued-body.ts';
import { prefixOf, type NoRedrive, type Prefix } from './core/prefix.ts';
import { refusedBy } from './core/refused-by.ts';
import { Seam, sentIn } from './core/seam.ts';
import { openRequest, type KeptRequest } from './kept-request.ts';

/** The rest of an answer that another gate began: new spend, with an entry of its own that names the first. */
export interface Redrive {
  readonly original: CallId;
  readonly caller: Caller;
  readonly prefix: Prefix;
  /** Takes the call that makes the rest. */
  begun(call: Call): void;
  /** The call came to nothing. */
  failed(): void;
  /** For one attempt: what readers get of what it says. Null: nothing was sent before, and its events are the answer's. */
  continuation(call: Call): { readonly seam: Seam; readonly encoder: StreamEncoder } | null;
  /** Deployments that can go on with the text. */
  able(order: readonly Deployment[], model: string): readonly Deployment[];
  /** How this one does; null: the answer begins anew, and it is asked as ever. */
  way(deployment: Deployment, model: string): Continuation | null;
}

type Ending = NonNullable<Call['ending']>;

class NotRedriven extends Error {
  readonly reason: NoRedrive;
  constructor(reason: NoRedrive) {
    super(reason);
    this.reason = reason;
  }
}

/** Goes on with a stream whose gate is gone, or ends it and says why not. This gate alone has it. */
export function goOn(gate: Gate, taken: TakenStream): void {
  const run = new RedriveRun(gate, taken);
  void run.run();
}

class RedriveRun implements Redrive {
  readonly #gate: Gate;
  readonly #stream: LiveStream;
  readonly #request: Buffer;
  #call: Call | null = null;
  #ending: Ending | null = null;
  #prefix: Prefix | null = null;
  #caller: Caller | null = null;
  #kept: KeptRequest | null = null;
  #before: Usage = NO_USAGE;
  #reason: string | null = null;

  constructor(gate: Gate, { stream, request, writer }: TakenStream) {
    this.#gate = gate;
    this.#stream = stream;
    this.#request = request;
    stream.takeOver({
      writer,
      graceMs: () => gate.config.file.stream.resume.grace,
      hooks: {
        cancel: (by) => this.#end(by === 'operator' ? 'operator_cancelled' : 'client_cancelled'),
        abandoned: () => this.#end('abandoned'),
        fenced: () => this.#end('fenced'),
        usage: () => this.#usage(),
      },
    });
  }

  get original(): CallId {
    return this.#stream.id;
  }
  get caller(): Caller {
    return this.#caller!;
  }
  get prefix(): Prefix {
    return this.#prefix!;
  }

  async run(): Promise<void> {
    const { log } = this.#gate;
    const { id } = this.#stream;
    try {
      await serveCall(this.#gate, this.#exchange());
      // What ends the stream waits for the entry to be written.
      await this.#gate.spool.written();
      await nextTurn();
      this.#stop('redrive_failed');
    } catch (thrown) {
      const reason = reasonOf(thrown);
      if (reason === 'internal')
        log.error({ err: thrown, call: id }, 'a stream was not gone on with by a mistake of ours');
      this.#stop(reason);
    }
    const { ended } = this.#stream;
    const facts = { call: id, redrive: this.#call?.id ?? null, status: ended?.status ?? null, reason: this.#reason };
    log.info(facts, 'a stream whose gate is gone was taken over');
  }

  begun(call: Call): void {
    this.#call = call;
    call.stream = this.#stream;
    this.#stream.redrivenBy(call.id);
    if (this.#ending) call.ending = this.#ending;
  }

  failed(): void {
    this.#stop('redrive_failed');
  }

  continuation({ facts: { view, dialect } }: Call): ReturnType<Redrive['continuation']> {
    const prefix = this.prefix;
    if (!prefix.started) return null;
    const encoder = dialect.streamEncoder({
      // Names that were made of the call's stay.
      ...{ modelAsked: view.model, callId: this.original, includeUsage: view.includeUsage },
      nowS: Math.floor(this.#gate.clock.now() / 1000),
    });
    // It goes on where the first one was: what it says of these, readers have.
    for (const step of prefix.steps) encoder.push(step);
    encoder.goOnBehind?.(this.#sent());
    return { seam: new Seam(prefix, this.#before, this.#behind), encoder };
  }

  *#sent(): Generator<SseEvent> {
    const splitter = sseSplitter();
    for (const event of this.#stream.eventsFrom(0)) yield* splitter.push(event);
  }

  /** The text that a provider is given to go on with; empty: there is none, and the answer begins anew. */
  get #behind(): string {
    return sentIn(this.#kept!.route.dialect, this.prefix.text);
  }

  able(order: readonly Deployment[], model: string): readonly Deployment[] {
    if (this.#behind === '') return order;
    const able = order.filter((deployment) => continuationOf(deployment, this.#asked(model)) !== null);
    if (able.length === 0) throw new NotRedriven('provider_cannot_continue');
    return able;
  }

  way(deployment: Deployment, model: string): Continuation | null {
    return this.#behind === '' ? null : continuationOf(deployment, this.#asked(model));
  }

  #asked(model: string): { readonly dialect: DialectName; readonly model: string } {
    return { dialect: this.#kept!.route.dialect, model };
  }

  #exchange(): Exchange {
    const gate = this.#gate;
    const caller = gate.tenants.callerOfKey(this.#stream.owner.key);
    if (!caller.ok) throw new NotRedriven('key_gone');
    this.#caller = caller.value;
    const kept = (this.#kept = openRequest(this.#request, caller.value.tenant.secret, this.#stream.id));
    if (kept === null) throw new NotRedriven('request_unreadable');
    const body = this.#body(kept);
    const headers = { ...kept.headers, ...this.#deadline(kept) };
    const exchange = exchangeOf(gate, {
      request: carriedRequest(headers, body),
      response: new CarriedResponse(() => undefined),
      ...{ route: kept.route, query: kept.query },
      carrier: { protocol: kept.protocol, reader: () => null },
    });
    exchange.redrive = this;
    return exchange;
  }

  #deadline({ deadlineAt }: KeptRequest): { 'x-headgate-deadline-ms'?: string } {
    if (deadlineAt === null) return {};
    const left = Math.floor(deadlineAt - this.#gate.clock.now());
    if (left <= 0) throw new NotRedriven('deadline_exceeded');
    return { 'x-headgate-deadline-ms': String(left) };
  }

  #body(kept: KeptRequest): Buffer {
    const stream = this.#stream;
    if (stream.overflowed) throw new NotRedriven('log_too_large');
    const prefix = orThrow(prefixOf(stream.stepsUpTo(stream.events)));
    this.#prefix = prefix;
    if (!prefix.started) return kept.body;
    if (!isContinued(kept.route.dialect)) throw new NotRedriven('dialect');
    const { estimator } = this.#gate;
    const spent = estimator.outputTokens(stream.about.model, Buffer.byteLength(prefix.text));
    this.#before = usageBefore(prefix, { kept, spent, calls: stream.epochs.list.length - 1 });
    if (this.#behind === '') return kept.body;
    const request = parseStrict(kept.body);
    if (!request.ok) throw new NotRedriven('request_unreadable');
    const dialect = DIALECTS[kept.route.dialect];
    const why = refusedBy(dialect, request.value, kept.route.named);
    if (why !== null) throw new NotRedriven(why);
    return orThrow(continuedBody(request.value, { dialect, text: prefix.text, spent }));
  }

  #usage(): Usage | null {
    const usage = this.#call?.attempts.at(-1)?.usage ?? null;
    return usage === null ? null : addUsage(this.#before, usage);
  }

  #end(why: Ending): void {
    this.#ending ??= why;
    if (this.#call === null) return;
    this.#call.ending ??= why;
    this.#call.cancel?.();
  }

  #stop(reason: string): void {
    if (this.#stream.finishing) return;
    this.#reason = reason;
    if (this.#ending && this.#ending !== 'fenced') this.#stream.finish('cancelled');
    else this.#stream.interrupt(reason);
  }
}

function orThrow<T>(value: T | NoRedrive): T {
  if (typeof value === 'string') throw new NotRedriven(value as NoRedrive);
  return value as T;
}

function reasonOf(thrown: unknown): string {
  if (thrown instanceof NotRedriven) return thrown.reason;
  return thrown instanceof HeadgateError ? thrown.code : 'internal';
}

/** What the calls before used, as far as is known here: their entries have what is charged for them. */
function usageBefore(
  { usage }: Prefix,
  { kept, spent, calls }: { readonly kept: KeptRequest; readonly spent: number; readonly calls: number },
): Usage {
  const input = usage?.inputTokens ?? kept.estimatedInputTokens;
  return {
    ...(usage ?? NO_USAGE),
    inputTokens: input === null ? null : input * calls,
    outputTokens: Math.max(usage?.outputTokens ?? 0, spent),
  };
}
