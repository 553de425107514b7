import { createHash } from 'node:crypto';
import { linearStepTime } from '#capabilities/capacity/core/step-time.ts';
import { startProvider, type Provider } from '../../lab/provider/provider.ts';
import type { GateProcess } from '../harness/gate-process.ts';
import { startRedis, type RedisServer } from '../harness/redis-server.ts';
import { openWith, type Reading } from './stream-client.ts';
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
  readonly gates: TwoGates;
}

export interface WorldStart {
  /** More of headgate.yaml. */
  readonly more?: string;
  readonly resume?: string;
  readonly tokenMs?: number;
}

const step = (tokenMs: number) =>
  linearStepTime({ baseMs: tokenMs, msPerPrefillToken: 0, msPerDecodeToken: 0, msPerKvToken: 0 });

/** A chat and a messages provider that go on with a text, and one of each that does not, in front of one simulator. */
export async function startRedriveWorld({
  more = '',
  resume = '',
  tokenMs = TOKEN_MS,
}: WorldStart = {}): Promise<RedriveWorld> {
  const [provider, redis] = await Promise.all([
    startProvider({ seed: 20_261_127, stepTimeMs: step(tokenMs) }),
    startRedis(),
  ]);
  const base = `baseUrl: "${provider.url}/v1"`;
  const config = `
providers:
  chat: { kind: lab-chat, ${base} }
  claude: { kind: lab-messages, ${base} }
  hosted: { kind: lab-chat, ${base}, continues: never }
models:
  chat: { deployments: [{ provider: chat, model: lab-echo }] }
  claude: { deployments: [{ provider: claude, model: lab-echo }] }
  hosted: { deployments: [{ provider: hosted, model: lab-echo }] }
  words: { deployments: [{ provider: chat, model: lab-text }] }
prices: [{ provider: "*", model: "*", perMillion: { input: "1000", output: "2000" } }]
stream: { heartbeat: 300ms, resume: { grace: 5s${resume} }, logs: { kind: valkey, url: "${redis.url}", lease: ${LEASE_MS}ms } }
features: { safe: { resume: redrive } }
retry: { attempts: 1 }
${more}
`;
  return { provider, redis, gates: await startTwoGates(config) };
}

/** The world with both gates alive. */
export async function revived(world: RedriveWorld): Promise<RedriveWorld> {
  const { gates } = world;
  const alive = async (name: 'a' | 'b'): Promise<GateProcess> => {
    const { child } = gates[name];
    return child.exitCode === null && child.signalCode === null ? gates[name] : gates.restart(name);
  };
  return { ...world, gates: { ...gates, a: await alive('a'), b: await alive('b') } };
}

export async function stopRedriveWorld(world: RedriveWorld | undefined): Promise<void> {
  await world?.gates.stop();
  await world?.redis.kill();
  await world?.provider.close();
}

interface To {
  readonly url: string;
  readonly key: string;
}
export const at = ({ gates }: RedriveWorld, gate: 'a' | 'b', key = gates.key): To => ({ url: gates[gate].url, key });

export type Api = 'chat' | 'claude';

export interface Asked {
  readonly api?: Api;
  readonly model?: string;
  readonly text?: string;
  readonly headers?: Record<string, string>;
  readonly body?: object;
  /** Wants it by its feature; default: by its own header. */
  readonly feature?: string;
}

export const bodyOf = ({ api = 'chat', model = api, text = TEXT, body = {} }: Asked): object => ({
  ...{ model, stream: true, messages: [{ role: 'user', content: text }] },
  ...(api === 'chat' ? { stream_options: { include_usage: true } } : { max_tokens: 500 }),
  ...body,
});

const wishOf = ({ feature }: Asked): Record<string, string> =>
  feature === undefined ? { 'x-headgate-resume': 'redrive' } : { 'x-headgate-feature': feature };

export const call = (to: To, asked: Asked = {}): Promise<Reading> =>
  openWith(to, {
    ...{ method: 'POST', path: asked.api === 'claude' ? '/v1/messages' : '/v1/chat/completions' },
    headers: { ...wishOf(asked), 'anthropic-version': '2023-06-01', ...asked.headers },
    body: bodyOf(asked),
  });

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

/** The answer's text, as a stock parser joins it. */
export const textOf = (events: string): string =>
  dataOf(events)
    .map((event) => event.choices?.[0]?.delta?.content ?? (event.delta?.type === 'text_delta' ? event.delta.text : ''))
    .join('');

export async function entryOf(gate: GateProcess, id: string): Promise<any> {
  let entry: any = null;
  await gate.until('the entry', async () => {
    entry = await gate.admin('GET', `/calls/${id}`).catch(() => null);
    return entry !== null;
  });
  return entry;
}
