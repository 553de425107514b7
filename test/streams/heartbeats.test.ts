import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Agent, fetch as undiciFetch } from 'undici';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { loadSdks, sdksSkip } from '../harness/sdks.ts';
import { EVENTS, startUpstream, type ScriptedUpstream, type StreamPath } from '../clients-rules/scripted-upstream.ts';

/**
 * Node's fetch ends an answer that is silent for 300 s, before its head and between two reads, and none of these
 * clients has another timer of idleness. Here the same timer of the same parser is one second, and the silence two and a half.
 */
const CLIENT_TIMER_MS = 1_000;
const SILENCE_MS = 2_500;
const HEARTBEAT_MS = 250;

const world = {} as {
  up: ScriptedUpstream;
  beating: GateProcess;
  mute: GateProcess;
  agent: Agent;
  sdks: Awaited<ReturnType<typeof loadSdks>>;
};

const config = (url: string, heartbeat: string): string => `
providers:
  up: { kind: lab, baseUrl: "${url}/v1" }
  chat: { kind: lab-chat, baseUrl: "${url}/v1" }
models:
  m: { deployments: [{ provider: up, model: up }] }
  crossed: { deployments: [{ provider: chat, model: up }] }
prices: [{ provider: "*", model: "*", perMillion: { input: "1", output: "1" } }]
stream: { heartbeat: ${heartbeat} }
retry: { attempts: 1 }
`;

before(async () => {
  if (sdksSkip) return;
  world.sdks = await loadSdks();
  world.up = await startUpstream();
  world.agent = new Agent({ headersTimeout: CLIENT_TIMER_MS, bodyTimeout: CLIENT_TIMER_MS });
  world.beating = await startGate({ config: config(world.up.url, `${HEARTBEAT_MS}ms`) });
  world.mute = await startGate({ config: config(world.up.url, '60s') });
});
after(async () => {
  await Promise.all([world.beating?.stop(), world.mute?.stop()]);
  await world.agent?.destroy();
  await world.up?.close();
});

/** What the SDKs use, with its timer shortened. */
const fetch = ((url: string, init: object) =>
  undiciFetch(url, { ...init, dispatcher: world.agent } as never)) as unknown as typeof globalThis.fetch;

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, SILENCE_MS));

/** Silent before the first token, or between two: in the words of the dialect in which it is asked. */
function silent(where: 'before' | 'between'): void {
  world.up.answer(async (response, { path }) => {
    const { start, text, finish, usage, end } = EVENTS[path as StreamPath];
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.flushHeaders();
    if (where === 'before') await pause();
    response.write(start + text);
    if (where === 'between') await pause();
    response.end(finish + usage + end);
  });
}

type Read = (gate: GateProcess) => Promise<string>;
const joined = async <T>(items: AsyncIterable<T>, textOf: (item: T) => string | null | undefined): Promise<string> => {
  let text = '';
  for await (const item of items) text += textOf(item) ?? '';
  return text;
};
const base = (gate: GateProcess) => ({ baseURL: `${gate.url}/v1`, apiKey: gate.key, fetch, maxRetries: 0 });
const messages = [{ role: 'user' as const, content: 'hi' }];

/** Throws what the AI SDK would hand to `onError`. */
const textStream = (model: unknown): Promise<string> => {
  const { fullStream } = world.sdks.ai.streamText({ model, prompt: 'hi', maxRetries: 0, onError: () => undefined });
  return joined(fullStream as AsyncIterable<any>, (part) => {
    if (part.type === 'error') throw part.error;
    return part.type === 'text-delta' ? part.text : '';
  });
};

async function withFetch<T>(run: () => Promise<T>): Promise<T> {
  const own = globalThis.fetch;
  globalThis.fetch = fetch;
  try {
    return await run();
  } finally {
    globalThis.fetch = own;
  }
}

const CLIENTS: Record<string, Read> = {
  'openai, chat': async (gate) => {
    const client = new world.sdks.OpenAI(base(gate));
    const stream = await client.chat.completions.create({ model: 'm', messages, stream: true });
    return joined(stream, (chunk) => chunk.choices[0]?.delta.content);
  },
  'openai, responses': async (gate) => {
    const client = new world.sdks.OpenAI(base(gate));
    const stream = await client.responses.create({ model: 'm', input: 'hi', stream: true });
    return joined(stream, (event) => (event.type === 'response.output_text.delta' ? event.delta : ''));
  },
  '@anthropic-ai/sdk': async (gate) => {
    const client = new world.sdks.Anthropic({ baseURL: gate.url, apiKey: gate.key, fetch, maxRetries: 0 });
    const stream = await client.messages.create({ model: 'm', max_tokens: 9, messages, stream: true });
    return joined(stream, (event: any) => (event.delta?.type === 'text_delta' ? event.delta.text : ''));
  },
  '@google/genai': (gate) =>
    withFetch(async () => {
      const { GoogleGenAI } = world.sdks.genai;
      const client = new GoogleGenAI({ apiKey: gate.key, httpOptions: { baseUrl: gate.url } });
      const stream = await client.models.generateContentStream({ model: 'crossed', contents: 'hi' });
      return joined(stream as AsyncIterable<any>, (chunk) => chunk.text);
    }),
  'ai with @ai-sdk/openai, chat': (gate) => textStream(world.sdks.createOpenAI(base(gate)).chat('m')),
  'ai with @ai-sdk/openai, responses': (gate) => textStream(world.sdks.createOpenAI(base(gate)).responses('crossed')),
  'ai with @ai-sdk/anthropic': (gate) => textStream(world.sdks.createAnthropic(base(gate))('m')),
  'ai, DefaultChatTransport': async (gate) => {
    const transport = new world.sdks.ai.DefaultChatTransport({
      ...{ api: `${gate.url}/v1/ui/chat`, headers: { authorization: `Bearer ${gate.key}` }, fetch },
      body: { model: 'm' },
    });
    const asked = [{ id: 'u', role: 'user', parts: [{ type: 'text', text: 'hi' }] }];
    const stream = await transport.sendMessages({ chatId: 'c', messages: asked, trigger: 'submit-message' });
    return joined(stream as AsyncIterable<any>, (chunk) => (chunk.type === 'text-delta' ? chunk.delta : ''));
  },
};

/** The client's own timer, wherever the SDK keeps the cause (Anthropic's drops it, and says that the time was out): nothing else may end such a stream. */
function isTimeout(thrown: unknown): true {
  const seen: string[] = [];
  for (let one: any = thrown; one && seen.length < 8; one = one.cause)
    seen.push(String(one.code ?? one.message ?? one));
  assert.match(seen.join(' < '), /UND_ERR_(HEADERS|BODY)_TIMEOUT|Request timed out/);
  return true;
}

/** The clients wait beside one another: the subtests of a test take turns else. */
const AT_ONCE = { concurrency: true } as const;

describe('heartbeats keep real clients alive through a silence longer than their timer', { skip: sdksSkip }, () => {
  for (const where of ['before', 'between'] as const)
    test(
      `${where === 'before' ? 'before the first token' : 'between two tokens'}: the exact text`,
      AT_ONCE,
      async (t) => {
        silent(where);
        await Promise.all(
          Object.entries(CLIENTS).map(([name, read]) =>
            t.test(name, async () => assert.equal(await read(world.beating), 'Hel lo')),
          ),
        );
      },
    );

  for (const where of ['before', 'between'] as const)
    test(
      `without heartbeats the same clients die ${where === 'before' ? 'before the first token' : 'between two'}`,
      AT_ONCE,
      async (t) => {
        silent(where);
        await Promise.all(
          Object.entries(CLIENTS).map(([name, read]) =>
            t.test(name, () => assert.rejects(read(world.mute), isTimeout)),
          ),
        );
      },
    );
});
