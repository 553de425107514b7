import { NO_USAGE, type Usage } from '../usage.ts';
import { listOf, isObject, objectOf, textOf, type JsonObject, usedOf } from '../json/read.ts';

/**
 * Anthropic's usage to ours, or null where the value is none. `input_tokens` leaves out cached reads and writes
 * (SDK 1.12.0: "Total input tokens is the summation of `input_tokens`, `cache_creation_input_tokens`, and
 * `cache_read_input_tokens`"), so ours is the sum. The tokens of a `compaction` iteration are billed but "not
 * included in the top-level usage fields": they are added. Those of an `advisor_message` are billed at another
 * model's price and are not.
 */
export function readUsage(value: unknown): Usage | null {
  if (!isObject(value)) return null;
  const main = buckets(value);
  const extra = listOf(value['iterations']).filter((it) => objectOf(it)['type'] === 'compaction');
  const all = [main, ...extra.map((it) => buckets(objectOf(it)))];
  const total = (pick: (b: Buckets) => number | null): number | null => all.reduce((sum, b) => add(sum, pick(b)), NULL);
  return {
    ...NO_USAGE,
    inputTokens: main.fresh === null ? null : total(inputOf),
    cachedReadTokens: total((b) => b.read),
    cacheWriteTokens: total((b) => b.write),
    cacheWrite1hTokens: total((b) => b.write1h),
    outputTokens: total((b) => b.output),
    reasoningTokens: usedOf(objectOf(value['output_tokens_details'])['thinking_tokens']),
    toolUses: toolUses(value['server_tool_use']),
    serviceTier: textOf(value['service_tier']),
    speed: textOf(value['speed']),
    inferenceGeo: textOf(value['inference_geo']),
  };
}

interface Buckets {
  readonly fresh: number | null;
  readonly read: number | null;
  readonly write: number | null;
  readonly write1h: number | null;
  readonly output: number | null;
}

const NULL: number | null = null;
const add = (a: number | null, b: number | null): number | null => (a === null ? b : b === null ? a : a + b);
const inputOf = (b: Buckets): number | null => add(b.fresh, add(b.read, b.write));

function buckets(usage: JsonObject): Buckets {
  const creation = objectOf(usage['cache_creation']);
  const write1h = usedOf(creation['ephemeral_1h_input_tokens']);
  const byLife = add(usedOf(creation['ephemeral_5m_input_tokens']), write1h);
  return {
    fresh: usedOf(usage['input_tokens']),
    read: usedOf(usage['cache_read_input_tokens']),
    write: usedOf(usage['cache_creation_input_tokens']) ?? byLife,
    write1h,
    output: usedOf(usage['output_tokens']),
  };
}

function toolUses(value: unknown): Record<string, number> {
  const uses: Record<string, number> = {};
  for (const [name, count] of Object.entries(objectOf(value))) {
    if (usedOf(count)) uses[name] = count as number;
  }
  return uses;
}

/**
 * Later usage of the same stream over earlier, as the provider writes them. Stream usage is cumulative, so a
 * count never falls: a proxy that sends `input_tokens: 0` in either event does not erase the other's figure.
 */
export function mergeRawUsage(earlier: JsonObject | null, later: JsonObject): JsonObject {
  if (!earlier) return later;
  const merged: Record<string, unknown> = { ...earlier };
  for (const [name, value] of Object.entries(later)) {
    if (value === null || value === undefined) continue;
    const before = merged[name];
    if (typeof value === 'number' && typeof before === 'number') merged[name] = Math.max(before, value);
    else if (isObject(value) && isObject(before)) merged[name] = mergeRawUsage(before, value);
    else merged[name] = value;
  }
  return merged;
}

/** The counts that both a whole answer and `message_delta` carry (SDK `MessageDeltaUsage`). */
export function writeDeltaUsage(usage: Usage | null) {
  return {
    cache_creation_input_tokens: usage?.cacheWriteTokens ?? null,
    cache_read_input_tokens: usage?.cachedReadTokens ?? null,
    input_tokens: freshInput(usage),
    // The protocol has no word for "not said" here; the ledger has.
    output_tokens: usage?.outputTokens ?? 0,
    output_tokens_details:
      usage?.reasoningTokens == null
        ? null
        : { thinking_tokens: Math.min(usage.reasoningTokens, usage.outputTokens ?? 0) },
    server_tool_use: writeToolUses(usage?.toolUses ?? {}),
  };
}

/** Usage of a whole answer in Anthropic's form (SDK `Usage`). */
export function writeUsage(usage: Usage | null) {
  return {
    ...writeDeltaUsage(usage),
    input_tokens: freshInput(usage) ?? 0,
    cache_creation: writeCreation(usage),
    inference_geo: usage?.inferenceGeo ?? null,
    service_tier: oneOf(SERVICE_TIERS, usage?.serviceTier),
    speed: oneOf(SPEEDS, usage?.speed),
  };
}

const SERVICE_TIERS = ['standard', 'priority', 'batch'] as const;
const SPEEDS = ['standard', 'fast'] as const;
const oneOf = <T extends string>(known: readonly T[], value: string | null | undefined): T | null =>
  known.find((item) => item === value) ?? null;

/** Never below zero: a provider whose cached count exceeds its input would otherwise give a negative bill. */
function freshInput(usage: Usage | null): number | null {
  if (usage?.inputTokens == null) return null;
  return Math.max(0, usage.inputTokens - (usage.cachedReadTokens ?? 0) - (usage.cacheWriteTokens ?? 0));
}

function writeCreation(usage: Usage | null) {
  if (usage?.cacheWriteTokens == null || usage.cacheWrite1hTokens === null) return null;
  return {
    ephemeral_1h_input_tokens: usage.cacheWrite1hTokens,
    ephemeral_5m_input_tokens: Math.max(0, usage.cacheWriteTokens - usage.cacheWrite1hTokens),
  };
}

function writeToolUses(uses: Readonly<Record<string, number>>) {
  if (Object.keys(uses).length === 0) return null;
  return {
    ...uses,
    web_fetch_requests: uses['web_fetch_requests'] ?? 0,
    web_search_requests: uses['web_search_requests'] ?? 0,
  };
}
