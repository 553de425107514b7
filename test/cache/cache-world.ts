import { after, before } from 'node:test';
import { startGate, type GateProcess, type GateStart } from '../harness/gate-process.ts';
import { startUpstream, type ScriptedUpstream, type Seen } from '../clients-rules/scripted-upstream.ts';

/** A gate with cached features before an upstream that numbers its answers, so that a new one is told from a kept one. */
export interface CacheWorld {
  readonly gate: GateProcess;
  readonly upstream: ScriptedUpstream;
}

export const cacheConfig = (url: string, more = ''): string => `
providers:
  lab: { kind: lab, baseUrl: "${url}/v1" }
  chats: { kind: lab-chat, baseUrl: "${url}/v1" }
  claude: { kind: anthropic-compatible, baseUrl: "${url}" }
models:
  m: { deployments: [{ provider: lab }] }
  other: { deployments: [{ provider: lab }] }
  failing: { deployments: [{ provider: lab, model: down }] }
  chat: { deployments: [{ provider: chats }] }
  messages-only: { deployments: [{ provider: claude }] }
  pair: { deployments: [{ provider: lab, model: first }] }
prices: [{ provider: "*", model: "*", perMillion: { input: "1000", output: "2000" } }]
features:
  search: { cache: { ttl: 1h } }
  support: { cache: {} }
  brief: { cache: { ttl: 1s } }
  small: { cache: { maxEntryBytes: 2KB } }
  alone: { cache: { singleFlight: false } }
  plain: {}
  chained: { cache: {}, chain: [other] }
retry: { attempts: 2, backoff: 0ms }
${more}
`;

export function inCacheWorld(more = '', start: Partial<GateStart> = {}): CacheWorld {
  const world: { -readonly [K in keyof CacheWorld]: CacheWorld[K] } = {} as never;
  before(async () => {
    world.upstream = await startUpstream();
    numbered(world.upstream);
    world.gate = await startGate({ config: cacheConfig(world.upstream.url, more), ...start });
  });
  after(async () => {
    await world.gate?.stop();
    await world.upstream?.close();
  });
  return world;
}

/** Every answer says which of the upstream's it is. */
export function numbered(upstream: ScriptedUpstream): void {
  let n = 0;
  upstream.answer((response, seen) => {
    n += 1;
    if (asksStream(seen)) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      return void response.end(eventsFor(seen.path, n).join(''));
    }
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answerFor(seen.path, n)));
  });
}

const asksStream = ({ body, path }: Seen): boolean =>
  /"stream":\s*true/.test(body.toString()) || /stream/i.test(path.replace(/^\/v1/, ''));

const USAGE = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 };

export function answerFor(path: string, n: number): object {
  if (path.includes('/messages'))
    return {
      ...{ id: `msg_${n}`, type: 'message', role: 'assistant', model: 'up', stop_reason: 'end_turn' },
      ...{ stop_sequence: null, content: [{ type: 'text', text: `answer ${n}` }] },
      usage: { input_tokens: 11, output_tokens: 7 },
    };
  if (path.includes('/responses'))
    return {
      ...{ id: `resp_${n}`, object: 'response', created_at: 1, status: 'completed', model: 'up', store: false },
      output: [
        {
          ...{ type: 'message', id: `item_${n}`, role: 'assistant', status: 'completed' },
          content: [{ type: 'output_text', text: `answer ${n}`, annotations: [] }],
        },
      ],
      usage: { input_tokens: 11, output_tokens: 7, total_tokens: 18 },
    };
  if (path.includes('generateContent'))
    return {
      candidates: [{ content: { role: 'model', parts: [{ text: `answer ${n}` }] }, finishReason: 'STOP' }],
      usageMetadata: { promptTokenCount: 11, candidatesTokenCount: 7, totalTokenCount: 18 },
    };
  if (path.includes('/embeddings'))
    return {
      ...{ object: 'list', model: 'up', data: [{ object: 'embedding', index: 0, embedding: [n] }] },
      usage: { prompt_tokens: 11, total_tokens: 11 },
    };
  return {
    ...{ id: `c${n}`, object: 'chat.completion', created: 1, model: 'up', usage: USAGE },
    choices: [{ index: 0, message: { role: 'assistant', content: `answer ${n}` }, finish_reason: 'stop' }],
  };
}

const data = (value: object): string => `data: ${JSON.stringify(value)}\n\n`;
const event = (type: string, value: object): string => `event: ${type}\n${data({ type, ...value })}`;

export function eventsFor(path: string, n: number): string[] {
  if (path.includes('/messages'))
    return [
      event('message_start', {
        message: {
          ...answerFor(path, n),
          content: [],
          stop_reason: null,
          usage: { input_tokens: 11, output_tokens: 1 },
        },
      }),
      event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
      event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: `answer ${n}` } }),
      event('content_block_stop', { index: 0 }),
      event('message_delta', { delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 7 } }),
      event('message_stop', {}),
    ];
  if (path.includes('/responses'))
    return [
      event('response.created', {
        sequence_number: 0,
        response: { ...answerFor(path, n), status: 'in_progress', output: [], usage: null },
      }),
      event('response.output_text.delta', {
        ...{ sequence_number: 1, item_id: `item_${n}`, output_index: 0, content_index: 0 },
        delta: `answer ${n}`,
      }),
      event('response.completed', { sequence_number: 2, response: answerFor(path, n) }),
    ];
  if (path.includes('GenerateContent')) return [data(answerFor('generateContent', n))];
  const chunk = (delta: object, finish: string | null) =>
    data({
      ...{ id: `c${n}`, object: 'chat.completion.chunk', created: 1, model: 'up' },
      choices: [{ index: 0, delta, finish_reason: finish }],
    });
  return [
    chunk({ role: 'assistant', content: '' }, null),
    chunk({ content: `answer ${n}` }, null),
    chunk({}, 'stop'),
    data({ ...{ id: `c${n}`, object: 'chat.completion.chunk', created: 1, model: 'up' }, choices: [], usage: USAGE }),
    'data: [DONE]\n\n',
  ];
}

export interface Answered {
  readonly status: number;
  readonly text: string;
  readonly callId: string;
  /** `x-headgate-cache`. */
  readonly cache: string | null;
  readonly headers: Headers;
  /** Requests that the upstream got for it. */
  readonly asked: number;
}

export interface Asking {
  readonly path?: string;
  readonly feature?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A call with this key; by default a chat of the feature `search`. */
export async function ask(
  { gate, upstream }: CacheWorld,
  key: string,
  body: object | string,
  { path = '/v1/chat/completions', feature = 'search', headers = {} }: Asking = {},
): Promise<Answered> {
  const before = upstream.seen.length;
  const response = await fetch(`${gate.url}${path}`, {
    method: 'POST',
    headers: {
      ...{ 'content-type': 'application/json', authorization: `Bearer ${key}` },
      ...(path.startsWith('/v1/messages') && { 'anthropic-version': '2023-06-01' }),
      ...(feature !== null && { 'x-headgate-feature': feature }),
      ...headers,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await response.text();
  return {
    status: response.status,
    text,
    callId: response.headers.get('x-headgate-call-id') ?? '',
    cache: response.headers.get('x-headgate-cache'),
    headers: response.headers,
    asked: upstream.seen.length - before,
  };
}

export const chat = (content: string, more: object = {}): object => ({
  ...{ model: 'm', messages: [{ role: 'user', content }] },
  ...more,
});

export async function keyFor({ gate }: CacheWorld, tenant: string, settings: object = {}): Promise<string> {
  await gate.admin('POST', '/tenants', { id: tenant }).catch(() => null);
  return (
    await gate.admin('POST', '/keys', {
      tenant,
      name: `key of ${tenant}`,
      rights: { features: '*', endUser: true, session: true },
      ...settings,
    })
  ).key as string;
}

export async function entryOf({ gate }: Pick<CacheWorld, 'gate'>, callId: string): Promise<any> {
  let entry: unknown = null;
  await gate.until('the entry', async () => {
    entry = await gate.admin('GET', `/calls/${callId}`).catch(() => null);
    return entry !== null;
  });
  return entry;
}
