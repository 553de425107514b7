import type { DialectName } from './canonical.ts';
import { isObject, type JsonObject } from './json/read.ts';
import { scan, type Span } from './json/scan.ts';
import { splice, type MemberEdits } from './json/splice.ts';
import { MAX_DEPTH } from './json/strict.ts';
import type { SseEvent } from './sse/splitter.ts';
import type { Usage } from './usage.ts';

/** The same without what of it came of a cache, or went into one: input tokens include both. */
export const withoutCached = (usage: Usage): Usage => ({
  ...usage,
  cachedReadTokens: usage.cachedReadTokens && 0,
  cacheWriteTokens: usage.cacheWriteTokens && 0,
  cacheWrite1hTokens: usage.cacheWrite1hTokens && 0,
  // What the provider says of its price says the same.
  statedCostUsd: null,
});

/** Nothing of an answer's JSON without one of these words tells of a cache. */
const TELLS = /cache|usage|timings|prompt_progress/i;

/**
 * The JSON of a whole answer with cached tokens counted as any others, and without what else tells of them: the
 * provider's own price and times. Bytes outside of usage stay. The very same buffer where there is nothing to hide.
 * `value`: what the body says, where it is read already.
 */
export function hideCached(body: Buffer, dialect: DialectName, value?: unknown): Buffer {
  if (isObject(value)) return tells(value, dialect) ? hidden(body, dialect, value) : body;
  return TELLS.test(body.toString('latin1')) ? hidden(body, dialect) : body;
}

/** Would anything of the answer be hidden? */
const tells = (value: JsonObject, dialect: DialectName): boolean =>
  tellsItself(value, dialect) ||
  (WITHIN[dialect] ?? []).some((name) => {
    const inner = value[name];
    return isObject(inner) && tellsItself(inner, dialect);
  });

const tellsItself = (value: JsonObject, dialect: DialectName): boolean =>
  Object.keys(value).some((name) => BESIDE.has(name) || (USAGE.has(name) && isRead(value[name], dialect)));

const isRead = (usage: unknown, dialect: DialectName): boolean =>
  isObject(usage) && unread(usage, EXCLUDES.has(dialect)) !== usage;

/** The same of one event of a stream. */
export function hideCachedInEvent({ raw, name, data }: SseEvent, dialect: DialectName): Buffer {
  if (data === null || !TELLS.test(data)) return raw;
  const json = Buffer.from(data);
  const without = hidden(json, dialect);
  if (without === json) return raw;
  const at = raw.indexOf(json);
  if (at >= 0) return Buffer.concat([raw.subarray(0, at), without, raw.subarray(at + json.length)]);
  // Its data stood in several lines: they are one now.
  return Buffer.from(`${name === '' ? '' : `event: ${name}\n`}data: ${String(without)}\n\n`);
}

/** The same of an answer that stands deeper in a line of results, by the names of the members around it. */
export function hideCachedWithin(json: Buffer, [name, ...deeper]: readonly string[], dialect: DialectName): Buffer {
  if (name === undefined) return hidden(json, dialect);
  const { spans } = scan(json, MAX_DEPTH);
  const span = spans.get(name);
  if (span === undefined || json[span.start] !== OPEN_OBJECT) return json;
  const inner = json.subarray(span.start, span.end);
  const changed = hideCachedWithin(inner, deeper, dialect);
  return changed === inner ? json : splice(json, spans, new Map([[name, changed.toString()]]));
}

/** Where usage stands in an answer, or in an event of one. */
const WITHIN: Readonly<Partial<Record<DialectName, readonly string[]>>> = {
  'openai-chat': ['x_groq'],
  'openai-responses': ['response'],
  'anthropic-messages': ['message'],
};
const USAGE: ReadonlySet<string> = new Set(['usage', 'usageMetadata', 'usage_metadata']);
/** What stands beside it: llama.cpp's `timings` and `prompt_progress`, Anthropic's `diagnostics` of cache misses. */
const BESIDE: ReadonlySet<string> = new Set(['timings', 'prompt_progress', 'diagnostics']);

/** `value`: what the text says, where it is read already. */
function hidden(json: Buffer, dialect: DialectName, value?: JsonObject): Buffer {
  const { spans } = scan(json, MAX_DEPTH);
  const edits = editsOf({ json, spans, value }, dialect);
  for (const name of WITHIN[dialect] ?? []) {
    const span = spans.get(name);
    if (span === undefined || json[span.start] !== OPEN_OBJECT) continue;
    const inner = json.subarray(span.start, span.end);
    const { spans: within } = scan(inner, MAX_DEPTH);
    const changed = splice(
      inner,
      within,
      editsOf({ json: inner, spans: within, value: objectIn(value, name) }, dialect),
    );
    if (changed !== inner) edits.set(name, changed.toString());
  }
  return splice(json, spans, edits);
}
const OPEN_OBJECT = 0x7b;

interface Scanned {
  readonly json: Buffer;
  readonly spans: ReadonlyMap<string, Span>;
  readonly value: JsonObject | undefined;
}

const objectIn = (value: JsonObject | undefined, name: string): JsonObject | undefined => {
  const inner = value?.[name];
  return isObject(inner) ? inner : undefined;
};

function editsOf({ json, spans, value }: Scanned, dialect: DialectName): Map<string, string | null> {
  const edits: Map<string, string | null> & MemberEdits = new Map();
  for (const [name, { start, end }] of spans) {
    if (BESIDE.has(name)) edits.set(name, null);
    if (!USAGE.has(name) || json[start] !== OPEN_OBJECT) continue;
    const usage = objectIn(value, name) ?? (JSON.parse(json.toString('utf8', start, end)) as JsonObject);
    const after = unread(usage, EXCLUDES.has(dialect));
    if (after !== usage) edits.set(name, JSON.stringify(after));
  }
  return edits;
}

/** Their `input_tokens` leave out what was read from a cache or written into it. */
const EXCLUDES: ReadonlySet<DialectName> = new Set(['anthropic-messages', 'bedrock-converse']);
const CACHE = /cache/i;
/** Prices and times that providers state: both fall where a prompt is read from a cache. */
const ALSO_TELLS = /cost|_time$/;

/** A usage object, or one within it, of a prompt that was read from no cache; the very same where it tells of none. */
function unread(usage: JsonObject, excludes: boolean): JsonObject {
  const out: Record<string, unknown> = {};
  let [read, same] = [0, true];
  for (const name of Object.keys(usage)) {
    const value = usage[name];
    let shown: unknown;
    if (!CACHE.test(name)) {
      if (ALSO_TELLS.test(name)) {
        same = false;
        continue;
      }
      shown = partOf(value, excludes);
    } else if (typeof value === 'number') {
      if (excludes) read += value;
      shown = name === 'prompt_cache_miss_tokens' ? usage['prompt_tokens'] : 0;
    } else if (value === null || isObject(value)) shown = null;
    else {
      same = false;
      continue;
    }
    out[name] = shown;
    same &&= shown === value;
  }
  if (same) return usage;
  const input = ['input_tokens', 'inputTokens'].find((name) => typeof out[name] === 'number');
  if (input !== undefined) out[input] = (out[input] as number) + read;
  return out;
}

function partOf(value: unknown, excludes: boolean): unknown {
  if (isObject(value)) return unread(value, excludes);
  if (!Array.isArray(value)) return value;
  const parts = value.map((one: unknown) => partOf(one, excludes));
  return parts.every((part, i) => part === value[i]) ? value : parts;
}
