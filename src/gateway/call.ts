import type { CallId, EpochMs, TenantId } from '#kernel/brand.ts';
import type { Attempt, AttemptTiming, CancelledBy, Cost, OutcomeStatus, Protocol, UsageSource } from '#ports/entry.ts';
import type { FinishReason } from '#wire/canonical.ts';
import type { Dialect, PolicyView } from '#wire/dialect.ts';
import type { StrictJson } from '#wire/json/strict.ts';
import type { Usage } from '#wire/usage.ts';
import type { PriceRow } from '#ledger/prices/index.ts';
import type { DdSketch } from '#math/ddsketch.ts';
import type { KeptBytes } from '#ledger/recount/index.ts';
import type { Draft } from '#capabilities/parity/index.ts';
import type { Attribution, Caller, Pass, Reservation } from '#capabilities/tenants/index.ts';
import { deploymentId, type Deployment, type ModelGroup } from '#capabilities/failover/index.ts';
import type { LiveStream } from '#capabilities/streams/index.ts';
import type { Stay } from './affinity.ts';
import type { Flight } from './cache/flight/flight.ts';
import type { CacheTurn } from './cache/turn.ts';
import type { FoundReply } from './cache/reply.ts';
import type { Carrier, ClientRequest, ClientResponse } from './client.ts';
import type { GateConfig } from './config/resolve.ts';
import type { CallLayers } from './layered/customize.ts';
import type { Once } from './idempotency/once.ts';
import type { CallReading } from './quality/reading.ts';
import type { OwnWork } from './quality/own-work.ts';
import type { Redrive } from './redrive/redrive.ts';
import type { Pulse } from './streams/pulse.ts';
import type { CallRoute } from './routes.ts';

/** One exchange with a client, from the head on. */
export interface Exchange {
  readonly request: ClientRequest;
  /** Replaced by one that keeps what goes out, where the call has an idempotency key. */
  response: ClientResponse;
  /** Null: plain HTTP, where a streamed answer is server-sent events on the response. */
  readonly carrier: Carrier | null;
  readonly route: CallRoute;
  readonly query: string;
  /** A call that the gate itself makes for a tenant; null: a client's. */
  readonly own: OwnWork | null;
  /** Configuration at arrival: a reload changes later calls, never one under way. */
  readonly config: GateConfig;
  /** When the client gives up, on the monotonic clock; null: it said nothing. */
  deadlineMono: number | null;
  /** Set once the key is known: whom a refusal counts for. */
  tenant: TenantId | null;
  /** Set at admission: in each answer from then on. */
  callId: CallId | null;
  reservation: Reservation | null;
  /** The rest of an answer whose gate is gone; null: a call of its own. */
  redrive: Redrive | null;
}

/** An exchange as it begins, under the configuration of the moment. */
export const exchangeOf = (
  gate: { readonly config: GateConfig },
  head: Pick<Exchange, 'request' | 'response' | 'route' | 'query'> & {
    readonly carrier?: Carrier;
    readonly own?: OwnWork;
  },
): Exchange => ({
  request: head.request,
  response: head.response,
  carrier: head.carrier ?? null,
  own: head.own ?? null,
  route: head.route,
  query: head.query,
  config: gate.config,
  deadlineMono: null,
  tenant: null,
  callId: null,
  reservation: null,
  redrive: null,
});

/** By what the answer reaches its client, for the entry. */
export const protocolOf = ({ carrier }: Exchange, stream: boolean): Protocol =>
  carrier?.protocol ?? (stream ? 'sse' : 'http');

/** What is known before admission. */
export interface CallFacts {
  readonly id: CallId;
  readonly at: EpochMs;
  /** Monotonic milliseconds at admission: zero of every timing of the entry. */
  readonly startedMono: number;
  readonly caller: Caller;
  readonly attribution: Attribution;
  readonly dialect: Dialect;
  readonly body: StrictJson;
  readonly view: PolicyView;
  /** What layers made of it; null: none applies. */
  readonly layers: CallLayers | null;
  readonly group: ModelGroup;
  readonly order: readonly Deployment[];
  /** Where the conversation's prompt lies; null: the call has no choice of deployments. */
  readonly stay: Stay | null;
  /** The caller's own login at the provider; its tokens are counted, and cost us nothing. */
  readonly login: string | null;
  readonly reservation: Reservation;
  /** The first call of its idempotency key; null: it has none, or repeats another. */
  readonly once: Once | null;
}

/** How a call ended, for its entry. */
export interface Outcome {
  readonly status: OutcomeStatus;
  /** What the client saw; null: it left before a status. */
  readonly httpStatus: number | null;
  readonly errorCode: string | null;
  readonly cancelledBy: CancelledBy | null;
}

/** An admitted call. It owes exactly one entry; `settled` guards that. */
export class Call {
  readonly exchange: Exchange;
  readonly facts: CallFacts;
  readonly attempts: AttemptRecord[] = [];
  /** Hints that the attempt under way leaves out. */
  dropped: readonly string[] = [];
  /** A provider could not read the reasoning in the request: from then on it is left out. */
  bare = false;
  /** Keeps its text; null: no capture wants it. */
  draft: Draft | null = null;
  /** Reads its answer's text for rules and judges; null: none wants it. */
  reading: CallReading | null = null;
  /** The spool knows the call: from here on it owes one entry. */
  recorded = false;
  settled = false;
  /** Our own estimate, where it is the answer. */
  countedHere: Usage | null = null;
  bytesOut = 0;
  /** Milliseconds that it waited for its turn at accounts. */
  queuedMs = 0;
  /** The log that the answer goes through; null: it goes out as it comes. */
  stream: LiveStream | null = null;
  /** Its head and signs of life; null: no stream is to come of it. */
  pulse: Pulse | null = null;
  /** Its place in the cache of answers; null: its feature has none. */
  cache: CacheTurn | null = null;
  /** The other call's answer that it gets; null: none. */
  hit: Pick<FoundReply, 'facts' | 'hit'> | null = null;
  /** The calls that wait for its answer; null: none can. */
  flight: Flight | null = null;
  /** The attempt of another call whose failure is this one's too; null: it has its own. */
  followed: AttemptRecord | null = null;
  /** Ends the attempt under way; set while there is one. */
  cancel: (() => void) | null = null;
  /** Why a stream with a log was ended before its end. */
  ending: 'client_cancelled' | 'operator_cancelled' | 'client_closed' | 'abandoned' | 'fenced' | null = null;
  /** Gaps between content events of the answer. Made with the first gap: most calls have none. */
  gaps: DdSketch | null = null;

  constructor(exchange: Exchange, facts: CallFacts) {
    this.exchange = exchange;
    this.facts = facts;
  }
  get id(): CallId {
    return this.facts.id;
  }
}

/** One request to a provider while it runs. */
export class AttemptRecord {
  readonly n: number;
  readonly deployment: Deployment;
  readonly deploymentName: string;
  /** Model id that is sent. */
  readonly model: string;
  readonly dialect: Dialect;
  /** Null: nobody knows it. */
  readonly price: PriceRow | null;
  /** Monotonic. */
  readonly startedMono: number;
  readonly startedMs: number;
  timing: { -readonly [K in keyof AttemptTiming]: AttemptTiming[K] } = {
    connectedMs: null,
    headersMs: null,
    firstTokenMs: null,
    lastTokenMs: null,
    doneMs: null,
  };
  status: OutcomeStatus = 'internal_error';
  httpStatus: number | null = null;
  errorCode: string | null = null;
  /** Is it possible that the provider saw the request? */
  sent = false;
  usage: Usage | null = null;
  /** Was it the last word? Anthropic counts the input at the start, and some count on every event. */
  usageFinal = false;
  /** Is the usage the gate's own count? */
  counted = false;
  finish: FinishReason | null = null;
  modelReturned: string | null = null;
  fingerprint: string | null = null;
  upstreamRequestId: string | null = null;
  /** Of a background response: what its job asks for. */
  responseId: string | null = null;
  /** UTF-8 bytes of generated text received. */
  textBytes = 0;
  /** What a stream of a countable model sent, until the call is settled; undefined: not decided yet. */
  kept: KeptBytes | null | undefined = undefined;
  over = false;
  /** Bytes of the body that are the tenant's own line before its prompt. */
  readonly preambleBytes: number;
  /** Milliseconds that its answer was held for the grid of first tokens; null: not held. */
  heldMs: number | null = null;
  /** Its turn at the provider's account. */
  readonly pass: Pass | null;

  constructor(init: {
    n: number;
    deployment: Deployment;
    modelAsked: string;
    dialect: Dialect;
    price: PriceRow | null;
    now: number;
    admitted: number;
    pass: Pass | null;
    preambleBytes?: number | undefined;
  }) {
    this.pass = init.pass;
    this.preambleBytes = init.preambleBytes ?? 0;
    this.n = init.n;
    this.deployment = init.deployment;
    this.model = init.deployment.model ?? init.modelAsked;
    this.deploymentName = deploymentId(init.deployment, init.modelAsked);
    this.dialect = init.dialect;
    this.price = init.price;
    this.startedMono = init.now;
    this.startedMs = init.now - init.admitted;
  }

  toAttempt(billed: { usage: Usage | null; source: UsageSource; cost: Cost | null }): Attempt {
    return {
      n: this.n,
      deployment: this.deploymentName,
      provider: this.deployment.provider.name,
      dialect: this.dialect.name,
      startedMs: round(this.startedMs),
      timing: {
        connectedMs: roundOrNull(this.timing.connectedMs),
        headersMs: roundOrNull(this.timing.headersMs),
        firstTokenMs: roundOrNull(this.timing.firstTokenMs),
        lastTokenMs: roundOrNull(this.timing.lastTokenMs),
        doneMs: roundOrNull(this.timing.doneMs),
      },
      status: this.status,
      httpStatus: this.httpStatus,
      errorCode: this.errorCode,
      usage: billed.usage,
      usageSource: billed.source,
      cost: billed.cost,
      upstreamRequestId: this.upstreamRequestId,
      ...(this.preambleBytes > 0 && { preambleBytes: this.preambleBytes }),
      ...(this.heldMs !== null && { heldMs: round(this.heldMs) }),
    };
  }
}

/** Microseconds are all that a clock of this process means. */
export const round = (ms: number): number => Math.round(ms * 1000) / 1000;
export const roundOrNull = (ms: number | null): number | null => (ms === null ? null : round(ms));
