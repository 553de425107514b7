import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ChatCompletionChunk } from 'openai/resources/chat/completions.js';
import { seededRng } from '#kernel/rng.ts';
import { CHAT, GENERATE, MESSAGES, RESPONSES } from '../../lab/provider/recorded/index.ts';
import { EVERY_EVENT } from '../../lab/provider/recorded/responses-events.ts';
import type { RecordedSet } from '../../lab/provider/recorded.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { startUpstream, type ScriptedUpstream } from '../clients-rules/scripted-upstream.ts';
import { callIdOf, endOf, eventsOf, openWith } from './stream-client.ts';

const SEED = 20_261_126;
const world = {} as { gate: GateProcess; up: ScriptedUpstream };

before(async () => {
  world.up = await startUpstream();
  world.gate = await startGate({
    config: `
providers:
  openai: { kind: lab, baseUrl: "${world.up.url}/v1" }
  messages: { kind: lab-messages, baseUrl: "${world.up.url}/v1" }
  google: { kind: lab-google, baseUrl: "${world.up.url}/v1beta" }
models:
  openai: { deployments: [{ provider: openai, model: up }] }
  messages: { deployments: [{ provider: messages, model: up }] }
  google: { deployments: [{ provider: google, model: up }] }
retry: { attempts: 1 }
`,
  });
});
after(async () => {
  await world.gate?.stop();
  await world.up?.close();
});

interface Api {
  readonly path: string;
  readonly body: object;
  readonly frame: (event: object) => string;
  readonly last: string;
}
const typed = (event: object): string =>
  `event: ${(event as { type: string }).type}\ndata: ${JSON.stringify(event)}\n\n`;
const plain = (end: string) => (event: object) => `data: ${JSON.stringify(event)}${end}${end}`;
const turn = [{ role: 'user', content: 'x' }];
const APIS = {
  chat: {
    path: '/v1/chat/completions',
    body: { model: 'openai', stream: true, stream_options: { include_usage: true }, messages: turn },
    frame: plain('\n'),
    last: 'data: [DONE]\n\n',
  },
  responses: { path: '/v1/responses', body: { model: 'openai', stream: true, input: turn }, frame: typed, last: '' },
  messages: {
    path: '/v1/messages',
    body: { model: 'messages', stream: true, max_tokens: 9, messages: turn },
    frame: typed,
    last: '',
  },
  google: {
    path: '/v1beta/models/google:streamGenerateContent?alt=sse',
    body: { contents: [{ role: 'user', parts: [{ text: 'x' }] }] },
    frame: plain('\r\n'),
    last: '',
  },
} satisfies Record<string, Api>;

/** The upstream's bytes in pieces that end anywhere. */
function inPieces(text: string): void {
  const rng = seededRng(SEED);
  world.up.answer(async (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length;) {
      const end = at + 1 + Math.floor(rng.next() * 400);
      await new Promise<void>((done) => response.write(bytes.subarray(at, end), () => done()));
      at = end;
    }
    response.end();
  });
}

async function liveAndAgain(api: Api, sent: string): Promise<{ live: string; status: string }> {
  inPieces(sent);
  const opened = await openWith(world.gate, {
    ...{ method: 'POST', path: api.path, body: api.body },
    headers: { 'x-headgate-resume': 'true', 'anthropic-version': '2023-06-01' },
  });
  await opened.ended;
  assert.equal(opened.response.statusCode, 200, opened.text());
  const path = `/v1/streams/${callIdOf(opened)}`;
  const ids = [...opened.text().matchAll(/^id: (.+)$/gm)].map(([, id]) => id!);
  for (const id of [null, ids[0]!, ids[ids.length >> 1]!, ids.at(-1)!]) {
    const again = await openWith(world.gate, {
      ...{ method: 'GET', path },
      headers: id === null ? {} : { 'last-event-id': id },
    });
    await again.ended;
    const rest =
      id === null
        ? opened.text()
        : opened
            .text()
            .split(`id: ${id}\n`)[1]!
            .replace(/^[\s\S]*?\r?\n\r?\n/, '');
    assert.equal(again.text(), rest, `${api.path} from ${id}`);
  }
  return { live: eventsOf(opened.text()), status: endOf(opened.text()).status };
}

async function same(api: Api, events: readonly object[]): Promise<void> {
  const sent = events.map(api.frame).join('') + api.last;
  const { live, status } = await liveAndAgain(api, sent);
  assert.equal(status, 'ok');
  assert.equal(live, sent);
}

const sets: readonly [keyof typeof APIS, RecordedSet][] = [
  ['chat', CHAT],
  ['responses', RESPONSES],
  ['messages', MESSAGES],
  ['google', GENERATE],
];
const FAILS = /"type":"(error|response\.failed)"|"error":\{/;

describe('live and resumed bytes are those that the provider sent', () => {
  for (const [name, set] of sets)
    test(`every recorded stream of ${name}`, async () => {
      for (const [recording, { events }] of Object.entries(set))
        if (events && !FAILS.test(JSON.stringify(events))) await same(APIS[name], events).catch(named(recording));
    });

  test('every type of event of the Responses API that its SDK declares, in one stream', async () => {
    const ends = /^(error|response\.(failed|incomplete|completed))$/;
    const middle = EVERY_EVENT.filter(({ type }) => !ends.test(type));
    for (const type of ['response.completed', 'response.incomplete'] as const)
      await same(APIS.responses, [...middle, EVERY_EVENT.find((event) => event.type === type)!]);
    for (const type of ['error', 'response.failed'] as const) {
      const events = [...middle, EVERY_EVENT.find((event) => event.type === type)!];
      const sent = events.map(APIS.responses.frame).join('');
      const { live, status } = await liveAndAgain(APIS.responses, sent);
      assert.equal(status, 'provider_error');
      assert.equal(live, sent);
    }
  });

  test('every field of a chat chunk that its SDK declares', async () => {
    const token = { token: 'é', bytes: [195, 169], logprob: -0.1, top_logprobs: [] };
    const deltas = [
      { role: 'assistant', content: '' },
      { content: 'Grüße "👋"\n' },
      { content: '\u2028 \\ / \u0000' },
      { refusal: 'no' },
      { tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'f', arguments: '' } }] },
      { tool_calls: [{ index: 0, function: { arguments: '{"a":1.50e+3}' } }] },
      { function_call: { name: 'f', arguments: '' } },
      { function_call: { arguments: '{}' } },
    ] satisfies ChatCompletionChunk.Choice.Delta[];
    const base = { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'up' } as const;
    const logprobs = { content: [token], refusal: [token] };
    const chunks: ChatCompletionChunk[] = [
      ...deltas.flatMap((delta) =>
        [0, 1].map((index) => ({ ...base, choices: [{ index, delta, finish_reason: null, logprobs }] })),
      ),
      ...(['stop', 'length', 'tool_calls', 'content_filter', 'function_call'] as const).map((finish_reason, index) => ({
        ...base,
        service_tier: 'flex' as const,
        system_fingerprint: 'fp',
        choices: [{ index, delta: {}, finish_reason }],
      })),
      { ...base, choices: [], usage: { prompt_tokens: 3, completion_tokens: 7, total_tokens: 10 } },
    ];
    await same(APIS.chat, chunks);
    await same(
      APIS.chat,
      chunks.map((chunk, i) => ({ ...chunk, obfuscation: 'abcdefgh'.slice(i % 8) })),
    );
  });

  test('every delta of Messages that its SDK declares, pings and types that nobody knows', async () => {
    const types = JSON.stringify(MESSAGES);
    const declared = ['text', 'input_json', 'citations', 'thinking', 'signature'];
    for (const type of declared) assert.ok(types.includes(`"type":"${type}_delta"`), type);
    const { events = [] } = (MESSAGES as RecordedSet)['text']!;
    const [start, ...rest] = events;
    const odd = [{ type: 'ping' }, { type: 'new_thing', value: 1e3 }, { type: 'new_thing', value: 1e3 }];
    await same(APIS.messages, [start!, ...odd, ...rest.slice(0, -1), ...odd, rest.at(-1)!]);
  });
});

const named =
  (recording: string) =>
  (thrown: Error): never => {
    throw new Error(`${recording}: ${thrown.message}`, { cause: thrown });
  };
