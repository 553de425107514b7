import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { redisSkip } from '../harness/redis-server.ts';
import { loadSdks, sdksSkip } from '../harness/sdks.ts';
import { endOf, eventsOf, lastIdOf } from './stream-client.ts';
import {
  assertInOrder,
  at,
  call,
  dataOf,
  died,
  entryOf,
  redriveWorld,
  resume,
  sha256,
  TEXT,
  textOf,
  type Asked,
} from './redrive-world.ts';

const ECHO = `[[lab echo]]${TEXT}`;

/** What a client asks for, and by which API the provider is asked for the rest. */
const WAYS: Readonly<Record<string, Asked & { readonly by: string }>> = {
  'Responses, of a server of chats': { api: 'responses', model: 'chat', by: '/v1/chat/completions' },
  'Responses, as the server wrote them': { api: 'responses', model: 'all', by: '/v1/chat/completions' },
  'Responses, of Claude': { api: 'responses', model: 'claude', by: '/v1/messages' },
  'useChat, of a chat': { api: 'ui', model: 'chat', by: '/v1/chat/completions' },
  'useChat, of Claude': { api: 'ui', model: 'claude', by: '/v1/messages' },
  'Completions, which write on': { api: 'texts', model: 'all', by: '/v1/completions' },
  'Gemini’s API, of a provider that is said to go on': {
    ...{ api: 'google', model: 'google', by: '/v1beta/models/lab-echo:streamGenerateContent?alt=sse' },
  },
  'Gemini’s API, of Claude': { api: 'google', model: 'claude', by: '/v1/messages' },
  'Claude on Bedrock, by a chat': { api: 'chat', model: 'converse', text: ECHO, by: CONVERSE() },
  'Claude on Bedrock, by Messages': { api: 'claude', model: 'converse', text: ECHO, by: CONVERSE() },
};
function CONVERSE(): string {
  return '/model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/converse-stream';
}

/** Signs of life come when they come. */
const plain = (text: string): string => eventsOf(text).replaceAll('event: ping\ndata: {"type": "ping"}\n\n', '');

describe('each API that a client may speak is gone on with', { skip: redisSkip }, () => {
  const w = redriveWorld();

  for (const [name, { by, ...asked }] of Object.entries(WAYS)) {
    test(name, async () => {
      const seen = w.provider.log.length;
      const live = await call(at(w, 'a'), asked);
      const id = await died(w, live);
      const last = lastIdOf(live.text());
      const [whole, rest] = await Promise.all([resume(at(w, 'b'), id), resume(at(w, 'b'), id, last)]);
      assert.deepEqual(await Promise.all([whole.ended, rest.ended]), ['clean', 'clean'], whole.text().slice(-400));
      const text = whole.text();
      assert.equal(textOf(text), TEXT);
      assert.equal(plain(live.text()) + plain(rest.text()), plain(text), 'byte for byte');
      assertInOrder(text);
      assert.equal(new Set([...text.matchAll(/^id: (\w+)\./gm)].map(([, epoch]) => epoch)).size, 2, 'two gates');
      const end = endOf(text);
      assert.deepEqual([end.status, end.finish, end.textSha256], ['ok', 'stop', sha256(TEXT)]);
      const [one, two, ...more] = w.provider.log.slice(seen);
      assert.deepEqual(more, [], 'one call for the rest');
      assert.equal(two!.path, by);
      assert.ok(one!.continues === null && two!.continues !== null && TEXT.startsWith(two!.continues));
      assert.ok(two!.continues.includes('wörd 5'), 'it was given what was said');
      const entry = await entryOf(w.gates.b, end.redrivenBy[0]);
      assert.deepEqual([entry.redriveOf, entry.status], [id, 'ok']);
      assert.equal(entry.usage.outputTokens, two!.usageSent!.output);
      assert.ok(end.usage.outputTokens > entry.usage.outputTokens, 'usage is that of both');
      SHAPES[asked.api!]?.(dataOf(text), end);
      if (!sdksSkip) assert.deepEqual(await READ[asked.api!]!(plain(text)), [TEXT, end.usage.outputTokens]);
    });
  }

  test('a provider that cannot is named, whatever the client speaks', async () => {
    const cases: readonly Asked[] = [
      { api: 'responses', model: 'alone' },
      { api: 'responses', model: 'hosted' },
      { api: 'ui', model: 'hosted' },
      { api: 'google', model: 'hosted' },
      { api: 'chat', model: 'newer', text: ECHO },
    ];
    const seen = w.provider.log.length;
    const live = await Promise.all(cases.map((asked) => call(at(w, 'a'), asked)));
    for (const reading of live) await w.gates.a.until('text', () => textOf(reading.text()).includes('wörd 2'));
    await w.gates.a.kill();
    for (const [i, reading] of live.entries()) {
      const there = await resume(at(w, 'b'), String(reading.response.headers['x-headgate-call-id']));
      await there.ended;
      const { status, reason } = endOf(there.text());
      assert.deepEqual([status, reason], ['interrupted', 'provider_cannot_continue'], JSON.stringify(cases[i]));
      assert.ok(TEXT.startsWith(textOf(there.text())));
    }
    assert.equal(w.provider.log.length - seen, live.length, 'nothing was asked for again');
  });

  test('what a request asks beside its text is refused in the words of its own API', async () => {
    const cases: readonly (readonly [Asked, string])[] = [
      [{ api: 'responses', body: { reasoning: { effort: 'low' } } }, 'reasoning_in_flight'],
      [{ api: 'responses', body: { top_logprobs: 1, include: ['message.output_text.logprobs'] } }, 'logprobs'],
      [{ api: 'texts', body: { n: 2 } }, 'several_choices'],
      [{ api: 'texts', body: { echo: true } }, 'echo_or_suffix'],
      [{ api: 'google', model: 'google', body: { generationConfig: { candidateCount: 2 } } }, 'several_choices'],
    ];
    const live = await Promise.all(cases.map(([asked]) => call(at(w, 'a'), asked)));
    for (const reading of live) await w.gates.a.until('events', () => reading.text().split('\ndata: ').length > 8);
    await w.gates.a.kill();
    for (const [i, reading] of live.entries()) {
      const there = await resume(at(w, 'b'), String(reading.response.headers['x-headgate-call-id']));
      await there.ended;
      const { status, reason } = endOf(there.text());
      assert.deepEqual([status, reason], ['interrupted', cases[i]![1]], JSON.stringify(cases[i]));
    }
  });
});

type Facts = { readonly usage: { readonly inputTokens: number; readonly outputTokens: number } };

/** Numbers, ids and repeated texts of an API. */
const SHAPES: Readonly<Record<string, (events: readonly any[], end: Facts) => void>> = {
  responses: (events, { usage }) => {
    assert.deepEqual(
      events.map((event) => event.sequence_number),
      events.map((_, i) => i),
    );
    const of = (type: string): any[] => events.filter((event) => event.type === type);
    for (const type of ['created', 'in_progress', 'output_item.added', 'content_part.added'])
      assert.equal(of(`response.${type}`).length, 1, type);
    for (const type of ['output_text.done', 'content_part.done', 'output_item.done', 'completed'])
      assert.equal(of(`response.${type}`).length, 1, type);
    assert.equal(of('response.output_text.done')[0].text, TEXT);
    assert.equal(of('response.content_part.done')[0].part.text, TEXT);
    const { response } = events.at(-1);
    assert.deepEqual(response.output, [of('response.output_item.done')[0].item]);
    assert.equal(response.id, of('response.created')[0].response.id);
    const ids = events.flatMap((event) => [event.item_id, event.item?.id]).filter((id) => id !== undefined);
    assert.equal(new Set(ids).size, 1);
    assert.deepEqual(
      [response.usage.input_tokens, response.usage.output_tokens],
      [usage.inputTokens, usage.outputTokens],
    );
  },
  ui: (events, { usage }) => {
    const types = events.map(({ type }) => type).filter((type, i, all) => type !== all[i - 1]);
    assert.deepEqual(types, ['start', 'start-step', 'text-start', 'text-delta', 'text-end', 'finish-step', 'finish']);
    assert.equal(new Set(events.map(({ id }) => id).filter((id) => id !== undefined)).size, 1);
    assert.equal(events.at(-1).messageMetadata.usage.outputTokens, usage.outputTokens);
  },
  google: (events, { usage }) => {
    assert.equal(new Set(events.map(({ responseId }) => responseId)).size, 1);
    assert.equal(new Set(events.map(({ modelVersion }) => modelVersion)).size, 1);
    const ends = events.filter(({ candidates }) => candidates[0].finishReason !== undefined);
    assert.deepEqual([ends.length, ends[0]], [1, events.at(-1)]);
    assert.equal(ends[0].usageMetadata.promptTokenCount, usage.inputTokens);
  },
  texts: (events) => {
    assert.equal(new Set(events.map(({ id }) => id)).size, 1);
    assert.equal(events.filter(({ choices }) => choices[0]?.finish_reason != null).length, 1);
  },
};

type Read = (events: string) => Promise<readonly [string, number | undefined]>;
const answering = (events: string) => (): Promise<Response> =>
  Promise.resolve(new Response(events, { headers: { 'content-type': 'text/event-stream' } }));

/** The vendors' own clients read one answer: text and output tokens. */
const READ: Readonly<Record<string, Read>> = {
  chat: async (events) => {
    const { OpenAI } = await loadSdks();
    const client = new OpenAI({ apiKey: 'k', fetch: answering(events) });
    const answer = await client.chat.completions.stream({ model: 'm', messages: [] }).finalChatCompletion();
    return [answer.choices[0]!.message.content ?? '', answer.usage!.completion_tokens];
  },
  claude: async (events) => {
    const { Anthropic } = await loadSdks();
    const client = new Anthropic({ apiKey: 'k', fetch: answering(events) });
    const answer = await client.messages.stream({ model: 'm', max_tokens: 9, messages: [] }).finalMessage();
    const [block, ...more] = answer.content;
    assert.deepEqual(more, []);
    return [block!.type === 'text' ? block!.text : '', answer.usage.output_tokens];
  },
  responses: async (events) => {
    const { OpenAI } = await loadSdks();
    const client = new OpenAI({ apiKey: 'k', fetch: answering(events) });
    const answer = await client.responses.stream({ model: 'm', input: '' }).finalResponse();
    return [answer.output_text, answer.usage!.output_tokens];
  },
  texts: async (events) => {
    const { OpenAI } = await loadSdks();
    const client = new OpenAI({ apiKey: 'k', fetch: answering(events) });
    let [text, output] = ['', undefined as number | undefined];
    for await (const { choices, usage } of await client.completions.create({ model: 'm', prompt: '', stream: true })) {
      text += choices[0]?.text ?? '';
      output = usage?.completion_tokens ?? output;
    }
    return [text, output];
  },
  ui: async (events) => {
    const { ai } = await loadSdks();
    const transport = new ai.DefaultChatTransport({ api: 'http://lab/', fetch: answering(events) });
    const of = { chatId: 'c', messages: [], trigger: 'submit-message', messageId: undefined, abortSignal: undefined };
    const stream = await transport.sendMessages(of);
    let last: any;
    for await (const message of ai.readUIMessageStream({ stream, terminateOnError: true })) last = message;
    const texts = last.parts.filter(({ type }: any) => type === 'text');
    assert.equal(texts.length, 1);
    return [texts[0].text, last.metadata.usage.outputTokens];
  },
  google: async (events) => {
    const { genai } = await loadSdks();
    const server = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end(events);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    try {
      const client = new genai.GoogleGenAI({ apiKey: 'k', httpOptions: { baseUrl: `http://127.0.0.1:${port}` } });
      let [text, output] = ['', undefined as number | undefined];
      for await (const chunk of await client.models.generateContentStream({ model: 'm', contents: 'a' })) {
        text += chunk.text ?? '';
        output = chunk.usageMetadata?.candidatesTokenCount ?? output;
      }
      return [text, output];
    } finally {
      server.close();
    }
  },
};
