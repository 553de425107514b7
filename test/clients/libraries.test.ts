import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { clientNamed, fill } from '#gateway/snippets/index.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';

const folder = join(import.meta.dirname, 'libraries');
const skip = existsSync(join(folder, 'node_modules/@openai/agents'))
  ? false
  : 'the agents’ libraries are not installed (npm run test:libraries:install)';

const KINDS = ['chat', 'responses', 'messages'] as const;
const SCRIPTS = {
  // The first agent hands over, the second speaks.
  handover: { turns: [{ tools: [{ name: 'transfer_to_Billing', input: {} }] }, { text: 'Billing is here.' }] },
};
const scripted = (kind: string, name: string): string =>
  `  ${name}-${kind}: { deployments: [{ provider: ${kind}, model: "lab-script:${name}" }] }`;

const config = (url: string): string => `
providers:
${KINDS.map((kind) => `  ${kind}: { kind: lab-${kind}, baseUrl: "${url}/v1" }`).join('\n')}
  all: { kind: lab, baseUrl: "${url}/v1" }
models:
${KINDS.map((kind) => `  echo-${kind}: { deployments: [{ provider: ${kind}, model: lab-echo }] }`).join('\n')}
${KINDS.map((kind) => `  plain-${kind}: { deployments: [{ provider: ${kind}, model: lab-small }] }`).join('\n')}
${KINDS.flatMap((kind) => [scripted(kind, 'weather'), scripted(kind, 'parallel'), scripted(kind, 'handover')]).join('\n')}
  embed: { deployments: [{ provider: all, model: lab-embed }] }
prices: [{ provider: "*", model: "*", perMillion: { input: "1", output: "2", cachedRead: "0.1" } }]
features: { search: {} }
retry: { attempts: 1 }
log: { level: silent }
`;

const TEXT = 'naïve 中文 👩‍👩‍👧 “quoted” \\ slash\nnext line — done';
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

let provider: Provider;
let gate: GateProcess;
// The libraries lie outside this project's own packages: their types do too.
let lib: Record<'openai' | 'lcOpenai' | 'lcAnthropic' | 'lcCore' | 'messages' | 'agents' | 'llama' | 'zod', any>;

async function loadAll(): Promise<typeof lib> {
  const { load } = await import(join(folder, 'load.mjs'));
  const [openai, lcOpenai, lcAnthropic, lcCore, messages, agents, llama, zod] = await Promise.all(
    [
      ...['openai', '@langchain/openai', '@langchain/anthropic', '@langchain/core/tools', '@langchain/core/messages'],
      ...['@openai/agents', '@llamaindex/openai', 'zod'],
    ].map((name) => load(name)),
  );
  agents.setTracingDisabled(true);
  return { openai, lcOpenai, lcAnthropic, lcCore, messages, agents, llama, zod: zod.z };
}

/** Entries of one session, oldest first, once there are so many. */
async function entriesOf(session: string, count: number): Promise<any[]> {
  let found: any[] = [];
  await gate.until(`${count} entries of ${session}`, async () => {
    const { calls } = await gate.admin('GET', '/calls?limit=1000');
    found = calls.filter((call: any) => call.session === session).reverse();
    return found.length >= count;
  });
  return found;
}

const headers = (session: string, more: object = {}): Record<string, string> => ({
  'x-headgate-session': session,
  'x-headgate-feature': 'search',
  traceparent: `00-${TRACE}-00f067aa0ba902b7-01`,
  ...more,
});

/** LangChain's three clients, by the path that each calls. */
const CHAINS = {
  chat: (model: string, session: string, more: object = {}) =>
    new lib.lcOpenai.ChatOpenAI({
      ...{ model, apiKey: gate.key, maxRetries: 1, useResponsesApi: false, ...more },
      configuration: { baseURL: `${gate.url}/v1`, defaultHeaders: headers(session) },
    }),
  responses: (model: string, session: string, more: object = {}) =>
    new lib.lcOpenai.ChatOpenAI({
      ...{ model, apiKey: gate.key, maxRetries: 1, useResponsesApi: true, ...more },
      configuration: { baseURL: `${gate.url}/v1`, defaultHeaders: headers(session) },
    }),
  messages: (model: string, session: string, more: object = {}) =>
    new lib.lcAnthropic.ChatAnthropic({
      ...{ model, apiKey: gate.key, maxTokens: 500, maxRetries: 1, anthropicApiUrl: gate.url, ...more },
      clientOptions: { defaultHeaders: headers(session) },
    }),
} as const;

describe('libraries that agents are built with, through Headgate', { skip }, () => {
  before(async () => {
    provider = await startProvider({ seed: 20261125, scripts: SCRIPTS });
    gate = await startGate({ config: config(provider.url) });
    lib = await loadAll();
  });
  after(async () => {
    await gate?.stop();
    await provider?.close();
  });

  for (const [path, chain] of Object.entries(CHAINS)) {
    for (const kind of KINDS) {
      test(`LangChain by ${path}, provider speaks ${kind}: answer, stream, tools in a loop, one session`, async () => {
        const session = `lc-${path}-${kind}`;
        assert.equal((await chain(`echo-${kind}`, session).invoke(TEXT)).text, TEXT);
        let streamed = '';
        let usage = null;
        for await (const piece of await chain(`echo-${kind}`, session).stream(TEXT)) {
          streamed += piece.text;
          usage = piece.usage_metadata ?? usage;
        }
        assert.equal(streamed, TEXT);
        assert.ok(usage, 'the stream ends with usage');
        const weather = lib.lcCore.tool(({ city }: { city: string }) => `sunny in ${city}`, {
          ...{ name: 'get_weather', description: 'Weather of a city' },
          schema: lib.zod.object({ city: lib.zod.string(), days: lib.zod.int().optional() }),
        });
        const { HumanMessage } = lib.messages;
        for (const [script, calls, last] of [
          ['weather', 1, 'It is sunny in Paris in Paris.'],
          ['parallel', 2, 'Both are fine.'],
        ] as const) {
          const bound = chain(`${script}-${kind}`, session).bindTools([weather]);
          const talk = [new HumanMessage('Weather?')];
          let answer = await bound.invoke(talk);
          assert.equal(answer.tool_calls.length, calls);
          talk.push(answer);
          for (const call of answer.tool_calls) talk.push(await weather.invoke(call));
          answer = await bound.invoke(talk);
          assert.equal(answer.text, last);
        }
        const entries = await entriesOf(session, 6);
        assert.equal(entries.length, 6);
        for (const entry of entries) {
          assert.deepEqual([entry.feature, entry.traceId, entry.status], ['search', TRACE, 'ok']);
        }
      });
    }

    test(`LangChain by ${path}: structured output, and errors as its own`, async () => {
      const session = `lc-more-${path}`;
      const schema = lib.zod.object({ city: lib.zod.string(), degrees: lib.zod.number() });
      const method = path === 'messages' ? 'functionCalling' : 'jsonSchema';
      for (const kind of KINDS) {
        const out = await chain(`plain-${kind}`, session).withStructuredOutput(schema, { method }).invoke('Weather?');
        assert.ok(schema.safeParse(out).success, JSON.stringify(out));
      }
      const seen = provider.stats().seen;
      await assert.rejects(chain('no-such-model', session).invoke('x'), (error: any) => error.status === 404);
      assert.equal(provider.stats().seen, seen);
      // One retry of its own, and the second answer counts.
      await assert.rejects(chain('plain-chat', session).invoke('[[lab fault=503]] x'));
      assert.equal(provider.stats().seen, seen + 2);
    });
  }

  test('LangChain: embeddings', async () => {
    const embeddings = new lib.lcOpenai.OpenAIEmbeddings({
      ...{ model: 'embed', apiKey: gate.key, dimensions: 8 },
      configuration: { baseURL: `${gate.url}/v1` },
    });
    const vectors = await embeddings.embedDocuments(['one', 'two', 'three']);
    assert.deepEqual(
      vectors.map((vector: number[]) => vector.length),
      [8, 8, 8],
    );
    assert.deepEqual(await embeddings.embedQuery('one'), vectors[0]);
  });

  const llama = (model: string, session: string) =>
    new lib.llama.OpenAI({
      ...{ model, apiKey: gate.key, baseURL: `${gate.url}/v1`, maxRetries: 1 },
      additionalSessionOptions: { defaultHeaders: headers(session) },
    });

  for (const kind of KINDS) {
    test(`LlamaIndex, provider speaks ${kind}: answer, stream, tools in a loop`, async () => {
      const session = `li-${kind}`;
      const messages = [{ role: 'user', content: TEXT }];
      assert.equal((await llama(`echo-${kind}`, session).chat({ messages })).message.content, TEXT);
      let streamed = '';
      for await (const piece of await llama(`echo-${kind}`, session).chat({ messages, stream: true })) {
        streamed += piece.delta;
      }
      assert.equal(streamed, TEXT);
      const tool = {
        metadata: {
          ...{ name: 'get_weather', description: 'Weather of a city' },
          parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
        },
        call: ({ city }: { city: string }) => `sunny in ${city}`,
      };
      const llm = llama(`weather-${kind}`, session);
      const question = { role: 'user', content: 'Weather?' };
      const first = await llm.chat({ messages: [question], tools: [tool] });
      const [call] = first.message.options.toolCall;
      assert.equal(call.name, 'get_weather');
      const input = typeof call.input === 'string' ? JSON.parse(call.input) : call.input;
      const result = { id: call.id, result: tool.call(input), isError: false };
      const talk = [question, first.message, { role: 'user', content: result.result, options: { toolResult: result } }];
      const second = await llm.chat({ messages: talk, tools: [tool] });
      assert.equal(second.message.content, 'It is sunny in Paris in Paris.');
      assert.equal((await entriesOf(session, 4)).length, 4);
    });
  }

  test('LlamaIndex: embeddings, and a refusal', async () => {
    const embedding = new lib.llama.OpenAIEmbedding({
      ...{ model: 'embed', apiKey: gate.key, baseURL: `${gate.url}/v1`, maxRetries: 0 },
    });
    assert.ok((await embedding.getTextEmbedding('one')).length > 0);
    assert.equal((await embedding.getTextEmbeddings(['one', 'two'])).length, 2);
    const messages = [{ role: 'user', content: 'x' }];
    await assert.rejects(llama('no-such-model', 'li').chat({ messages }), (error: any) => error.status === 404);
  });

  for (const name of ['langchain', 'llamaindex'] as const) {
    test(`${name}: the program that \`headgate connect\` prints runs as printed`, async () => {
      const program = clientNamed(name)!.snippets.find(({ language }) => language === 'ts')!;
      const file = join(folder, `printed-${name}-${process.pid}.mjs`);
      writeFileSync(file, fill(program.text, { url: gate.url, key: gate.key, model: 'plain-chat' }));
      try {
        const child = spawn(process.execPath, [file], { env: { ...process.env, HEADGATE_KEY: gate.key } });
        let [stdout, stderr] = ['', ''];
        child.stdout.on('data', (chunk: Buffer) => (stdout += chunk));
        child.stderr.on('data', (chunk: Buffer) => (stderr += chunk));
        const [code] = await once(child, 'close');
        assert.equal(code, 0, stderr);
        assert.ok(stdout.trim().length > 3, 'it prints the answer');
      } finally {
        rmSync(file);
      }
    });
  }

  /** Each agent has a client of its own, whose headers say who it is and who sent it. */
  const modelOf = (name: string, path: 'chat' | 'responses', who: object) => {
    const client = new lib.openai.OpenAI({
      ...{ apiKey: gate.key, baseURL: `${gate.url}/v1`, maxRetries: 0, defaultHeaders: who },
    });
    const { OpenAIResponsesModel, OpenAIChatCompletionsModel } = lib.agents;
    return path === 'chat' ? new OpenAIChatCompletionsModel(client, name) : new OpenAIResponsesModel(client, name);
  };

  for (const path of ['chat', 'responses'] as const) {
    for (const kind of KINDS) {
      test(`Agents SDK by ${path}, provider speaks ${kind}: tools, a hand-over, each agent by its name`, async () => {
        const { Agent, run, tool } = lib.agents;
        const session = `ag-${path}-${kind}`;
        const weather = tool({
          ...{ name: 'get_weather', description: 'Weather of a city' },
          parameters: lib.zod.object({ city: lib.zod.string() }),
          execute: ({ city }: { city: string }) => `sunny in ${city}`,
        });
        const asked = { ...headers(session), 'x-headgate-agent': 'Weather' };
        const forecaster = new Agent({
          ...{ name: 'Weather', instructions: 'Tell the weather.', tools: [weather] },
          model: modelOf(`weather-${kind}`, path, asked),
        });
        assert.equal((await run(forecaster, 'Weather?')).finalOutput, 'It is sunny in Paris in Paris.');
        const billing = new Agent({
          ...{ name: 'Billing', instructions: 'Bill.' },
          model: modelOf(`handover-${kind}`, path, {
            ...headers(session),
            ...{ 'x-headgate-agent': 'Billing', 'x-headgate-parent-agent': 'Triage' },
          }),
        });
        const triage = new Agent({
          ...{ name: 'Triage', instructions: 'Hand over.', handoffs: [billing] },
          model: modelOf(`handover-${kind}`, path, { ...headers(session), 'x-headgate-agent': 'Triage' }),
        });
        const streamed = await run(triage, 'A bill?', { stream: true });
        await streamed.completed;
        assert.equal(streamed.finalOutput, 'Billing is here.');
        assert.equal(streamed.lastAgent.name, 'Billing');
        const entries = await entriesOf(session, 4);
        assert.deepEqual(
          entries.map((entry) => [entry.agent, entry.parentAgent]),
          [
            ['Weather', null],
            ['Weather', null],
            ['Triage', null],
            ['Billing', 'Triage'],
          ],
        );
      });
    }

    test(`Agents SDK by ${path}: structured output, and a refusal that ends the run`, async () => {
      const { Agent, run } = lib.agents;
      const outputType = lib.zod.object({ city: lib.zod.string(), degrees: lib.zod.number() });
      for (const kind of KINDS) {
        const agent = new Agent({ name: 'A', outputType, model: modelOf(`plain-${kind}`, path, {}) });
        assert.ok(outputType.safeParse((await run(agent, 'x')).finalOutput).success);
      }
      const seen = provider.stats().seen;
      const agent = new Agent({ name: 'A', model: modelOf('no-such-model', path, {}) });
      await assert.rejects(run(agent, 'x'), (error: any) => error.status === 404);
      assert.equal(provider.stats().seen, seen);
    });
  }
});
