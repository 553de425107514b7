import { nanoUsd, parsePricePerUnit, parseUsd, usdDecimal } from '#kernel/money.ts';
import { MOST_NAME_CHARS, type WantedPrice, type WantedProvider } from '../plan.ts';
import { unknownProvider, type ProviderBook } from '../provider-book.ts';
import type { Taken } from '../taken.ts';
import { PLATFORMS, readPlatform } from './platforms.ts';
import { PREFIXES, splitModel, type NamedModel, type PrefixData } from './providers.ts';
import { readProvider, type ProviderReading } from './provider-entry.ts';
import { INFO_REASONS, PARAM_REASONS } from './reasons.ts';

/** One entry of `model_list`, before the settings of its group are known. */
export interface ReadDeployment {
  readonly group: string;
  readonly provider: string;
  /** Null: a pattern, the name that the caller asked for. */
  readonly model: string | null;
  readonly order: number;
  readonly weight: number | undefined;
  readonly rpm: number | undefined;
  readonly tpm: number | undefined;
  readonly accessGroups: readonly string[];
  readonly place: string;
}

interface Reading extends ProviderReading {
  readonly book: ProviderBook;
  readonly prices: WantedPrice[];
}

/** Reads one entry; null where it cannot be served here, which is listed. */
export function readDeployment(entry: Taken, reading: Reading): ReadDeployment | null {
  const { findings } = reading;
  const group = entry.text('model_name');
  const params = entry.section('litellm_params');
  const info = entry.section('model_info');
  const name = params.text('model');
  if (group === undefined || name === undefined) {
    findings.add('left', entry.place(), entry.what(), ['it has no `model_name`, or no `litellm_params.model`']);
    return null;
  }
  const split = splitModel(name, params.text('custom_llm_provider'));
  const data = split && Object.hasOwn(PREFIXES, split.prefix) ? PREFIXES[split.prefix] : undefined;
  const platform = split && Object.hasOwn(PLATFORMS, split.prefix) ? PLATFORMS[split.prefix] : undefined;
  const target = platform && split ? platform.target(split.model) : null;
  if (split && platform && target) {
    const provider = readPlatform(params, { data: platform, kind: target.kind, named: split.model }, reading);
    return served(entry, { params, info, group, split: { ...split, model: target.model }, provider }, reading);
  }
  if (!split || !data) {
    const prefix = split?.prefix ?? name;
    findings.add(
      'left',
      params.place('model'),
      `model ${group} → ${name}`,
      unknownProvider(prefix, [...Object.keys(PREFIXES), ...Object.keys(PLATFORMS)]),
    );
    return null;
  }
  return served(entry, { params, info, group, split, data }, reading);
}

interface Parts {
  readonly params: Taken;
  readonly info: Taken;
  readonly group: string;
  readonly split: NamedModel;
  /** What the prefix says, or the provider where it is known already. */
  readonly data?: PrefixData;
  readonly provider?: WantedProvider;
}

function served(entry: Taken, parts: Parts, reading: Reading): ReadDeployment | null {
  const { params, info, group, split } = parts;
  const { findings } = reading;
  if (split.model.length === 0 || split.model.length > MOST_NAME_CHARS) {
    findings.add('left', params.place('model'), `model ${group}`, [
      `a model id has 1 to ${MOST_NAME_CHARS} characters`,
    ]);
    return null;
  }
  const pattern = patternOf(group, split.model);
  if (pattern === 'unlike') {
    findings.add('left', entry.place(), `model ${group} → ${split.prefix}/${split.model}`, [
      'a pattern here passes the name on as it was asked for, and this one rewrites it',
      'name the models one by one',
    ]);
    return null;
  }
  const provider = parts.provider ?? readProvider(params, split.prefix, parts.data!, reading);
  if (!provider) return null;
  const name = reading.book.name(provider);
  const model = pattern === 'same' ? null : split.model;
  readPrice([params, info], { provider: name, model }, reading);
  // rpm and tpm may stand beside litellm_params too.
  const rate = (field: string): number | undefined => params.number(field) ?? entry.number(field);
  const read: ReadDeployment = {
    ...{ group, provider: name, model, place: entry.place() },
    ...{ order: params.number('order') ?? 0, weight: params.number('weight') },
    ...{ rpm: rate('rpm'), tpm: rate('tpm') },
    accessGroups: info.list('access_groups').map(String),
  };
  params.rest(findings, PARAM_REASONS);
  info.rest(findings, INFO_REASONS);
  entry.rest(findings, {});
  return read;
}

/** `gpt-*` → `openai/gpt-*` passes the name on; `openai/*` → `openai/*` would have to cut it. */
function patternOf(group: string, model: string): 'none' | 'same' | 'unlike' {
  if (!group.includes('*') && !model.includes('*')) return 'none';
  if (group === '*' && model === '*') return 'same';
  return group === model && group.indexOf('*') === group.length - 1 ? 'same' : 'unlike';
}

/** LiteLLM's names for the price of one token, and our buckets. */
const PRICE_FIELDS = {
  input_cost_per_token: 'input',
  output_cost_per_token: 'output',
  cache_read_input_token_cost: 'cachedRead',
  cache_creation_input_token_cost: 'cacheWrite',
} as const;

const NO_PRICE = ['it is no price of a token in dollars, or more than $100,000 for a million'] as const;
const PATTERN_PRICE = [
  'a price belongs to one model, and this is a pattern',
  'set it by `prices` for each model',
] as const;

function readPrice(
  sections: readonly Taken[],
  { provider, model }: { readonly provider: string; readonly model: string | null },
  { prices, findings }: Reading,
): void {
  const perMillion: Record<string, string> = {};
  for (const section of sections) {
    for (const [field, bucket] of Object.entries(PRICE_FIELDS)) {
      const value = section.take(field);
      if (value === undefined) continue;
      const price = perMillionText(String(value));
      if (price !== null && model !== null) perMillion[bucket] = price;
      else findings.add('left', section.place(field), section.what(field), price === null ? NO_PRICE : PATTERN_PRICE);
    }
  }
  if (Object.keys(perMillion).length === 0) return;
  const row = { provider, model: model!, perMillion };
  if (!prices.some((one) => JSON.stringify(one) === JSON.stringify(row))) prices.push(row);
}

/** Bound of a price in headgate.yaml, for a million: more is a slip of the decimal point. */
const DEAREST = parseUsd('100000')!;

/** `2.5e-06` dollars a token are `2.5` for a million. */
function perMillionText(text: string): string | null {
  const price = parsePricePerUnit(text);
  return price === null || price < 0n || price > DEAREST ? null : usdDecimal(nanoUsd(price));
}
