/** One event of a feed in the words of whoever takes it. Of one event always the same text. Pure. */
import { iso } from '#kernel/clock.ts';
import { usdDecimal, type NanoUsd } from '#kernel/money.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import type { FeedEvent } from '#ports/ledger-store.ts';
import { webhookHeaders } from '../../core/signature.ts';
import type { Feed } from '#ports/feeds.ts';

/** Stable over every try and restart: receivers know by it what they have. */
export const eventId = ({ sign, entry }: FeedEvent): string => (sign === 1 ? entry.id : `${entry.id}-reversed`);

type Value = string | number | boolean | null;

/** What is metered, flat: meters and billable metrics sum a field and group by others. A reversal is all of it negative. */
export function properties({ sign, entry }: FeedEvent): Record<string, Value> {
  const { usage, cost } = entry;
  // Not −0, which JSON writes as 0 and equality does not.
  const counted = (count: number | null): number => (count === null || count === 0 ? 0 : sign * count);
  return {
    call: entry.id,
    ...{ corrects: entry.corrects, reversed: sign === -1, environment: entry.environment },
    ...{ tenant: entry.tenant, team: entry.team, feature: entry.feature, key: entry.key, kind: entry.kind },
    ...{ model: entry.modelAsked, provider: entry.provider, deployment: entry.deployment, outcome: entry.status },
    calls: sign,
    input_tokens: counted(usage.inputTokens),
    cached_input_tokens: counted(usage.cachedReadTokens),
    cache_write_tokens: counted(usage.cacheWriteTokens),
    output_tokens: counted(usage.outputTokens),
    reasoning_tokens: counted(usage.reasoningTokens),
    cost_usd: usdDecimal((BigInt(sign) * (cost?.total ?? 0n)) as NanoUsd),
    // Money that nobody knows is not in a sum of the ledger either.
    price_known: cost !== null,
    estimated: entry.usageSource === 'estimated',
    ...labelsOf(entry),
  };
}

const labelsOf = ({ labels }: LedgerEntry): Record<string, Value> =>
  Object.fromEntries(Object.entries(labels).map(([name, value]) => [`label_${name}`, value]));

/** CloudEvents 1.0 (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md), as OpenMeter takes them. */
const cloudEvent = (event: FeedEvent, { code }: Feed): object => ({
  specversion: '1.0',
  id: eventId(event),
  source: `/headgate/${encodeURIComponent(event.entry.environment)}`,
  type: code,
  subject: event.entry.tenant,
  time: iso(event.entry.at),
  datacontenttype: 'application/json',
  data: properties(event),
});

/** An event of Lago (https://getlago.com/docs/api-reference/events/batch). A tenant is a subscription of this external id. */
const lagoEvent = (event: FeedEvent, { code }: Feed): object => ({
  transaction_id: eventId(event),
  external_subscription_id: event.entry.tenant,
  code,
  timestamp: Math.floor(event.entry.at / 1000),
  properties: properties(event),
});

export interface FeedRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** @param nowMs wall clock, for the signature of a webhook alone */
export function requestOf(feed: Feed, events: readonly FeedEvent[], nowMs: number): FeedRequest {
  const { kind, secret } = feed;
  const bearer: Record<string, string> = secret === null ? {} : { authorization: `Bearer ${secret}` };
  if (kind === 'openmeter') {
    const body = JSON.stringify(events.map((event) => cloudEvent(event, feed)));
    return { headers: { ...bearer, 'content-type': 'application/cloudevents-batch+json' }, body };
  }
  if (kind === 'lago') {
    const body = JSON.stringify({ events: events.map((event) => lagoEvent(event, feed)) });
    return { headers: { ...bearer, 'content-type': 'application/json' }, body };
  }
  return webhookRequest(feed, events, nowMs);
}

/** Standard Webhooks 1.0: one message a batch, under an id of its first and last event. */
function webhookRequest({ name, secret }: Feed, events: readonly FeedEvent[], nowMs: number): FeedRequest {
  const [first, last] = [events[0]!, events.at(-1)!];
  const entries = events.map((event) => ({ id: eventId(event), at: iso(event.entry.at), ...properties(event) }));
  const body = JSON.stringify({ type: 'ledger.entries', timestamp: iso(last.entry.at), data: { feed: name, entries } });
  const id = `msg_${name}_${first.seq}_${last.seq}_${events.length}`;
  const signed = webhookHeaders(secret, { id, timestamp: Math.floor(nowMs / 1000), body });
  return { headers: { ...signed, 'content-type': 'application/json' }, body };
}
