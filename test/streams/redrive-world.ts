import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, beforeEach } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { linearStepTime } from '#capabilities/capacity/core/step-time.ts';
import { startProvider, type Provider } from '../../lab/provider/provider.ts';
import type { GateProcess } from '../harness/gate-process.ts';
import { startRedis, type RedisServer } from '../harness/redis-server.ts';
import { callIdOf, endOf, openWith, type Reading } from './stream-client.ts';
import { startTwoGates, type TwoGates } from './two-gates.ts';

export const LEASE_MS = 700;
/** Milliseconds a token of the simulated provider. */
export const TOKEN_MS = 25;

/** Words of other scripts, and white space of all kinds at which a continuation may begin. */
export const TEXT =
  Array.from({ length: 36 }, (_, i) => `wörd ${i}${['. ', '\n\n', '  ', ' – '][i % 4]}`).join('') + 'end';
/** Takes seconds. */
export const LONG = TEXT.repeat(4);
export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

export interface RedriveWorld {
  readonly provider: Provider;
  readonly redis: RedisServer;
  /** Those of now. */
  gates: TwoGates;
}

export interface WorldStart {
  /** More of headgate.yaml. */
  readonly more?: string;
  /** More models. */
  readonly models?: string;
  /** For which a stream may go unread; default: 5s. */
  readonly grace?: string;
  readonly resume?: string;
  readonly tokenMs?: number;
}

/** Of AWS, for the simulator that judges signatures. */
const ACCOUNT = {
  ...{ accessKeyId: 'AKIDHEADGATELAB00001', secretAccessKey: 'lab/secret+of/the+signature/judge/0001' },
  ...{ sessionToken: 'session+token/of+the/lab==', region: 'us-west-2' },
};
const ENV = { LAB_ID: ACCOUNT.accessKeyId, LAB_SECRET: ACCOUNT.secretAccessKey, LAB_SESSION: ACCOUNT.sessionToken };

const step = (tokenMs: number) =>
  linearStepTime({ baseMs: tokenMs, msPerPrefillToken: 0, msPerDecodeToken: 0, msPerKvToken: 0 });

/** Providers of each API that go on with a text, and one that does not, in front of one simulator. */
export async function startRedriveWorld({
  more = '',
  models = '',
  grace = '5s',
  resume = '',
  tokenMs = TOKEN_MS,
}: WorldStart = {}): Promise<RedriveWorld> {
  const [provider, redis] = await Promise.all([
    startProvider({ seed: 20_261_127, stepTimeMs: step(tokenMs), clouds: { aws: [ACCOUNT] } }),
    startRedis(),
  ]);
  const base = `baseUrl: "${provider.url}/v1"`;
  const config = `
providers:
  chat: { kind: lab-chat, ${base} }
  claude: { kind: lab-messages, ${base} }
  hosted: { kind: lab-chat, ${base}, continues: never }
  all: { kind: lab, ${base} }
  alone: { kind: lab-responses, ${base} }
  readOut: { kind: lab-chat, ${base}, onDisconnect: readOut }
  google: { kind: lab-google, baseUrl: "${provider.url}/v1beta", continues: prefill }
  aws:
    kind: bedrock
    baseUrl: "${provider.url}"
    region: us-west-2
    accessKeyId: "\${env:LAB_ID}"
    secretAccessKey: "\${env:LAB_SECRET}"
    sessionToken: "\${env:LAB_SESSION}"
models:
  chat: { deployments: [{ provider: chat, model: lab-echo }] }
  claude: { deployments: [{ provider: claude, model: lab-echo }] }
  hosted: { deployments: [{ provider: hosted, model: lab-echo }] }
  words: { deployments: [{ provider: chat, model: lab-text }] }
  all: { deployments: [{ provider: all, model: lab-echo }] }
  alone: { deployments: [{ provider: alone, model: lab-echo }] }
  google: { deployments: [{ provider: google, model: lab-echo }] }
  converse: { deployments: [{ provider: aws, model: us.anthropic.claude-haiku-4-5-20251001-v1:0 }] }
  newer: { deployments: [{ provider: aws, model: us.anthropic.claude-opus-4-6-v1 }] }${models}
prices: [{ provider: "*", model: "*", perMillion: { input: "1000", output: "2000" } }]
stream: { heartbeat: 300ms, resume: { grace: ${grace}${resume} }, logs: { kind: valkey, url: "${redis.url}", lease: ${LEASE_MS}ms } }
features: { safe: { resume: redrive }, strictly: { resume: redrive } }
retry: { attempts: 1 }
${more}
`;
  return { provider, redis, gates: await startTwoGates(config, ENV) };
}

/** Both gates are alive behind it. */
export async function revive(world: RedriveWorld): Promise<void> {
  for (const name of ['a', 'b'] as const) {
    const { exitCode, signalCode } = world.gates[name].child;
    if (exitCode !== null || signalCode !== null) await restart(world, name);
  }
}

export async function restart(world: RedriveWorld, name: 'a' | 'b'): Promise<GateProcess> {
  const gate = await world.gates.restart(name);
  world.gates = { ...world.gates, [name]: gate };
  return gate;
}

export async function stopRedriveWorld({ gates, redis, provider }: Partial<RedriveWorld>): Promise<void> {
  await gates?.stop();
  await redis?.kill();
  await provider?.close();
}

interface To {
  readonly url: string;
  readonly key: string;
}
export const at = ({ gates }: RedriveWorld, gate: 'a' | 'b', key = gates.key): To => ({ url: gates[gate].url, key });

export type Api = 'chat' | 'claude' | 'responses' | 'ui' | 'google' | 'texts';

export interface Asked {
  readonly api?: Api;
  readonly model?: string;
  readonly text?: string;
  readonly headers?: Record<string, string>;
  readonly body?: object;
  /** Wants it by its feature; default: by its own header. */
  readonly feature?: string;
}

interface Form {
  readonly path: (model: string) => string;
  readonly body: (model: string, text: string) => object;
  /** Where none is named. */
  readonly model: string;
}
const messages = (content: string): object => ({ stream: true, messages: [{ role: 'user', content }] });
const usage = { stream_options: { include_usage: true } };

const FORMS: Readonly<Record<Api, Form>> = {
  chat: {
    ...{ path: () => '/v1/chat/completions', model: 'chat' },
    body: (model, text) => ({ model, ...messages(text), ...usage }),
  },
  claude: {
    ...{ path: () => '/v1/messages', model: 'claude' },
    body: (model, text) => ({ model, ...messages(text), max_tokens: 500 }),
  },
  responses: {
    ...{ path: () => '/v1/responses', model: 'all' },
    body: (model, input) => ({ model, stream: true, input, store: false, max_output_tokens: 500 }),
  },
  ui: {
    ...{ path: () => '/v1/ui/chat', model: 'chat' },
    body: (model, text) => ({
      model,
      id: 'chat-1',
      messages: [{ id: 'u', role: 'user', parts: [{ type: 'text', text }] }],
    }),
  },
  google: {
    ...{ path: (model) => `/v1beta/models/${model}:streamGenerateContent?alt=sse`, model: 'google' },
    body: (_, text) => ({ contents: [{ role: 'user', parts: [{ text }] }] }),
  },
  texts: {
    ...{ path: () => '/v1/completions', model: 'all' },
    body: (model, text) => ({ model, stream: true, prompt: `${text}\n\nA:`, max_tokens: 500, ...usage }),
  },
};

/** A request of a stream that is to be gone on with. */
export function requestOf(asked: Asked) {
  const { api = 'chat', text = TEXT, body = {}, feature, headers } = asked;
  const form = FORMS[api];
  const { model = form.model } = asked;
  const wish = feature === undefined ? { 'x-headgate-resume': 'redrive' } : { 'x-headgate-feature': feature };
  return {
    ...{ method: 'POST', path: form.path(model), body: { ...form.body(model, text), ...body } },
    headers: { ...wish, 'anthropic-version': '2023-06-01', ...headers } as Record<string, string>,
  };
}

export const call = (to: To, asked: Asked = {}): Promise<Reading> => openWith(to, requestOf(asked));

export const resume = (to: To, id: string, lastId?: string): Promise<Reading> =>
  openWith(to, {
    ...{ method: 'GET', path: `/v1/streams/${id}?end=event` },
    headers: lastId === undefined ? {} : { 'last-event-id': lastId },
  });

/** Data of the events of a stream, without ours. */
export function dataOf(text: string): any[] {
  return text
    .split('\n\n')
    .filter((event) => !event.includes('headgate.'))
    .flatMap((event) => [...event.matchAll(/^data: (.*)$/gm)].map(([, json]) => json!))
    .filter((json) => json !== '[DONE]')
    .map((json) => JSON.parse(json));
}

/** What an event says of the answer's text, in whichever API. */
function saidBy({ choices, candidates, type, delta }: any): string {
  if (choices !== undefined) return choices[0]?.delta?.content ?? choices[0]?.text ?? '';
  if (candidates !== undefined)
    return candidates[0]?.content?.parts?.map((part: any) => part.text ?? '').join('') ?? '';
  if (type === 'response.output_text.delta' || type === 'text-delta') return delta;
  return delta?.type === 'text_delta' ? delta.text : '';
}

/** The answer's text, as a stock parser joins it. */
export const textOf = (events: string): string => dataOf(events).map(saidBy).join('');

/** `kill -9` of the first gate, once so much of its stream was read. */
export async function died({ gates }: RedriveWorld, live: Reading, word = 'wörd 5'): Promise<string> {
  await gates.a.until(word, () => textOf(live.text()).includes(word));
  await gates.a.kill();
  await live.ended;
  assert.equal(endOf(live.text()), null, 'its client was told nothing');
  return callIdOf(live);
}

/** Numbers go on, whoever made the events. */
export function assertInOrder(text: string, from: 'start' | 'anywhere' = 'start'): void {
  const seqs = [...text.matchAll(/^id: \w+\.(\d+)$/gm)].map(([, seq]) => Number(seq));
  const first = from === 'start' ? 0 : seqs[0]!;
  assert.deepEqual(
    seqs,
    seqs.map((_, i) => first + i),
    'no event twice and none missing',
  );
}

/** A world for the tests of one `describe`, with both gates alive before each. */
export function redriveWorld(start: WorldStart = {}): RedriveWorld {
  const world = {} as RedriveWorld;
  before(async () => void Object.assign(world, await startRedriveWorld(start)));
  beforeEach(() => revive(world));
  after(() => stopRedriveWorld(world));
  return world;
}

export async function entryOf(gate: GateProcess, id: string): Promise<any> {
  let entry: any = null;
  await gate.until('the entry', async () => {
    entry = await gate.admin('GET', `/calls/${id}`).catch(() => null);
    return entry !== null;
  });
  return entry;
}

/** The row that takes the place of the entry of a call whose gate died: it is charged by its log. */
export async function chargedOf({ gates }: RedriveWorld, id: string): Promise<any> {
  for (let i = 0; i < 100; i++) {
    for (const gate of [gates.a, gates.b]) {
      const { calls } = await gate.admin('GET', '/calls?counted=true&limit=1000');
      const row = calls.find(({ corrects }: any) => corrects === id);
      if (row) return row;
    }
    await sleep(100);
  }
  throw new Error(`nothing corrects ${id}`);
}
