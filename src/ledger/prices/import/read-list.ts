import { createHash } from 'node:crypto';
import { HeadgateError } from '#kernel/errors.ts';
import type { PriceList } from '#ports/state-store.ts';
import { parseStrict } from '#wire/json/strict.ts';
import { objectOf, type JsonObject } from '#wire/json/read.ts';
import { readLitellm } from './litellm.ts';
import { readModelsDev } from './models-dev.ts';
import type { ParsedList } from './parsed-list.ts';

export interface ReadList extends ParsedList {
  readonly list: PriceList;
  /** SHA-256 of the bytes, its first 16 hex digits. */
  readonly hash: string;
}

const READERS: Readonly<Record<PriceList, (value: JsonObject) => ParsedList>> = {
  litellm: readLitellm,
  'models.dev': readModelsDev,
};

/** Reads a price list of either form; throws `invalid_request` where it is none: no JSON, a key twice, another form. */
export function readPriceList(bytes: Buffer): ReadList {
  const read = parseStrict(bytes);
  if (!read.ok) throw refused(read.error.message.replace('The body', 'The price list'));
  const { value } = read.value;
  const list = formOf(value);
  if (list === null)
    throw refused(
      'The file is neither a price map of LiteLLM nor the api.json of models.dev: no model in it has a price.',
    );
  return { list, hash: createHash('sha256').update(bytes).digest('hex').slice(0, 16), ...READERS[list](value) };
}

const refused = (message: string): HeadgateError => new HeadgateError('invalid_request', { message });

function formOf(value: JsonObject): PriceList | null {
  const entries = Object.values(value).map(objectOf);
  if (entries.some((entry) => 'litellm_provider' in entry)) return 'litellm';
  const models = entries.flatMap((entry) => Object.values(objectOf(entry['models'])));
  return models.some((model) => 'cost' in objectOf(model)) ? 'models.dev' : null;
}
