import { parsePricePerUnit } from '#kernel/money.ts';
import { isUnset, objectOf, type JsonObject } from '#wire/json/read.ts';
import { bucketText } from '../bucket-name.ts';
import type { Bucket } from '../buckets.ts';
import { ListReader, statedPrice, type ParsedList } from './parsed-list.ts';

/** `litellm_provider` to the provider's id of public price lists. */
const BOOKS: Readonly<Record<string, string>> = {
  openai: 'openai',
  'text-completion-openai': 'openai',
  azure: 'azure',
  anthropic: 'anthropic',
  gemini: 'google',
  mistral: 'mistral',
  groq: 'groq',
  deepseek: 'deepseek',
  together_ai: 'together',
  fireworks_ai: 'fireworks',
  openrouter: 'openrouter',
};

/** Modes that are billed by token. Images, speech and OCR have token fields of 0 beside the price that counts. */
const BY_TOKEN = new Set(['chat', 'completion', 'responses', 'embedding']);

/** Its field of a price for one unit, and our bucket. The longer name first, since one is the start of the other. */
const FIELDS: readonly (readonly [string, Bucket])[] = [
  ['cache_creation_input_token_cost_above_1hr', 'cacheWrite1h'],
  ['cache_creation_input_token_cost', 'cacheWrite'],
  ['cache_read_input_token_cost', 'cachedRead'],
  ['input_cost_per_token', 'input'],
  ['output_cost_per_token', 'output'],
  ['output_cost_per_reasoning_token', 'reasoning'],
  ['input_cost_per_audio_token', 'inputAudio'],
  ['output_cost_per_audio_token', 'outputAudio'],
  ['input_cost_per_image_token', 'inputImage'],
];
/** DeepSeek's older name of a cached read: read where the newer one is not stated. */
const OLDER_CACHED_READ = 'input_cost_per_token_cache_hit';
const TIERS: Readonly<Record<string, string>> = { batches: 'batch.', flex: 'flex.', priority: 'priority.' };
const SUFFIX = /^(?:_above_(\d{1,6})k_tokens)?(?:_(batches|flex|priority))?$/;

/** Fields of a price that no bucket holds; `provider_specific_entry` multiplies by speed and region. */
const IS_PRICE = /cost|price|pricing|multiplier|billing|^provider_specific_entry$/;
/** What is known to say nothing of a price (documented in the map's own `sample_spec`). */
const NOT_PRICE =
  /^(supports_|supported_|max_|min_|mode$|litellm_provider$|source$|deprecation_date$|metadata$|comment$|tool_use_system_prompt_tokens$|output_vector_size$|rpm$|tpm$|rpd$|use_in_pass_through$|bedrock_|openrouter_|uses_|gemini_|prompt_cache_)/;

/** LiteLLM's `model_prices_and_context_window.json`: one object, a model each, prices in dollars for one unit. */
export function readLitellm(map: JsonObject): ParsedList {
  const list = new ListReader();
  for (const [key, value] of Object.entries(map)) if (key !== 'sample_spec') readModel(list, key, objectOf(value));
  return list.done();
}

function readModel(list: ListReader, key: string, model: JsonObject): void {
  const provider = String(model['litellm_provider'] ?? '');
  const mode = model['mode'];
  const book = Object.hasOwn(BOOKS, provider) ? BOOKS[provider]! : null;
  if (book === null) return list.leave(`provider ${provider || 'unnamed'}`);
  if (typeof mode === 'string' && !BY_TOKEN.has(mode)) return list.leave(`mode ${mode}`);
  const prices = pricesOf(list, `${book}/${key}`, model);
  if (prices === null) return;
  if (prices['input'] === undefined && prices['output'] === undefined) return list.leave('no price by token');
  const name = key.startsWith(`${provider}/`) ? key.slice(provider.length + 1) : key;
  list.add({ book, model: name, prices });
}

/** Null: a price of it cannot be right, and the model is refused. */
function pricesOf(list: ListReader, name: string, model: JsonObject): Record<string, string> | null {
  const prices: Record<string, string> = {};
  for (const [field, value] of Object.entries(model)) {
    const bucket = bucketOf(field, model);
    if (bucket === null) {
      if (NOT_PRICE.test(field)) continue;
      if (value !== null && value !== 0) IS_PRICE.test(field) ? list.unread(field) : list.unknown(field);
    } else if (value !== null) {
      const stated = statedPrice(value, parsePricePerUnit);
      if ('wrong' in stated) return (list.refuse(name, `${field} ${stated.wrong}`), null);
      prices[bucket] = stated.text;
    }
  }
  return prices;
}

function bucketOf(field: string, model: JsonObject): string | null {
  if (field === OLDER_CACHED_READ) return isUnset(model['cache_read_input_token_cost']) ? 'cachedRead' : null;
  for (const [name, bucket] of FIELDS) {
    if (!field.startsWith(name)) continue;
    const match = SUFFIX.exec(field.slice(name.length));
    if (!match) continue;
    const [, thousands, tier] = match;
    return bucketText(`${tier ? TIERS[tier] : ''}${bucket}`, thousands ? Number(thousands) * 1_000 : null);
  }
  return null;
}
