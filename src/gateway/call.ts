import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CallId, EpochMs } from '#kernel/brand.ts';
import type { Attempt, AttemptTiming, CancelledBy, Cost, OutcomeStatus, UsageSource } from '#ports/entry.ts';
import type { FinishReason } from '#wire/canonical.ts';
import type { Dialect, PolicyView } from '#wire/dialect.ts';
import type { StrictJson } from '#wire/json/strict.ts';
import type { Usage } from '#wire/usage.ts';
import type { PriceRow } from '#ledger/prices/index.ts';
import type { DdSketch } from '#math/ddsketch.ts';
import type { KeptBytes } from '#ledger/recount/index.ts';
import type { Attribution, Caller, Reservation } from '#capabilities/tenants/index.ts';
import { deploymentId, type Deployment, type ModelGroup } from '#capabilities/failover/index.ts';
import type { LiveStream } from '#capabilities/streams/index.ts';
import type { Stay } from './affinity.ts';
import type { GateConfig } from './config/resolve.ts';
import type { CallRoute } from './routes.ts';

/** One HTTP exchange with a client, from the head on. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly route: CallRoute;
  readonly query: string;
  /** Configuration at arrival: a reload changes later calls, never one under way. */
  readonly config: GateConfig;
  /** Set at admission: in each answer from then on. */
  callId: CallId | null;
}

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
  readonly group: ModelGroup;
  readonly order: readonly Deployment[];
  /** Where the conversation's prompt lies; null: the call has no choice of deployments. */
  readonly stay: Stay | null;
  /** The caller's own login at the provider; its tokens are counted, and cost us nothing. */
  readonly login: string | null;
  readonly reservation: Reservation;
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
  /** The spool knows the call: from here on it owes one entry. */
  recorded = false;
  settled = false;
  /** Our own estimate, where it is the answer. */
  countedHere: Usage | null = null;
  bytesOut = 0;
  /** The answer can be read again, by whoever comes back with the same key. */
  stream: LiveStream | null = null;
  /** Ends the attempt under way; set while there is one. */
  cancel: (() => void) | null = null;
  /** Why a stream that can be read again was ended before its end. */
  ending: 'client_cancelled' | 'abandoned' | null = null;
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
  /** UTF-8 bytes of generated text received. */
  textBytes = 0;
  /** What a stream of a countable model sent, until the call is settled; undefined: not decided yet. */
  kept: KeptBytes | null | undefined = undefined;
  over = false;

  constructor(init: {
    n: number;
    deployment: Deployment;
    modelAsked: string;
    dialect: Dialect;
    price: PriceRow | null;
    now: number;
    admitted: number;
  }) {
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
    };
  }
}

/** Microseconds are all that a clock of this process means. */
export const round = (ms: number): number => Math.round(ms * 1000) / 1000;
export const roundOrNull = (ms: number | null): number | null => (ms === null ? null : round(ms));
