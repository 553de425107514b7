import { err, ok, type Result } from '#kernel/result.ts';
import type { FieldFault, PathFacts, PolicyView } from '../dialect.ts';
import { anArray, anObject, anyOf, aString, wrongField, type Check } from '../json/checks.ts';
import { isObject, isUnset, objectOf, textOf, type JsonObject } from '../json/read.ts';
import type { StrictJson } from '../json/strict.ts';
import { hostedName } from './fields.ts';
import { aMany, camelOf, integerIn, manyOf, member, nameOf, twice, type Name } from './member.ts';
import { newFound, read, type Found } from './found.ts';
import { readContents } from './policy-contents.ts';

/**
 * What policy reads of a `generateContent` body. Google takes each field as `camelCase` and as `snake_case`: one that
 * policy reads and that stands in both forms is a 400.
 */
export function policy(request: StrictJson, path?: PathFacts): Result<PolicyView, FieldFault> {
  const found = newFound();
  const view = readGenerate(found, request.value, path);
  return found.fault ? err(found.fault) : ok(view);
}

const [CONTENTS, SYSTEM, CONFIG, TOOLS, CACHED, TIER, STORE, MODEL, SALT] = [
  ...['contents', 'systemInstruction', 'generationConfig', 'tools', 'cachedContent', 'serviceTier', 'store', 'model'],
  ...['cacheSalt'],
].map(nameOf) as [Name, Name, Name, Name, Name, Name, Name, Name, Name];
const [LIMIT, COUNT, OUTPUT] = ['maxOutputTokens', 'candidateCount', 'generationOutputConfig'].map(nameOf) as [
  Name,
  Name,
  Name,
];

/** Stores that Vertex AI reads, and buckets that it writes, with the account's own right: no caller names one. */
const ofTheAccount = (field: string): FieldFault => ({
  code: 'policy_refused',
  field,
  message: `\`${field}\` names what only the provider's account may reach: it is set by no caller.`,
});

export function readGenerate(found: Found, body: JsonObject, path?: PathFacts): PolicyView {
  checkModel(found, body, path);
  const config = objectOf(read(found, body, CONFIG, '', anObject));
  const tier = textOf(read(found, body, TIER, '', aString));
  const store = read(found, body, STORE, '', (value) => (typeof value === 'boolean' ? null : 'true or false'));
  const cached = textOf(read(found, body, CACHED, '', aString));
  if (member(body, OUTPUT) !== undefined) found.fault ??= ofTheAccount(OUTPUT.camel);
  if (cached !== null) found.kept.push({ kind: 'cached_content', id: cached, field: 'cachedContent' });
  readTools(found, manyOf(read(found, body, TOOLS, '', aMany)));
  readContents(found, read(found, body, SYSTEM, '', anObject), 'systemInstruction');
  const contents = read(found, body, CONTENTS, '', aMany);
  if (manyOf(contents).length === 0)
    found.fault ??= wrongField('contents', 'an array of at least one content', body['contents']);
  readContents(found, contents, 'contents');
  return {
    model: path?.model ?? textOf(body['model']) ?? '',
    stream: path?.stream ?? false,
    includeUsage: true,
    // A zero of protocol buffers is a field that is not set.
    maxOutputTokens: integer(found, config, LIMIT) || null,
    n: integer(found, config, COUNT) || 1,
    serviceTier: tier,
    store: typeof store === 'boolean' ? store : null,
    background: false,
    cacheSalt: member(body, SALT) !== undefined,
    hostedTools: [...found.hosted],
    endUser: null,
    sessionHint: null,
    keptIds: found.kept,
    media: { images: found.images, audios: found.audios, files: found.files },
    inputs: 1,
  };
}

const aCount: Check = (value) => ((integerIn(value) ?? -1) >= 0 ? null : 'an integer from 0');
const integer = (found: Found, config: JsonObject, name: Name): number | null =>
  integerIn(read(found, config, name, 'generationConfig.', aCount));

const PREFIX = /^(?:models|tunedModels)\//;
/** A model's bare name: the API names one `models/x`. */
export const bareModel = (model: string): string => model.replace(PREFIX, '');

/** The path names the model; a body that names another one would be read by whoever reads the body. */
export function checkModel(found: Found, body: JsonObject, path: PathFacts | undefined, field = 'model'): void {
  const named = read(found, body, MODEL, field.slice(0, -'model'.length), aString);
  if (path === undefined || typeof named !== 'string' || bareModel(named) === path.model) return;
  const message = `\`${field}\` must name the model of the path, or be left out.`;
  found.fault ??= { code: 'invalid_request', field, message };
}

/** Names of the stores that a search reads: what an account keeps there. */
const STORES = nameOf('fileSearchStoreNames');

function readTools(found: Found, tools: readonly unknown[]): void {
  for (const [index, tool] of tools.entries()) {
    const path = `tools[${index}]`;
    if (!isObject(tool)) return void (found.fault ??= wrongField(path, 'an object', tool));
    for (const [name, config] of Object.entries(tool)) {
      if (isUnset(config)) continue;
      const camel = camelOf(name);
      if (camel !== name) found.fault ??= twice(tool, { camel, snake: name }, `${path}.`);
      const hosted = hostedName(camel);
      if (hosted !== null) found.hosted.add(hosted);
      if (camel === 'retrieval') found.fault ??= ofTheAccount(`${path}.retrieval`);
      if (camel === 'fileSearch') readStores(found, objectOf(config), `${path}.fileSearch.`);
    }
  }
}

function readStores(found: Found, config: JsonObject, prefix: string): void {
  const names = read(found, config, STORES, prefix, anyOf(anArray, aString));
  for (const id of manyOf(names)) {
    const field = prefix + STORES.camel;
    if (typeof id === 'string') found.kept.push({ kind: 'file_search_store', id, field });
    else found.fault ??= wrongField(field, 'an array of strings', names);
  }
}
