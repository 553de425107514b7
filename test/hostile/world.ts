import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { startProvider, type Provider, type ProviderOptions } from '#lab/provider/provider.ts';
import { startGate, type GateProcess, type GateStart } from '../harness/gate-process.ts';
import { rawExchange, requestBytes, type PostOptions, type RawAnswer } from './raw-http.ts';

/** A gate as a process in front of the simulated provider, whose log is the judge. */
export interface World {
  readonly provider: Provider;
  readonly gate: GateProcess;
}

/** Every dialect at one provider (`m`), and each alone, so that calls cross. */
export const baseConfig = (url: string): string => `
providers:
  all: { kind: lab, baseUrl: "${url}/v1" }
  chat: { kind: lab-chat, baseUrl: "${url}/v1" }
  messages: { kind: lab-messages, baseUrl: "${url}/v1" }
models:
  m: { deployments: [{ provider: all, model: lab-small }] }
  echo: { deployments: [{ provider: all, model: lab-echo }] }
  embed: { deployments: [{ provider: all, model: lab-embed }] }
  cross: { deployments: [{ provider: messages, model: lab-small }] }
prices:
  - { provider: "*", model: "*", perMillion: { input: "1", output: "2", cachedRead: "0.1", cacheWrite: "1.25" } }
features: { search: {} }
labels: [env, region]
`;

export interface WorldOptions {
  readonly config?: (url: string) => string;
  readonly provider?: ProviderOptions;
  readonly start?: Partial<GateStart>;
}

/** Starts and ends a world around the tests of a `describe`. */
export function inWorld({ config = baseConfig, provider = {}, start = {} }: WorldOptions = {}): World {
  const world: { provider: Provider; gate: GateProcess } = {} as never;
  before(async () => {
    world.provider = await startProvider({ seed: 20261124, ...provider });
    world.gate = await startGate({ config: config(world.provider.url), ...start });
  });
  after(async () => {
    if (world.gate && world.gate.child.exitCode !== null) process.stderr.write(world.gate.stderr());
    await world.gate?.stop();
    await world.provider?.close();
  });
  return world;
}

export interface Refusal {
  readonly status: number;
  readonly code?: string;
  readonly field?: string | null;
  readonly says?: RegExp;
}

/** The forms of an error that SDKs read. */
export const familyOf = (path: string): 'openai' | 'anthropic' | 'google' =>
  path.startsWith('/v1/messages') ? 'anthropic' : path.startsWith('/v1beta') ? 'google' : 'openai';

/** Asserts that an answer is a refusal of ours in the client's form. */
export function assertRefusal(answer: RawAnswer, path: string, wanted: Refusal): void {
  const text = answer.body.toString();
  assert.equal(answer.status, wanted.status, `${answer.end}: ${answer.raw.toString('latin1').slice(0, 600)}`);
  assert.equal(answer.headers['x-headgate-error-source'], 'gateway');
  const body = JSON.parse(text);
  const { error } = body;
  if (familyOf(path) === 'google') return assertGoogle(error, text, wanted);
  if (familyOf(path) === 'anthropic') {
    assert.equal(body.type, 'error', text);
    assert.ok('request_id' in body, text);
  } else assert.ok('param' in error, text);
  assert.equal(typeof error.message, 'string');
  assert.equal(typeof error.type, 'string');
  if (wanted.code) assert.equal(error.code, wanted.code, text);
  if (wanted.field !== undefined) assert.equal(error.param ?? null, wanted.field, text);
  if (wanted.says) assert.match(error.message, wanted.says);
}

function assertGoogle(error: any, text: string, wanted: Refusal): void {
  assert.equal(error.code, wanted.status, text);
  assert.equal(typeof error.status, 'string');
  const { reason, metadata } = error.details[0];
  if (wanted.code) assert.equal(reason, wanted.code.toUpperCase(), text);
  if (wanted.field !== undefined) assert.equal(metadata.field ?? null, wanted.field, text);
  if (wanted.says) assert.match(error.message, wanted.says);
}

/** Sends a request that must be refused, and asserts that the provider saw nothing of it. */
export async function refused(
  world: World,
  body: string | Uint8Array,
  wanted: Refusal,
  options: PostOptions = {},
): Promise<RawAnswer> {
  const seen = world.provider.stats().seen;
  const answer = await rawExchange(world.gate.url, [requestBytes(body, { key: world.gate.key, ...options })]);
  assertRefusal(answer, options.path ?? '/v1/chat/completions', wanted);
  assert.equal(world.provider.stats().seen, seen, 'the provider saw nothing');
  return answer;
}

/** Sends a request that must pass. */
export async function accepted(world: World, body: string | Uint8Array, options: PostOptions = {}): Promise<RawAnswer> {
  const answer = await rawExchange(world.gate.url, [requestBytes(body, { key: world.gate.key, ...options })]);
  assert.equal(answer.status, 200, answer.raw.toString('latin1').slice(0, 600));
  return answer;
}

/** A small valid body of each endpoint. */
export const VALID: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  '/v1/chat/completions': { model: 'm', messages: [{ role: 'user', content: 'hi' }] },
  '/v1/responses': { model: 'm', input: 'hi' },
  '/v1/embeddings': { model: 'embed', input: 'hi' },
  '/v1/messages': { model: 'm', max_tokens: 50, messages: [{ role: 'user', content: 'hi' }] },
  '/v1/messages/count_tokens': { model: 'm', messages: [{ role: 'user', content: 'hi' }] },
  '/v1beta/models/m:generateContent': { model: 'models/m', contents: [{ parts: [{ text: 'hi' }] }] },
  '/v1beta/models/m:countTokens': { model: 'models/m', contents: [{ parts: [{ text: 'hi' }] }] },
  '/v1beta/models/embed:embedContent': { model: 'models/embed', content: { parts: [{ text: 'hi' }] } },
};
export const PATHS = Object.keys(VALID);

/** A key of a tenant, made by the admin API; the tenant is made where it is new. */
export async function makeKey(world: World, tenant: string, settings: object = {}): Promise<string> {
  await world.gate.admin('POST', '/tenants', { id: tenant }).catch(() => null);
  const made = await world.gate.admin('POST', '/keys', { tenant, name: `key of ${tenant}`, ...settings });
  return made.key as string;
}
