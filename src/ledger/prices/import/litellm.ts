import { parsePricePerUnit, usdDecimal } from '#kernel/money.ts';
import { isUnset, objectOf, type JsonObject } from '#wire/json/read.ts';
import { bucketText } from '../bucket-name.ts';
import type { Bucket } from '../buckets.ts';
import { sizedImage, type SizedImage } from './litellm-images.ts';
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
  cohere: 'cohere',
  cohere_chat: 'cohere',
  voyage: 'voyageai',
  jina_ai: 'jina',
};

/** Modes that are billed by token. */
const BY_TOKEN = new Set(['chat', 'completion', 'responses', 'embedding', 'moderation']);
/** Modes that are billed by unit or by token: a token field of 0 stands beside the price that counts, and says nothing. */
const BY_UNIT = new Set(['image_generation', 'image_edit', 'audio_speech', 'audio_transcription', 'rerank']);

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
  ['output_cost_per_image_token', 'outputImage'],
];
/** The same of units; read for models of {@link BY_UNIT} alone, since elsewhere the words mean something else. */
const UNIT_FIELDS: Readonly<Record<string, Bucket>> = {
  input_cost_per_character: 'character',
  input_cost_per_second: 'audioSecond',
  input_cost_per_query: 'searchUnit',
  input_cost_per_image: 'image',
  output_cost_per_image: 'image',
};
const PIXELS = 'input_cost_per_pixel';
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
  const sized = new Map<string, Record<string, string>>();
  const models: ReadModel[] = [];
  for (const [key, value] of Object.entries(map)) {
    const read = key === 'sample_spec' ? null : readModel(list, key, objectOf(value));
    if (read === null) continue;
    const image = sizedImage(read.model);
    if (image === null) models.push(read);
    else addSized(list, sized, read, image);
  }
  addAll(list, models, sized);
  return list.done();
}

interface ReadModel {
  readonly book: string;
  readonly model: string;
  readonly prices: Record<string, string>;
  readonly fields: JsonObject;
}

function addSized(
  list: ListReader,
  sized: Map<string, Record<string, string>>,
  { book, prices, fields }: ReadModel,
  { model, bucket, pixels }: SizedImage,
): void {
  const name = `${book}\n${model}`;
  const ofPixel = fields[PIXELS];
  // A price of a pixel has four digits, so that their product has three; no image is sold by more.
  const text = typeof ofPixel === 'number' ? (ofPixel * pixels).toPrecision(3) : null;
  const price = text === null ? null : parsePricePerUnit(String(Number(text)));
  const stated = prices['image'] ?? (price === null || price <= 0n ? undefined : usdDecimal(price as never));
  if (stated === undefined) return list.leave('no price by token or unit');
  sized.set(name, { ...sized.get(name), [bucket]: stated });
}

/** Each model with the prices of its sizes; a model that is listed by its sizes alone is one as well. */
function addAll(list: ListReader, models: readonly ReadModel[], sized: Map<string, Record<string, string>>): void {
  for (const { book, model, prices } of models) {
    const name = `${book}\n${model}`;
    const all = { ...prices, ...sized.get(name) };
    sized.delete(name);
    if (Object.keys(all).some(isBase)) list.add({ book, model, prices: all });
    else list.leave('no price by token or unit');
  }
  for (const [name, prices] of sized) {
    const [book, model] = name.split('\n');
    list.add({ book: book!, model: model!, prices });
  }
}

/** Does the bucket price a call by itself? A cached read alone does not. */
const isBase = (name: string): boolean =>
  /^(input|output|outputImage|outputAudio|character|audioSecond|searchUnit|(.*\.)?image)$/.test(name);

function readModel(list: ListReader, key: string, model: JsonObject): ReadModel | null {
  const provider = String(model['litellm_provider'] ?? '');
  const mode = model['mode'];
  const book = Object.hasOwn(BOOKS, provider) ? BOOKS[provider]! : null;
  if (book === null) return (list.leave(`provider ${provider || 'unnamed'}`), null);
  const byUnit = typeof mode === 'string' && BY_UNIT.has(mode);
  if (typeof mode === 'string' && !byUnit && !BY_TOKEN.has(mode)) return (list.leave(`mode ${mode}`), null);
  const fields = byUnit ? withoutZeros(model) : model;
  const prices = pricesOf(list, `${book}/${key}`, fields, byUnit);
  if (prices === null) return null;
  const name = key.startsWith(`${provider}/`) ? key.slice(provider.length + 1) : key;
  return { book, model: name, prices, fields };
}

const withoutZeros = (model: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(model).filter(([, value]) => value !== 0));

/** Null: a price of it cannot be right, and the model is refused. */
function pricesOf(list: ListReader, name: string, model: JsonObject, byUnit: boolean): Record<string, string> | null {
  const prices: Record<string, string> = {};
  for (const [field, value] of Object.entries(model)) {
    const bucket = (byUnit && unitBucket(field)) || bucketOf(field, model);
    if (byUnit && field === PIXELS) continue;
    if (bucket === null) {
      if (NOT_PRICE.test(field)) continue;
      if (value !== null && value !== 0) IS_PRICE.test(field) ? list.unread(field) : list.unknown(field);
    } else if (value !== null) {
      const stated = statedPrice(value, parsePricePerUnit, bucket);
      if ('wrong' in stated) return (list.refuse(name, `${field} ${stated.wrong}`), null);
      prices[bucket] = stated.text;
    }
  }
  return prices;
}

const unitBucket = (field: string): Bucket | null => (Object.hasOwn(UNIT_FIELDS, field) ? UNIT_FIELDS[field]! : null);

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
