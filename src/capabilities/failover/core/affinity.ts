import { BoundedMap } from '#kernel/bounded-map.ts';
import type { TenantKey } from '#kernel/whose.ts';
import type { Usage } from '#wire/usage.ts';
import { deploymentId, type Deployment } from './models.ts';

/** Where a conversation's prompt lies in a provider's cache. */
export interface Kept {
  /** `provider/model-id`. */
  readonly deployment: string;
  /** Epoch milliseconds from which the provider has forgotten it. */
  readonly until: number;
  /** How long a cache lives after its last use, in milliseconds. */
  readonly lifeMs: number;
  /** Tokens of the prompt that the provider holds, as its last answer said; 0: nothing is known. */
  readonly tokens: number;
  /** Who signed the reasoning that the conversation carries. */
  readonly families: readonly string[];
}

/** Anthropic's default and the least that OpenAI promises (prompt caching guides of both, 2026-11). */
const USUAL_LIFE_MS = 5 * 60_000;
const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;
/** A conversation that met more families than this is carried without any reasoning of others anyway. */
const MOST_FAMILIES = 4;

/** A tenant's conversation with one model. */
export type ConversationKey = TenantKey<'conversation'>;

/** Conversations and where their prompts lie. Bounded; a restart forgets them. */
export class Affinity {
  readonly #kept: BoundedMap<ConversationKey, Kept>;

  constructor(limit = 50_000) {
    this.#kept = new BoundedMap(limit);
  }

  /** Null: nothing is known, or the provider has forgotten by now. */
  find(key: ConversationKey, now: number): Kept | null {
    const kept = this.#kept.get(key);
    return kept !== undefined && kept.until > now ? kept : null;
  }

  /** A conversation that begins: calls that come before its first answer go the same way. */
  begin(key: ConversationKey, deployment: string, now: number): void {
    const kept = { deployment, until: now + USUAL_LIFE_MS, lifeMs: USUAL_LIFE_MS, tokens: 0, families: NOBODY };
    this.#kept.set(key, kept);
  }

  /** After an answer: who holds the prompt now, how much of it, and for how long. */
  learn(key: ConversationKey, answered: Answered, now: number): void {
    const before = this.find(key, now);
    const same = before?.deployment === answered.deployment ? before : null;
    const lifeMs = Math.max(lifeOf(answered), same?.lifeMs ?? 0);
    this.#kept.set(key, {
      deployment: answered.deployment,
      until: now + lifeMs,
      lifeMs,
      // An answer that was cut before it told its usage says nothing new.
      tokens: cachedTokens(answered.usage) ?? same?.tokens ?? 0,
      families: withFamily(before?.families ?? NOBODY, answered.family),
    });
  }
}

export interface Answered {
  readonly deployment: string;
  readonly family: string;
  readonly usage: Usage | null;
  /** The caller asked for OpenAI's extended retention. */
  readonly keptForADay: boolean;
}

const NOBODY: readonly string[] = [];

const withFamily = (families: readonly string[], family: string): readonly string[] =>
  families.includes(family) ? families : [...families, family].slice(-MOST_FAMILIES);

function lifeOf({ usage, keptForADay }: Answered): number {
  if (keptForADay) return DAY_MS;
  return (usage?.cacheWrite1hTokens ?? 0) > 0 ? HOUR_MS : USUAL_LIFE_MS;
}

const cachedTokens = (usage: Usage | null): number | null =>
  usage && (usage.cachedReadTokens ?? 0) + (usage.cacheWriteTokens ?? 0);

/**
 * The order with the deployment that holds the prompt first, among those that are tried first anyway: an operator's
 * `order` is a preference between deployments and wins over a cache.
 */
export function heldFirst(order: readonly Deployment[], kept: string, modelAsked: string): readonly Deployment[] {
  const first = order[0];
  if (first === undefined || deploymentId(first, modelAsked) === kept) return order;
  const held = order.find((one) => one.order === first.order && deploymentId(one, modelAsked) === kept);
  return held ? [held, ...order.filter((one) => one !== held)] : order;
}

/**
 * The usage that the call would have had where the conversation's prompt still lay: what was held is read, not written
 * or computed anew. From the last answer's own counts, so an estimate; null where nothing was held or nothing is lost.
 */
export function usageIfHeld(kept: Kept, usage: Usage): Usage | null {
  const read = usage.cachedReadTokens ?? 0;
  const lost = Math.min(kept.tokens, usage.inputTokens ?? 0) - read;
  if (lost <= 0) return null;
  const written = usage.cacheWriteTokens;
  return {
    ...usage,
    cachedReadTokens: read + lost,
    cacheWriteTokens: written === null ? null : Math.max(0, written - lost),
    cacheWrite1hTokens:
      usage.cacheWrite1hTokens === null ? null : Math.min(usage.cacheWrite1hTokens, Math.max(0, (written ?? 0) - lost)),
  };
}
