import type { AnswerKey } from '#ports/answer-cache.ts';
import { andThen, type MaybePromise } from '#ports/shared-state.ts';
import type { FeatureConfig } from '#capabilities/tenants/config.ts';
import { NO_USAGE } from '#wire/usage.ts';
import type { AttemptRecord, Call } from '../call.ts';
import type { Gate } from '../gate.ts';
import { bill } from '../settle.ts';
import type { Flight } from './flight/flight.ts';
import type { CacheCounts } from './meter.ts';
import { aboutText, readReply, type FoundReply, type ReplyFacts } from './reply.ts';
import { keyOf, ownDeployments } from './request-key.ts';
import { bypassOf, directives, isWhole } from './rules.ts';

/** A call's place in the cache of its feature. */
export interface CacheTurn {
  /** As the answer says it: `x-headgate-cache`. */
  readonly result: 'hit' | 'collapsed' | 'miss' | 'bypass';
  /** Takes the answer for later; null: it is not to be kept. */
  readonly draft: ReplyDraft | null;
}

const BYPASS: CacheTurn = Object.freeze({ result: 'bypass', draft: null });

type Settings = NonNullable<FeatureConfig['cache']>;

/** Null: the call's feature has no cache, it makes the rest of an answer alone, or it is the gate's own. */
export const cacheOf = ({ facts: { attribution }, exchange: { config, redrive, own } }: Call): Settings | null =>
  attribution.feature === null || redrive !== null || own !== null
    ? null
    : (config.file.features[attribution.feature]?.cache ?? null);

/** Of the call's tenant and feature, which has a cache. */
export const countsOf = (gate: Gate, { facts: { caller, attribution } }: Call): CacheCounts =>
  gate.cache.meter.of(caller.tenant.id, attribution.feature!);

/** Takes the call's place in its feature's cache, and looks whether an earlier answer is its own. */
export function lookUp(gate: Gate, call: Call, { ttl, maxEntryBytes }: Settings): MaybePromise<FoundReply | null> {
  const feature = call.facts.attribution.feature!;
  const why = bypassOf(call);
  if (why !== null) {
    call.cache = BYPASS;
    gate.cache.meter.bypassed(call.facts.caller.tenant.id, feature, why);
    return null;
  }
  const { noCache, maxAgeS } = directives(call.exchange.request.headers['cache-control']);
  const maxAgeMs = Math.min(ttl, maxAgeS === null ? Infinity : maxAgeS * 1_000);
  return andThen(keyOf(gate, call, feature), (key) => {
    const draft = new ReplyDraft(key, { ttlMs: ttl, maxBytes: maxEntryBytes });
    call.cache = { result: 'miss', draft };
    if (noCache) return null;
    return andThen(gate.cache.answers.get(key, gate.clock.now()), (kept) => {
      if (kept === null) return null;
      const found = readReply(kept, gate.clock.now());
      return found !== null && found.hit.ageMs < maxAgeMs ? found : null;
    });
  });
}

interface DraftBounds {
  readonly ttlMs: number;
  readonly maxBytes: number;
}

/** An answer on its way to the client, taken as it goes out and kept once the call is settled. */
export class ReplyDraft {
  readonly key: AnswerKey;
  /** Those who wait for the answer; null: nobody can. */
  tap: Flight | null = null;
  readonly #bounds: DraftBounds;
  #pieces: Buffer[] = [];
  #bytes = 0;
  #usageAt: number[] = [];
  #unfit = false;

  constructor(key: AnswerKey, bounds: DraftBounds) {
    this.key = key;
    this.#bounds = bounds;
  }

  /** What a failed attempt left is nothing. */
  begin(): void {
    this.tap?.begin();
    this.#clear();
  }

  /** An event, or the whole of an answer in one piece; before anything is put into it for this caller alone. */
  take(bytes: Buffer, tellsUsage = false): void {
    this.tap?.take({ bytes, tellsUsage });
    if (this.#unfit) return;
    if (tellsUsage) this.#usageAt.push(this.#bytes);
    this.#bytes += bytes.length;
    if (this.#bytes > this.#bounds.maxBytes) this.spoil();
    else this.#pieces.push(bytes);
  }

  /** It is not to be kept: it is too large, names what a provider keeps, or holds a text of another tenant. */
  spoil(): void {
    this.#unfit = true;
    this.#clear();
  }

  /** All of the answer was taken, and its attempt is over: it is kept, and who waits for it gets the rest. */
  keep(gate: Gate, call: Call, record: AttemptRecord): void {
    const fit = this.#isFit(call, record);
    const isRead = this.tap?.isRead === true;
    if (fit || isRead) {
      const facts = factsOf(gate, call, record, this.#usageAt);
      if (fit) this.#put(gate, facts);
      if (isRead) this.tap!.land({ kind: 'whole', facts });
    }
    this.tap?.over();
    this.#clear();
  }

  #isFit(call: Call, record: AttemptRecord): boolean {
    const { kind } = call.facts.dialect;
    // Another model of the feature's chain stood in, or the request was changed until it was taken.
    const own = ownDeployments(call).includes(record.deployment) && !call.bare;
    return !this.#unfit && own && record.httpStatus === 200 && isWhole(kind, record.finish);
  }

  #put(gate: Gate, facts: ReplyFacts): void {
    const body = ownBytes(this.#pieces, this.#bytes);
    const now = gate.clock.now();
    const reply = { at: now, about: aboutText(facts), body };
    void gate.cache.answers.put(this.key, reply, { now, ttlMs: this.#bounds.ttlMs });
  }

  #clear(): void {
    this.#pieces = [];
    this.#bytes = 0;
    this.#usageAt = [];
  }
}

function factsOf(gate: Gate, call: Call, record: AttemptRecord, usageAt: readonly number[]): ReplyFacts {
  const { usage, cost, row } = bill(gate, call, record);
  return {
    ...{ call: call.id, usage: usage ?? NO_USAGE, cost, priceVersion: cost && (row?.version ?? null) },
    ...{ modelReturned: record.modelReturned, fingerprint: record.fingerprint, finish: record.finish },
    ...{ dropped: call.dropped, usageAt },
  };
}

/** A copy in memory of its own: a piece may be a small part of what was read, and so may one of Node's pool. */
function ownBytes(pieces: readonly Buffer[], bytes: number): Buffer {
  const body = Buffer.allocUnsafeSlow(bytes);
  let at = 0;
  for (const piece of pieces) at += piece.copy(body, at);
  return body;
}
