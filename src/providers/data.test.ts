import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CHAT_FIELDS } from '#wire/openai-chat/fields.ts';
import { EMBEDDING_FIELDS } from '#wire/openai-embeddings/fields.ts';
import { makeProvider, pathOf, PROVIDERS, usableProviders } from './index.ts';
import type { ProviderData } from './provider-data.ts';

const all = Object.values(PROVIDERS);
const folder = join(import.meta.dirname, 'data');

/** Every data file, one test each, so that a failure names the file. */
const each = (title: string, check: (data: ProviderData) => void | Promise<void>): void => {
  for (const data of all) test(`${data.name}: ${title}`, () => check(data));
};

/** Policy reads these: leaving one out in silence would change what was agreed, counted or kept. */
const POLICY_FIELDS = ['model', 'n', 'service_tier', 'store', 'background', 'cache_salt', 'tools', 'max_tokens'];
/** What the clients' SDKs wait for a first byte (openai 7.57.0 and @anthropic-ai/sdk 1.12.0 DEFAULT_TIMEOUT). */
const SDK_TIMEOUT_MS = 600_000;

test('every file of the folder is registered under its own name', () => {
  for (const file of readdirSync(folder)) assert.ok(PROVIDERS[file.replace(/\.ts$/, '')], file);
  for (const [name, data] of Object.entries(PROVIDERS)) assert.equal(data.name, name);
});

test('the index imports its files in the order of their names', () => {
  const source = readFileSync(join(import.meta.dirname, 'index.ts'), 'utf8');
  const files = [...source.matchAll(/from '\.\/data\/(.+)\.ts'/g)].map(([, file]) => file!);
  assert.deepEqual(files, [...files].sort());
});

/** Every option that a kind takes, as an operator could give it. */
const placesOf = (data: ProviderData) =>
  Object.fromEntries(Object.entries(data.options ?? {}).map(([name, { example }]) => [name, example]));

each('the base URL is one that settings could give', (data) => {
  if (data.baseUrl === null) return;
  assert.ok(!data.baseUrl.endsWith('/'));
  assert.ok(data.auth.required || data.auth.chain, 'a fixed address on the internet wants a credential');
  const provider = makeProvider({ name: data.name, data, apiKey: 'k', options: placesOf(data) });
  assert.match(provider.origin, /^https:\/\/[a-z0-9.-]+$/);
});

test('a kind whose address needs more than a key is not configured by a key in the environment alone', () => {
  const env = Object.fromEntries(all.flatMap(({ keyVariable }) => (keyVariable ? [[keyVariable, 'k']] : [])));
  const usable = usableProviders(PROVIDERS, env);
  assert.ok(usable.some(({ name }) => name === 'openai'));
  assert.deepEqual(
    usable.filter(({ options }) => options).map(({ name }) => name),
    [],
  );
});

each('what stands in braces is an option or the model, and every option stands somewhere', (data) => {
  const paths = [...Object.values(data.paths), ...Object.values(data.streamPaths ?? {})];
  const urls = [data.baseUrl ?? '', ...Object.values(data.baseUrlAt?.urls ?? {})];
  const used = new Set(
    [...urls, ...paths].flatMap((text) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!)),
  );
  used.delete('model');
  assert.deepEqual([...used].sort(), Object.keys(data.options ?? {}).sort());
  for (const name of Object.keys(data.options ?? {})) {
    const { [name]: _, ...others } = placesOf(data);
    const apiKey = 'k';
    assert.throws(() => makeProvider({ name: 'p', data, apiKey, options: others }), new RegExp(`set .${name}`));
  }
});

each('an envelope is made of members that the dialect’s patch can set', ({ bodyForms = {} }) => {
  for (const dialect of Object.keys(bodyForms)) assert.match(dialect, /^(anthropic-|bedrock-)/);
});

each('header names are in lower case, which is how they are compared', (data) => {
  const names = [
    data.auth.header,
    ...Object.keys(data.headers),
    ...data.passHeaders,
    ...data.rateLimitHeaders,
    ...(data.requestIdHeader === null ? [] : [data.requestIdHeader]),
  ];
  for (const name of names) assert.equal(name, name.toLowerCase());
});

each('no header of a client that says who it is may cross', (data) => {
  const secret = /^(authorization|cookie|host|x-api-key|api-key|openai-organization|openai-project|x-forwarded.*|\*)$/;
  for (const name of data.passHeaders) {
    assert.doesNotMatch(name, secret);
    assert.notEqual(name, data.auth.header);
  }
});

each('paths begin with a slash and carry no query', (data) => {
  assert.ok(Object.keys(data.paths).length > 0);
  for (const path of Object.values(data.paths)) assert.match(path, /^\/[a-z0-9_/{}:.-]+$/i);
});

each('timers are positive, in order, and outlast the SDKs', ({ timers }) => {
  assert.ok(timers.connectMs > 0 && timers.idleMs > 0);
  assert.ok(timers.firstByteMs >= SDK_TIMEOUT_MS);
  assert.ok(timers.totalMs >= timers.firstByteMs);
  assert.ok(timers.connectMs < timers.firstByteMs);
});

each('refused fields are hints, and none that policy reads', ({ refusedHints }) => {
  const classes = { 'openai-chat': CHAT_FIELDS, 'openai-embeddings': EMBEDDING_FIELDS } as const;
  for (const [dialect, fields] of Object.entries(refusedHints)) {
    const known = classes[dialect as keyof typeof classes];
    assert.ok(known, `say here which fields of ${dialect} are hints`);
    for (const field of fields) {
      assert.equal(known[field]?.class, 'hint', field);
      assert.ok(!POLICY_FIELDS.includes(field), field);
    }
    assert.deepEqual(fields, [...fields].sort());
  }
});

each('asking for usage and refusing the option exclude each other', (data) => {
  const refused = data.refusedHints['openai-chat'] ?? [];
  if (refused.includes('stream_options')) assert.notEqual(data.streamUsage, 'ask');
});

each('bounds are whole and not negative', (data) => {
  for (const tokens of Object.values(data.largest)) assert.ok(Number.isSafeInteger(tokens) && tokens >= 0);
  assert.ok(Number.isSafeInteger(data.maxOutputTokens) && data.maxOutputTokens > 0);
});

each('statuses that move a call on are client errors that are not the caller’s fault', (data) => {
  for (const status of data.retryStatuses) {
    assert.ok(status >= 400 && status < 500 && ![400, 401, 403, 404, 413, 422].includes(status), String(status));
  }
});

each('it names its source and the day it was read', ({ source, title }) => {
  assert.match(source.url, /^(https:\/\/|lab\/)/);
  assert.match(source.read, /^\d{4}-\d{2}-\d{2}$/);
  assert.ok(title.length > 0);
});

each('the credential stands in no path and no query', (data) => {
  const apiKey = 'sk-canary-0123456789';
  const provider = makeProvider({ name: 'p', data, apiKey, baseUrl: 'http://127.0.0.1:9/v1', options: placesOf(data) });
  for (const dialect of Object.keys(data.paths) as (keyof ProviderData['paths'])[]) {
    assert.ok(!pathOf(provider, { dialect, model: 'a/b', stream: false, clientQuery: 'beta=true' }).includes(apiKey));
  }
  assert.doesNotMatch(Object.keys(data.query).join(' '), /key|token|secret/i);
});

each('the price book knows its id', async ({ priceBook }) => {
  // Jina stands in imported lists alone.
  if (priceBook === null || priceBook === 'jina') return;
  const { findProvider } = await import('@pydantic/genai-prices');
  assert.equal(findProvider({ providerId: priceBook })?.id, priceBook);
});
