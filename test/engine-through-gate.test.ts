import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { INSTALL_COMMAND, isEngineInstalled, startEngine } from '#lab/engine/process.ts';
import { startGate, type GateProcess } from './harness/gate-process.ts';
import { loadSdks, sdksSkip } from './harness/sdks.ts';

const skip = isEngineInstalled() ? sdksSkip : `the real engine is not installed (${INSTALL_COMMAND})`;

let engine: Awaited<ReturnType<typeof startEngine>>;
let gate: GateProcess;
let sdk: Awaited<ReturnType<typeof connect>>;

async function connect() {
  const { OpenAI, Anthropic, ai, createOpenAI, createAnthropic } = await loadSdks();
  return {
    ai,
    direct: new OpenAI({ apiKey: 'none', baseURL: engine.baseUrl }),
    openai: new OpenAI({ apiKey: gate.key, baseURL: `${gate.url}/v1` }),
    anthropic: new Anthropic({ apiKey: gate.key, baseURL: gate.url }),
    aiOpenai: createOpenAI({ apiKey: gate.key, baseURL: `${gate.url}/v1` }),
    aiAnthropic: createAnthropic({ apiKey: gate.key, baseURL: `${gate.url}/v1` }),
  };
}

const ask = {
  temperature: 0,
  seed: 7,
  max_tokens: 24,
  messages: [{ role: 'user' as const, content: 'one two three' }],
};

describe('official SDKs through Headgate to llama.cpp', { skip }, () => {
  before(async () => {
    engine = await startEngine();
    gate = await startGate({
      config: `
providers:
  engine: { kind: lab-chat, baseUrl: "${engine.baseUrl}", timers: { firstByte: 60s } }
models:
  tiny: { deployments: [{ provider: engine, model: "${engine.model}" }] }
  tiny-embed: { deployments: [{ provider: engine-embed, model: "${engine.model}" }] }
prices: [{ provider: "*", model: "*", perMillion: { input: "0.1", cachedRead: "0.01", output: "0.4" } }]
`.replace('models:', `  engine-embed: { kind: lab, baseUrl: "${engine.baseUrl}" }\nmodels:`),
    });
    sdk = await connect();
  });
  after(async () => {
    await gate?.stop();
    await engine?.stop();
  });

  test('greedy text is the same through the gate, unary and streamed, as straight from the engine', async () => {
    const straight = await sdk.direct.chat.completions.create({ model: engine.model, ...ask });
    const text = straight.choices[0]!.message.content!;
    assert.ok(text.length > 0);
    const unary = await sdk.openai.chat.completions.create({ model: 'tiny', ...ask });
    assert.equal(unary.choices[0]!.message.content, text);
    assert.equal(unary.usage!.completion_tokens, straight.usage!.completion_tokens);
    let streamed = '';
    for await (const chunk of await sdk.openai.chat.completions.create({ model: 'tiny', stream: true, ...ask }))
      streamed += chunk.choices[0]?.delta.content ?? '';
    assert.equal(streamed, text);
    const message = await sdk.anthropic.messages.create({
      model: 'tiny',
      max_tokens: 24,
      messages: ask.messages,
      // The SDK's newest types have dropped it for newer models; the API still takes it.
      ...({ temperature: 0 } as object),
    });
    assert.equal(message.content.map((block) => (block.type === 'text' ? block.text : '')).join(''), text);
    const generated = await sdk.ai.generateText({
      model: sdk.aiOpenai.chat('tiny'),
      prompt: 'one two three',
      temperature: 0,
      maxOutputTokens: 24,
    });
    assert.equal(generated.text, text);
  });

  test('embeddings are the engine’s own vectors, and the ledger has every token', async () => {
    const straight = await sdk.direct.embeddings.create({ model: engine.model, input: ['one two', 'three'] });
    const through = await sdk.openai.embeddings.create({ model: 'tiny-embed', input: ['one two', 'three'] });
    assert.deepEqual(
      through.data.map(({ embedding }) => embedding),
      straight.data.map(({ embedding }) => embedding),
    );
    let usage = 0;
    await gate.until('the embedding is in the ledger', async () => {
      const { calls } = await gate.admin('GET', '/calls?kind=embed');
      usage = calls[0]?.usage.inputTokens ?? 0;
      return calls.length === 1;
    });
    assert.equal(usage, straight.usage.prompt_tokens);
  });

  test('a tool call that the engine’s grammar forces reaches an Anthropic client as one', async () => {
    const message = await sdk.anthropic.messages.create({
      model: 'tiny',
      max_tokens: 120,
      messages: ask.messages,
      tools: [
        {
          name: 'pick',
          input_schema: {
            type: 'object',
            properties: { colour: { type: 'string', enum: ['red', 'blue'] } },
            required: ['colour'],
          },
        },
      ],
      tool_choice: { type: 'tool', name: 'pick' },
    });
    const use = message.content.find((block) => block.type === 'tool_use');
    assert.ok(use?.type === 'tool_use');
    assert.ok(['red', 'blue'].includes((use.input as { colour: string }).colour));
  });
});
