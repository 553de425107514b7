import { randomInt } from 'node:crypto';
import { createClient, ConnectError, type Transport } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import { Headgate } from '#wire/grpc/headgate-messages.ts';
import { openSocket, type SocketClient } from '../streams/socket-client.ts';
import { openWith } from '../streams/stream-client.ts';
import { json, startUpstream, type ScriptedUpstream } from '../clients-rules/scripted-upstream.ts';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { storedConfig } from '../stored/stored-world.ts';
import { HELD_USER } from './questions.ts';

/** Things of a tenant that have an id. */
export const THINGS = [
  ...['live stream', 'ended stream', 'socket’s stream', 'gRPC stream', 'chat'],
  ...['response', 'file', 'batch', 'message batch', 'conversation', 'container'],
] as const;
export type Thing = (typeof THINGS)[number];

/** What somebody was told, word by word, without ids and dates. */
export interface Told {
  readonly status: number | string;
  readonly head: Readonly<Record<string, unknown>>;
  readonly body: string;
}

export interface Houses {
  readonly provider: Provider;
  readonly scripted: ScriptedUpstream;
  readonly gate: GateProcess;
  /** Keys of two tenants. */
  readonly ann: string;
  readonly bob: string;
}

/** A gate with two tenants, before a provider that keeps things. */
export async function openHouses(more = ''): Promise<Houses & { close(): Promise<void> }> {
  const provider = await startProvider({ seed: 20261127 });
  const scripted = await startUpstream();
  let kept = 0;
  scripted.answer((response, seen) => {
    if (!seen.path.endsWith('/chat/completions')) return json(keeping(++kept))(response, seen);
    // It comes when its client has left.
    if (seen.body.includes(`"user":"${HELD_USER}"`)) return;
    return json(answering(++kept))(response, seen);
  });
  const config = storedConfig(provider.url, more)
    .replace('providers:\n', `providers:\n  keeping: { kind: openai-compatible, baseUrl: "${scripted.url}/v1" }\n`)
    .replace('features: {', 'features: { kept: { cache: {} }, unkept: { cache: { maxEntryBytes: 1KB } },')
    .replace('models:\n', 'models:\n  keeper: { deployments: [{ provider: keeping, model: up }] }\n');
  const gate = await startGate({ config });
  const keyOf = async (tenant: string): Promise<string> => {
    await gate.admin('POST', '/tenants', { id: tenant });
    return (await gate.admin('POST', '/keys', { tenant, name: 'k', rights: { session: true, features: '*' } }))
      .key as string;
  };
  return {
    ...{ provider, scripted, gate, ann: await keyOf('ten_ann'), bob: await keyOf('ten_bob') },
    close: async () => {
      // What goes on would hold the gate's end up.
      const { streams } = await gate.admin('GET', '/streams');
      for (const { id } of streams) await gate.admin('POST', `/streams/${id}/cancel`, {});
      await gate.stop();
      await provider.close();
      await scripted.close();
    },
  };
}

/** An answer of 2 KB. */
const answering = (n: number): string =>
  JSON.stringify({
    ...{ id: 'c', object: 'chat.completion', created: 1, model: 'up' },
    choices: [
      { index: 0, message: { role: 'assistant', content: `answer ${n} `.padEnd(2_048, 'x') }, finish_reason: 'stop' },
    ],
    usage: { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 },
  });

/** A response with ids that a provider makes beside the response itself. */
const keeping = (n: number): string => {
  const number = String(n).padStart(20, '0');
  return JSON.stringify({
    ...{ id: `resp_${number}`, object: 'response', created_at: 1, status: 'completed', model: 'up' },
    conversation: { id: `conv_${number}` },
    output: [
      {
        ...{ type: 'code_interpreter_call', id: 'ci_1', status: 'completed', code: '1', outputs: [] },
        container_id: `cntr_${number}`,
      },
      {
        ...{ type: 'message', id: 'msg_1', role: 'assistant', status: 'completed' },
        content: [{ type: 'output_text', text: 'kept', annotations: [] }],
      },
    ],
    usage: { input_tokens: 1, output_tokens: 1, total_tokens: 2 },
  });
};

export async function post(url: string, key: string, body: object | FormData, headers: object = {}): Promise<Response> {
  const form = body instanceof FormData;
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, ...(!form && { 'content-type': 'application/json' }), ...headers },
    body: form ? body : JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  return response;
}

const idIn = async (response: Response): Promise<string> => ((await response.json()) as { id: string }).id;
const SAY = { model: 'small', messages: [{ role: 'user', content: 'hi [[lab output=8]]' }] };

/** Makes one thing of each kind as `key`, and says its id. Live streams go on until they are cancelled. */
export async function makeThings({ gate }: Houses, key: string): Promise<Record<Thing, string>> {
  const chat = `chat-${Math.floor(performance.now() * 1000)}`;
  const lines = new FormData();
  const line = { custom_id: 'a', method: 'POST', url: '/v1/chat/completions', body: { ...SAY, max_tokens: 9 } };
  lines.set('file', new File([`${JSON.stringify(line)}\n`], 'in.jsonl'));
  lines.set('purpose', 'batch');
  const file = await idIn(await post(`${gate.url}/v1/files`, key, lines));
  const order = { endpoint: '/v1/chat/completions', completion_window: '24h' };
  const slow = { 'x-lab-batch': 'ms=3600000' };
  const message = { model: 'small', max_tokens: 9, messages: SAY.messages };
  const socket = await openSocket({ url: gate.url, key });
  const kept = (await (await post(`${gate.url}/v1/responses`, key, { model: 'keeper', input: 'hi' })).json()) as any;
  const things = {
    'live stream': await streamId(gate, key, 'Wait. [[lab output=60 fault=stall@12]]'),
    'ended stream': await streamId(gate, key, 'hi [[lab output=8]]', true),
    'socket’s stream': await ofSocket(socket),
    'gRPC stream': await ofGrpc(gate, key),
    chat: await ofChat(gate, key, chat),
    response: await idIn(await post(`${gate.url}/v1/responses`, key, { model: 'echo', input: 'keep me', store: true })),
    file,
    batch: await idIn(await post(`${gate.url}/v1/batches`, key, { ...order, input_file_id: file }, slow)),
    'message batch': await idIn(
      await post(
        `${gate.url}/v1/messages/batches`,
        key,
        { requests: [{ custom_id: 'a', params: message }] },
        { ...slow, 'anthropic-version': '2023-06-01' },
      ),
    ),
    conversation: kept.conversation.id,
    container: kept.output[0].container_id,
  };
  socket.leave();
  return things;
}

async function streamId(gate: GateProcess, key: string, content: string, ended = false): Promise<string> {
  const reading = await openWith(
    { url: gate.url, key },
    {
      ...{ method: 'POST', path: '/v1/chat/completions', headers: { 'x-headgate-resume': 'true' } },
      body: { ...SAY, stream: true, messages: [{ role: 'user', content }] },
    },
  );
  if (ended) await reading.ended;
  return String(reading.response.headers['x-headgate-call-id']);
}

async function ofSocket(socket: SocketClient): Promise<string> {
  const body = { ...SAY, stream: true };
  socket.send({
    type: 'start',
    stream: 'a',
    path: '/v1/chat/completions',
    headers: { 'x-headgate-resume': 'true' },
    body,
  });
  const { id } = await socket.frame(({ type }) => type === 'started');
  await socket.frame(({ type }) => type === 'end');
  return id as string;
}

async function ofGrpc(gate: GateProcess, key: string): Promise<string> {
  const client = createClient(Headgate, createGrpcTransport({ baseUrl: gate.url }));
  const messages = [{ role: 'user', parts: [{ kind: { case: 'text' as const, value: 'hi [[lab output=8]]' } }] }];
  const headers = { authorization: `Bearer ${key}`, 'x-headgate-resume': 'true' };
  let id = '';
  for await (const { steps } of client.generateStream({ model: 'small', messages }, { headers }))
    for (const { kind } of steps) if (kind.case === 'started') id = kind.value.id;
  return id;
}

/** One that goes on: only such a chat is taken up again. */
async function ofChat(gate: GateProcess, key: string, id: string): Promise<string> {
  const text = 'Wait. [[lab output=60 fault=stall@12]]';
  const messages = [{ id: 'm1', role: 'user', parts: [{ type: 'text', text }] }];
  await openWith(
    { url: gate.url, key },
    {
      ...{ method: 'POST', path: '/v1/ui/chat', headers: { 'x-headgate-resume': 'true' } },
      body: { id, model: 'small', messages, trigger: 'submit-message' },
    },
  );
  return id;
}

/** An id of the same form that never was. */
export function neverWas(id: string): string {
  const cut = id.search(/[-_]/) + 1;
  const letters = /^call_/.test(id)
    ? '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
    : '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
  // The time in front of a call's id stays, so that it is no older and no younger.
  const kept = /^call_/.test(id) ? cut + 10 : cut;
  return id.slice(0, kept) + [...id.slice(kept)].map(() => letters[randomInt(letters.length)]).join('');
}

export interface Trespass {
  readonly name: string;
  readonly things: readonly Thing[];
  /** Tries the id with a key, and says what came. */
  readonly ask: (houses: Houses, key: string, id: string) => Promise<Told>;
}

const STREAMS: readonly Thing[] = ['live stream', 'ended stream', 'socket’s stream', 'gRPC stream'];
const ANTHROPIC = { 'anthropic-version': '2023-06-01' };

const http = (
  name: string,
  things: readonly Thing[],
  method: string,
  path: (id: string) => string,
  more: { readonly body?: (id: string) => object; readonly headers?: Record<string, string> } = {},
): Trespass => ({
  name,
  things,
  ask: async ({ gate }, key, id) => {
    const { body, headers = {} } = more;
    const asked = { method, path: path(id), headers, ...(body && { body: body(id) }) };
    const reading = await openWith({ url: gate.url, key }, asked);
    await reading.ended;
    return told(reading.response.statusCode!, reading.response.headers, reading.text(), id);
  },
});

/** Without what differs from call to call. */
export function told(status: number | string, head: Readonly<Record<string, unknown>>, body: string, id: string): Told {
  const { date: _date, 'x-headgate-call-id': _call, ...rest } = head;
  return { status, head: rest, body: body.replaceAll(id, '<id>').replaceAll(/call_[0-9A-Z]{26}/g, '<call>') };
}

/** Its cancel names a stream of the same socket, and no id. */
const overSocket: Trespass = {
  name: 'WebSocket resume',
  things: STREAMS,
  ask: async ({ gate }, key, id) => {
    const socket = await openSocket({ url: gate.url, key });
    socket.send({ type: 'resume', stream: 'x', id });
    const answer = await socket.frame(({ type }) => type !== 'ping' && type !== 'hello');
    socket.leave();
    return told(answer.status, {}, JSON.stringify(answer), id);
  },
};

const TRANSPORTS: Readonly<Record<string, (url: string) => Transport>> = {
  gRPC: (baseUrl) => createGrpcTransport({ baseUrl }),
  'gRPC-Web': (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: '1.1' }),
  Connect: (baseUrl) => createConnectTransport({ baseUrl, httpVersion: '1.1' }),
};

const overGrpc = (name: string, method: 'resume' | 'cancel'): Trespass => ({
  name: `${name} ${method}`,
  things: STREAMS,
  ask: async ({ gate }, key, id) => {
    const client = createClient(Headgate, TRANSPORTS[name]!(gate.url));
    const headers = { authorization: `Bearer ${key}` };
    try {
      if (method === 'cancel') return told('ok', {}, JSON.stringify(await client.cancel({ id }, { headers })), id);
      let text = '';
      for await (const { position } of client.resume({ id }, { headers })) text += position;
      return told('ok', {}, text, id);
    } catch (thrown) {
      const { code, rawMessage, metadata } = ConnectError.from(thrown);
      return told(String(code), Object.fromEntries([...metadata].filter(([key]) => key !== 'date')), rawMessage, id);
    }
  },
});

const chatBody = (content: unknown) => () => ({ model: 'small', messages: [{ role: 'user', content }] });
const ask = (more: (id: string) => object) => (id: string) => ({ model: 'echo', input: 'x', ...more(id) });
const keeper = (more: (id: string) => object) => (id: string) => ({ model: 'keeper', input: 'x', ...more(id) });

/** Every way to name an id to the gate. */
export const TRESPASSES: readonly Trespass[] = [
  http('read a stream', STREAMS, 'GET', (id) => `/v1/streams/${id}`),
  http('read a stream’s snapshot', STREAMS, 'GET', (id) => `/v1/streams/${id}?snapshot=true`),
  http('read a stream behind an event', STREAMS, 'GET', (id) => `/v1/streams/${id}`, {
    headers: { 'last-event-id': 'abcdefghij.1' },
  }),
  http('cancel a stream', STREAMS, 'POST', (id) => `/v1/streams/${id}/cancel`),
  http('a ticket for a stream', STREAMS, 'POST', () => '/v1/stream-tickets', { body: (id) => ({ stream: id }) }),
  overSocket,
  ...Object.keys(TRANSPORTS).flatMap((name) => [overGrpc(name, 'resume'), overGrpc(name, 'cancel')]),
  http('take up a chat', ['chat'], 'GET', (id) => `/v1/ui/chat/${id}/stream`),
  http('cancel a chat', ['chat'], 'POST', (id) => `/v1/ui/chat/${id}/cancel`),
  http('read a response', ['response'], 'GET', (id) => `/v1/responses/${id}`),
  http('stream a response', ['response'], 'GET', (id) => `/v1/responses/${id}?stream=true`),
  http('read its input', ['response'], 'GET', (id) => `/v1/responses/${id}/input_items`),
  http('cancel a response', ['response'], 'POST', (id) => `/v1/responses/${id}/cancel`),
  http('delete a response', ['response'], 'DELETE', (id) => `/v1/responses/${id}`),
  http('go on from a response', ['response'], 'POST', () => '/v1/responses', {
    body: ask((id) => ({ previous_response_id: id })),
  }),
  http('go on in a conversation', ['conversation'], 'POST', () => '/v1/responses', {
    body: keeper((id) => ({ conversation: id })),
  }),
  http('work in a container', ['container'], 'POST', () => '/v1/responses', {
    body: keeper((id) => ({ tools: [{ type: 'code_interpreter', container: id }] })),
  }),
  http('look at a file', ['file'], 'GET', (id) => `/v1/files/${id}`),
  http('look at a file as Anthropic’s', ['file'], 'GET', (id) => `/v1/files/${id}`, { headers: ANTHROPIC }),
  http('download a file', ['file'], 'GET', (id) => `/v1/files/${id}/content`),
  http('delete a file', ['file'], 'DELETE', (id) => `/v1/files/${id}`),
  http('show a file to a chat', ['file'], 'POST', () => '/v1/chat/completions', {
    body: (id) => chatBody([{ type: 'file', file: { file_id: id } }])(),
  }),
  http('show a file to a response', ['file'], 'POST', () => '/v1/responses', {
    body: ask((id) => ({ input: [{ role: 'user', content: [{ type: 'input_file', file_id: id }] }] })),
  }),
  http('show a file to a message', ['file'], 'POST', () => '/v1/messages', {
    headers: ANTHROPIC,
    body: (id) => ({
      ...chatBody([{ type: 'document', source: { type: 'file', file_id: id } }])(),
      max_tokens: 9,
    }),
  }),
  http('a batch of a file', ['file'], 'POST', () => '/v1/batches', {
    body: (id) => ({ input_file_id: id, endpoint: '/v1/chat/completions', completion_window: '24h' }),
  }),
  http('look at a batch', ['batch'], 'GET', (id) => `/v1/batches/${id}`),
  http('cancel a batch', ['batch'], 'POST', (id) => `/v1/batches/${id}/cancel`),
  ...(['GET ', 'DELETE ', 'POST /cancel', 'GET /results'] as const).map((way) => {
    const [method, tail] = way.split(' ') as [string, string];
    return http(
      `${method} a message batch${tail}`,
      ['message batch'],
      method,
      (id) => `/v1/messages/batches/${id}${tail}`,
      {
        headers: ANTHROPIC,
      },
    );
  }),
];
