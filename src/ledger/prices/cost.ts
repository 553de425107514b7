import {
  ZERO_USD,
  addUsd,
  costOf,
  divideHalfEven,
  nanoUsd,
  type NanoUsd,
  type PricePerMillion,
} from '#kernel/money.ts';
import type { Cost } from '#ports/entry.ts';
import { hasUnits, type Units, type Usage } from '#wire/usage.ts';
import { dearestOf, priceAt, type Bucket, type Buckets } from './buckets.ts';
import type { PriceQuote } from './price-book.ts';

/** Tiers and regions that cost what the list says. Any other changes the price, and is unknown unless listed. */
const STANDARD = new Set(['default', 'standard', 'auto', 'on_demand', 'global', 'not_available', 'scale']);
/** Uses of a provider's own tools that cost nothing beyond their tokens (Anthropic, web fetch). */
const FREE_TOOLS = new Set(['web_fetch_requests']);
const TOOL_BUCKET: Readonly<Record<string, Bucket>> = {
  web_search_requests: 'webSearch',
  google_search: 'webSearch',
};

const countOf = (tokens: number | null): number => Math.max(0, tokens ?? 0);

/**
 * Cost by part of a usage: each part one exact product rounded once, half to even. Null where something that was
 * used has no price: unknown is never zero. Tokens of a kind without a price of its own cost what their plain kind
 * costs, as providers bill them.
 */
export function costOfUsage(buckets: Buckets, usage: Usage): Cost | null {
  if (!hasUnits(usage)) return costOfTokens(buckets, usage);
  // Some models have prices of both kinds: the provider's own count of tokens is what it bills where it gives one.
  const stated = usage.inputTokens !== null || usage.outputTokens !== null;
  const byToken = stated && pricesTokens(buckets) ? costOfTokens(buckets, usage) : null;
  if (byToken !== null) return byToken;
  const other = costOfUnits(buckets, usage.units);
  if (other === null || Object.keys(usage.toolUses).length > 0) return null;
  return { input: ZERO_USD, cachedRead: ZERO_USD, cacheWrite: ZERO_USD, output: ZERO_USD, other, total: other };
}

/** Has a token a price, so that a count of them can be billed? */
export const pricesTokens = (buckets: Buckets): boolean => buckets.has('input') || buckets.has('output');

const MS_A_SECOND = 1_000n;

/** Cost of units, and what every request costs; null where one of them has no price. */
export function costOfUnits(buckets: Buckets, units: Units): NanoUsd | null {
  let total = buckets.has('request') ? costOf(1, buckets.get('request')!.base) : ZERO_USD;
  for (const [name, count] of Object.entries(units)) {
    const cost = costOfUnit(buckets, name, count);
    if (cost === null) return null;
    total = addUsd(total, cost);
  }
  return total;
}

/** A variant of an image that has no price of its own costs what an image costs. */
function costOfUnit(buckets: Buckets, name: string, count: number): NanoUsd | null {
  const plain = name.slice(name.lastIndexOf('.') + 1);
  const bucket = name === 'audioMs' ? 'audioSecond' : buckets.has(name) ? name : plain;
  const price = buckets.get(bucket)?.base;
  if (price === undefined) return null;
  if (name !== 'audioMs') return costOf(count, price);
  return nanoUsd(divideHalfEven(BigInt(count) * price, MS_A_SECOND * 1_000_000n));
}

function costOfTokens(buckets: Buckets, usage: Usage): Cost | null {
  const prefix = tierPrefix(usage, buckets);
  if (prefix === null) return null;
  const size = countOf(usage.inputTokens);
  const price = (bucket: Bucket): PricePerMillion | null => {
    const found = buckets.get(prefix + bucket);
    return found ? priceAt(found, size) : null;
  };
  const plainInput = price('input');
  const plainOutput = price('output');
  const parts = inputParts(usage);
  const other = otherCost(usage, parts, price, plainInput, plainOutput);
  const needsOutput = parts.output > 0;
  if ((plainInput === null && size > 0) || (plainOutput === null && needsOutput) || other === null) return null;
  const write1h = price('cacheWrite1h');
  if (parts.cacheWrite1h > 0 && write1h === null) return null;
  const zero = 0n as PricePerMillion;
  const reasoning = price('reasoning');
  const reasoningTokens = reasoning === null ? 0 : Math.min(countOf(usage.reasoningTokens), parts.output);
  const cost = {
    input: costOf(parts.input, plainInput ?? zero),
    cachedRead: costOf(parts.cachedRead, price('cachedRead') ?? plainInput ?? zero),
    cacheWrite: addUsd(
      costOf(parts.cacheWrite, price('cacheWrite') ?? plainInput ?? zero),
      costOf(parts.cacheWrite1h, write1h ?? zero),
    ),
    output: addUsd(
      costOf(parts.output - reasoningTokens, plainOutput ?? zero),
      costOf(reasoningTokens, reasoning ?? zero),
    ),
    other,
  };
  const total = nanoUsd(cost.input + cost.cachedRead + cost.cacheWrite + cost.output + cost.other);
  return { ...cost, total };
}

/** Disjoint counts. A provider whose parts exceed the whole is believed in its parts, never below zero. */
function inputParts(usage: Usage) {
  const cachedRead = countOf(usage.cachedReadTokens);
  const writes = countOf(usage.cacheWriteTokens);
  const cacheWrite1h = Math.min(countOf(usage.cacheWrite1hTokens), writes);
  const inputAudio = countOf(usage.inputAudioTokens);
  const inputImage = countOf(usage.inputImageTokens);
  const outputAudio = Math.min(countOf(usage.outputAudioTokens), countOf(usage.outputTokens));
  const outputImage = Math.min(countOf(usage.outputImageTokens), countOf(usage.outputTokens) - outputAudio);
  return {
    input: Math.max(0, countOf(usage.inputTokens) - cachedRead - writes - inputAudio - inputImage),
    cachedRead,
    cacheWrite: writes - cacheWrite1h,
    cacheWrite1h,
    inputAudio,
    inputImage,
    output: countOf(usage.outputTokens) - outputAudio - outputImage,
    outputAudio,
    outputImage,
  };
}

function otherCost(
  usage: Usage,
  parts: ReturnType<typeof inputParts>,
  price: (bucket: Bucket) => PricePerMillion | null,
  plainInput: PricePerMillion | null,
  plainOutput: PricePerMillion | null,
): NanoUsd | null {
  let total: NanoUsd = ZERO_USD;
  const add = (units: number, at: PricePerMillion | null): boolean => {
    if (units > 0 && at !== null) total = addUsd(total, costOf(units, at));
    return units === 0 || at !== null;
  };
  const known =
    add(parts.inputAudio, price('inputAudio') ?? plainInput) &&
    add(parts.inputImage, price('inputImage') ?? plainInput) &&
    add(parts.outputAudio, price('outputAudio') ?? plainOutput) &&
    add(parts.outputImage, price('outputImage') ?? plainOutput);
  if (!known) return null;
  const request = price('request');
  if (request !== null) add(1, request);
  for (const [tool, uses] of Object.entries(usage.toolUses)) {
    if (uses === 0 || FREE_TOOLS.has(tool)) continue;
    const bucket = TOOL_BUCKET[tool];
    if (!bucket || !add(uses, price(bucket))) return null;
  }
  return total;
}

/** `''` for the list price, `flex.` and the like where that tier is priced; null: a tier without a price. */
function tierPrefix(usage: Usage, buckets: Buckets): string | null {
  const special = [usage.serviceTier, usage.speed, usage.inferenceGeo].filter(
    (name): name is string => name !== null && !STANDARD.has(name),
  );
  if (special.length === 0) return '';
  const prefix = `${special.join('.')}.`;
  return buckets.has(`${prefix}input`) ? prefix : null;
}

/** Can a hosted tool be priced? The names are those of requests, not of usage: `web_search_20250305`, `web_search_preview`. */
export const toolHasPrice = (buckets: Buckets, tool: string): boolean =>
  tool.startsWith('web_fetch') || (/^(?:web|google)_search/.test(tool) && buckets.has('webSearch'));

/** Of the list price and every tier of it, the dearest of each kind. */
export function quoteOf(buckets: Buckets): PriceQuote {
  const most = (...names: Bucket[]): PricePerMillion =>
    [...buckets]
      .filter(([name]) => names.some((bucket) => name === bucket || name.endsWith(`.${bucket}`)))
      .map(([, price]) => dearestOf(price))
      .reduce((a, b) => (b > a ? b : a), 0n as PricePerMillion);
  const zero = 0n as PricePerMillion;
  return {
    inputPerMillion: buckets.get('input')?.base ?? zero,
    outputPerMillion: buckets.get('output')?.base ?? zero,
    dearestInputPerMillion: most('input', 'cachedRead', 'cacheWrite', 'cacheWrite1h', 'inputAudio', 'inputImage'),
    dearestOutputPerMillion: most('output', 'reasoning', 'outputAudio', 'outputImage'),
    perCallNanoUsd: costOf(1, dearestOf(buckets.get('request'))),
  };
}
