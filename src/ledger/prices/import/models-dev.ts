import { parsePricePerMillion } from '#kernel/money.ts';
import { objectOf, type JsonObject } from '#wire/json/read.ts';
import { bucketText } from '../bucket-name.ts';
import type { Bucket } from '../buckets.ts';
import { ListReader, statedPrice, type ParsedList } from './parsed-list.ts';

/** Its id of a provider to that of public price lists. */
const BOOKS: Readonly<Record<string, string>> = {
  openai: 'openai',
  azure: 'azure',
  anthropic: 'anthropic',
  google: 'google',
  mistral: 'mistral',
  groq: 'groq',
  deepseek: 'deepseek',
  togetherai: 'together',
  'fireworks-ai': 'fireworks',
  openrouter: 'openrouter',
};

const FIELDS: Readonly<Record<string, Bucket>> = {
  input: 'input',
  output: 'output',
  cache_read: 'cachedRead',
  cache_write: 'cacheWrite',
  reasoning: 'reasoning',
  input_audio: 'inputAudio',
  output_audio: 'outputAudio',
};

/** The older form of one step; where `tiers` are given they say more. */
const OVER_200K = 'context_over_200k';

/** models.dev `api.json`: providers by id, each with its models, prices in dollars for a million. */
export function readModelsDev(providers: JsonObject): ParsedList {
  const list = new ListReader();
  for (const [id, provider] of Object.entries(providers)) {
    const models = Object.entries(objectOf(objectOf(provider)['models']));
    const book = Object.hasOwn(BOOKS, id) ? BOOKS[id]! : null;
    for (const [model, value] of models)
      if (book === null) list.leave(`provider ${id}`);
      else readModel(list, { book, model }, objectOf(value));
  }
  return list.done();
}

function readModel(list: ListReader, name: { book: string; model: string }, value: JsonObject): void {
  if (value['cost'] === undefined || value['cost'] === null) return list.leave('no price by token');
  const full = `${name.book}/${name.model}`;
  const cost = objectOf(value['cost']);
  const prices: Record<string, string> = {};
  const wrong =
    addPrices(list, cost, { prices, tier: '', above: null }) ??
    addSteps(list, cost, prices) ??
    addModes(list, objectOf(value['experimental']), prices);
  if (wrong) list.refuse(full, wrong);
  else list.add({ ...name, prices });
}

interface Into {
  readonly prices: Record<string, string>;
  /** With its point: `priority.`; '' for the plain price. */
  readonly tier: string;
  readonly above: number | null;
}

/** Returns what cannot be right, or null. */
function addPrices(list: ListReader, cost: JsonObject, { prices, tier, above }: Into): string | null {
  for (const [field, value] of Object.entries(cost)) {
    if (field === 'tiers' || field === 'tier' || field === OVER_200K || value === null) continue;
    if (!Object.hasOwn(FIELDS, field)) {
      list.unknown(`cost.${field}`);
      continue;
    }
    const stated = statedPrice(value, parsePricePerMillion);
    if ('wrong' in stated) return `cost.${field} ${stated.wrong}`;
    prices[bucketText(tier + FIELDS[field]!, above)] = stated.text;
  }
  return null;
}

function addSteps(list: ListReader, cost: JsonObject, prices: Record<string, string>): string | null {
  const tiers = Array.isArray(cost['tiers']) ? cost['tiers'].map(objectOf) : null;
  if (!tiers) {
    const over = cost[OVER_200K];
    return over ? addPrices(list, objectOf(over), { prices, tier: '', above: 200_000 }) : null;
  }
  for (const tier of tiers) {
    const { type, size } = objectOf(tier['tier']);
    if (type !== 'context' || !Number.isSafeInteger(size) || (size as number) <= 0)
      return 'cost.tiers has a step of no known size';
    const wrong = addPrices(list, tier, { prices, tier: '', above: size as number });
    if (wrong) return wrong;
  }
  return null;
}

/** Faster modes of a model: priced under the tier or speed that a request asks for, which is what usage names. */
function addModes(list: ListReader, experimental: JsonObject, prices: Record<string, string>): string | null {
  for (const mode of Object.values(objectOf(experimental['modes'])).map(objectOf)) {
    const { service_tier: tier, speed } = objectOf(objectOf(mode['provider'])['body']);
    const name = tier ?? speed;
    if (mode['cost'] === undefined) continue;
    if (typeof name !== 'string' || !/^[a-z][a-z0-9_-]{0,31}$/.test(name)) {
      list.unread('experimental.modes');
      continue;
    }
    const wrong = addPrices(list, objectOf(mode['cost']), { prices, tier: `${name}.`, above: null });
    if (wrong) return wrong;
  }
  return null;
}
