import type { CallId } from '#kernel/brand.ts';
import type { KeptReply } from '#ports/answer-cache.ts';
import { cacheHitOf, cacheHitRow } from '#ports/cache-hit-text.ts';
import type { CacheHit } from '#ports/entry.ts';
import { NO_USAGE } from '#wire/usage.ts';

/** What is kept beside the bytes of an answer. */
export interface ReplyFacts {
  readonly call: CallId;
  readonly usage: CacheHit['usage'];
  readonly cost: CacheHit['cost'];
  readonly priceVersion: string | null;
  readonly modelReturned: string | null;
  readonly fingerprint: string | null;
  readonly finish: string | null;
  /** Hints that were left out for the deployment that answered. */
  readonly dropped: readonly string[];
  /** Of a stream: where its events begin that tell of usage, in bytes. */
  readonly usageAt: readonly number[];
}

/** An earlier answer, read. */
export interface FoundReply {
  readonly facts: ReplyFacts;
  readonly hit: CacheHit;
  readonly body: Buffer;
}

/** Version of the text; an answer of another one is none. */
const VERSION = 1;

export function aboutText({ call, usage, cost, priceVersion, ...more }: ReplyFacts): string {
  const row = cacheHitRow({ call, ageMs: 0, usage, cost, priceVersion, collapsed: false });
  return JSON.stringify([
    ...[VERSION, row, more.modelReturned, more.fingerprint, more.finish],
    ...[more.dropped, more.usageAt],
  ]);
}

/** Null: the text is of another version. */
export function readReply({ about, at, body }: KeptReply, now: number): FoundReply | null {
  const [version, row, modelReturned, fingerprint, finish, dropped, usageAt] = JSON.parse(about) as any[];
  if (version !== VERSION) return null;
  const { call, usage, cost, priceVersion } = cacheHitOf(row)!;
  const facts = { call, usage, cost, priceVersion, modelReturned, fingerprint, finish, dropped, usageAt };
  const ageMs = Math.max(0, now - at);
  return { facts, hit: { call, ageMs, usage, cost, priceVersion, collapsed: false }, body };
}

/** The answer of a call that this one waited for. */
export const followedReply = (facts: ReplyFacts): Pick<FoundReply, 'facts' | 'hit'> => {
  const { call, usage, cost, priceVersion } = facts;
  return { facts, hit: { call, ageMs: 0, usage, cost, priceVersion, collapsed: true } };
};

/** One that did not come, or not all of it: who was waited for is known, and that nothing is saved. */
export const awaitedReply = (call: CallId): Pick<FoundReply, 'facts' | 'hit'> =>
  followedReply({
    ...{ call, usage: NO_USAGE, cost: null, priceVersion: null, modelReturned: null, fingerprint: null, finish: null },
    ...{ dropped: [], usageAt: [] },
  });
