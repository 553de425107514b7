import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { startGate, type GateProcess } from './harness/gate-process.ts';
import { loadSdks, sdksSkip } from './harness/sdks.ts';

/** Text with letters of one to four bytes, a joined emoji and a line end: whatever is torn shows. */
const TEXT = 'naïve 中文 👩‍👩‍👧 “quoted” \\ slash\nnext line — done';

/** The provider as one that speaks a single dialect, so that each client meets each. */
const KINDS = ['chat', 'responses', 'messages', 'google'] as const;

const config = (url: string): string => `
providers:
${KINDS.map((kind) => `  ${kind}: { kind: lab-${kind}, baseUrl: "${url}/v1" }`).join('\n')}
  all: { kind: lab, baseUrl: "${url}/v1" }
models:
${KINDS.map((kind) => `  via-${kind}: { deployments: [{ provider: ${kind}, model: lab-echo }] }`).join('\n')}
${KINDS.map((kind) => `  tools-${kind}: { deployments: [{ provider: ${kind}, model: "lab-script:weather" }] }`).join('\n')}
${KINDS.map((kind) => `  plain-${kind}: { deployments: [{ provider: ${kind}, model: lab-small }] }`).join('\n')}
  embed: { deployments: [{ provider: all, model: lab-embed }] }
prices:
  - { provider: "*", model: "*", perMillion: { input: "1", output: "2", cachedRead: "0.1", cacheWrite: "1.25", cacheWrite1h: "2" } }
features: { search: {} }
`;

let provider: Provider;
let gate: GateProcess;
let sdk: Awaited<ReturnType<typeof load>>;

async function load() {
  const { OpenAI, Anthropic, ai, createOpenAI, createAnthropic } = await loadSdks();
  return {
    OpenAI,
    ai,
    openai: new OpenAI({ apiKey: gate.key, baseURL: `${gate.url}/v1`, maxRetries: 2 }),
    anthropic: new Anthropic({ apiKey: gate.key, baseURL: gate.url, maxRetries: 2 }),
    aiOpenai: createOpenAI({ apiKey: gate.key, baseURL: `${gate.url}/v1` }),
    aiAnthropic: createAnthropic({ apiKey: gate.key, baseURL: `${gate.url}/v1` }),
  };
}

const lastSeen = () => provider.log.at(-1)!;

describe('official SDKs through Headgate', { skip: sdksSkip }, () => {
  before(async () => {
    provider = await startProvider({ seed: 20261124 });
    gate = await startGate({ config: config(provider.url) });
    sdk = await load();
  });
  after(async () => {
    await gate?.stop();
    await provider?.close();
  });

  for (const kind of KINDS) {
    describe(`provider that speaks ${kind}`, () => {
      test('openai: chat, unary and streamed, text byte for byte', async () => {
        const messages = [{ role: 'user' as const, content: TEXT }];
        const unary = await sdk.openai.chat.completions.create({ model: `via-${kind}`, messages });
        assert.equal(unary.choices[0]!.message.content, TEXT);
        assert.ok(unary.usage!.prompt_tokens > 0 && unary.usage!.completion_tokens > 0);
        let text = '';
        let usage = null;
        const stream = await sdk.openai.chat.completions.create({
          model: `via-${kind}`,
          messages,
          stream: true,
          stream_options: { include_usage: true },
        });
        for await (const chunk of stream) {
          text += chunk.choices[0]?.delta.content ?? '';
          usage = chunk.usage ?? usage;
        }
        assert.equal(text, TEXT);
        assert.equal(usage!.completion_tokens, lastSeen().outputTokensSent);
      });

      test('openai: responses, unary and streamed', async () => {
        const unary = await sdk.openai.responses.create({ model: `via-${kind}`, input: TEXT, store: false });
        assert.equal(unary.output_text, TEXT);
        const stream = sdk.openai.responses.stream({ model: `via-${kind}`, input: TEXT, store: false });
        const final = await stream.finalResponse();
        assert.equal(final.output_text, TEXT);
        assert.equal(final.usage!.output_tokens, lastSeen().outputTokensSent);
      });

      test('anthropic: messages, unary and streamed', async () => {
        const call = { model: `via-${kind}`, max_tokens: 500, messages: [{ role: 'user' as const, content: TEXT }] };
        const unary = await sdk.anthropic.messages.create(call);
        assert.deepEqual(
          unary.content.map((block) => (block.type === 'text' ? block.text : block.type)),
          [TEXT],
        );
        const final = await sdk.anthropic.messages.stream(call).finalMessage();
        assert.deepEqual(
          final.content.map((block) => (block.type === 'text' ? block.text : block.type)),
          [TEXT],
        );
        assert.equal(final.usage.output_tokens, lastSeen().outputTokensSent);
      });

      test('openai: tools', async () => {
        const tools = [
          {
            type: 'function' as const,
            function: { name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
          },
        ];
        const messages = [{ role: 'user' as const, content: 'Weather?' }];
        const first = await sdk.openai.chat.completions.create({ model: `tools-${kind}`, messages, tools });
        const call = first.choices[0]!.message.tool_calls![0]!;
        assert.ok(call.type === 'function');
        assert.equal(call.function.name, 'get_weather');
        assert.deepEqual(JSON.parse(call.function.arguments), { city: 'Paris' });
        assert.equal(first.choices[0]!.finish_reason, 'tool_calls');
        const second = await sdk.openai.chat.completions.create({
          model: `tools-${kind}`,
          tools,
          messages: [...messages, first.choices[0]!.message, { role: 'tool', tool_call_id: call.id, content: 'sunny' }],
        });
        assert.equal(second.choices[0]!.message.content, 'It is sunny in Paris.');
      });

      test('anthropic: streamed tools', async () => {
        const final = await sdk.anthropic.messages
          .stream({
            model: `tools-${kind}`,
            max_tokens: 500,
            messages: [{ role: 'user', content: 'Weather?' }],
            tools: [
              { name: 'get_weather', input_schema: { type: 'object', properties: { city: { type: 'string' } } } },
            ],
          })
          .finalMessage();
        const use = final.content.find((block) => block.type === 'tool_use');
        assert.ok(use?.type === 'tool_use');
        assert.deepEqual(use.input, { city: 'Paris' });
        assert.equal(final.stop_reason, 'tool_use');
      });

      test('ai: generateText and streamText over chat, responses and messages', async () => {
        for (const model of [
          sdk.aiOpenai.chat(`via-${kind}`),
          sdk.aiOpenai.responses(`via-${kind}`),
          sdk.aiAnthropic(`via-${kind}`),
        ]) {
          const { text } = await sdk.ai.generateText({ model, prompt: TEXT });
          assert.equal(text, TEXT);
          const streamed = sdk.ai.streamText({ model, prompt: TEXT });
          let out = '';
          for await (const piece of streamed.textStream) out += piece;
          assert.equal(out, TEXT);
          assert.equal(await streamed.finishReason, 'stop');
        }
      });

      test('a provider error reaches the client as its own kind of error, with one attempt', async () => {
        const seen = provider.stats().seen;
        const wrong = { model: `plain-${kind}`, messages: [{ role: 'user' as const, content: '[[lab fault=400]] x' }] };
        await assert.rejects(
          sdk.openai.chat.completions.create(wrong),
          (error: InstanceType<typeof sdk.OpenAI.APIError>) => {
            assert.equal(error.status, 400);
            return true;
          },
        );
        assert.equal(provider.stats().seen, seen + 1);
      });

      test('retry-after-ms of the provider is obeyed by the SDK', async () => {
        const seen = provider.stats().seen;
        const call = {
          model: `plain-${kind}`,
          messages: [{ role: 'user' as const, content: '[[lab fault=429@0.05]] x' }],
        };
        await assert.rejects(
          sdk.openai.chat.completions.create(call),
          (error: InstanceType<typeof sdk.OpenAI.APIError>) => {
            assert.equal(error.status, 429);
            return true;
          },
        );
        assert.equal(provider.stats().seen, seen + 3, 'three attempts by the SDK, one of ours each');
      });

      test('abort stops the provider', async () => {
        const controller = new AbortController();
        const stream = await sdk.openai.chat.completions.create(
          {
            model: `plain-${kind}`,
            stream: true,
            max_tokens: 4000,
            messages: [{ role: 'user', content: '[[lab output=4000]] x' }],
          },
          { signal: controller.signal },
        );
        for await (const _ of stream) controller.abort();
        await gate.until('the provider is told', () => lastSeen().aborted);
        assert.ok(lastSeen().outputTokensSent < 4000);
      });
    });
  }

  test('embeddings: base64 by default, floats and dimensions on request, token arrays', async () => {
    const byDefault = await sdk.openai.embeddings.create({ model: 'embed', input: ['a', 'b'] });
    assert.equal(byDefault.data.length, 2);
    const floats = await sdk.openai.embeddings.create({
      model: 'embed',
      input: 'a',
      encoding_format: 'float',
      dimensions: 8,
    });
    assert.equal(floats.data[0]!.embedding.length, 8);
    const tokens = await sdk.openai.embeddings.create({
      model: 'embed',
      input: [
        [1, 2, 3],
        [4, 5],
      ],
    });
    assert.equal(tokens.data.length, 2);
    const { embedding } = await sdk.ai.embed({ model: sdk.aiOpenai.embedding('embed'), value: 'a' });
    assert.ok(embedding.length > 0);
  });

  test('models and count_tokens', async () => {
    const names: string[] = [];
    for await (const model of sdk.openai.models.list()) names.push(model.id);
    assert.ok(names.includes('via-chat'));
    assert.equal((await sdk.openai.models.retrieve('via-chat')).id, 'via-chat');
    const listed = await sdk.anthropic.models.list();
    assert.ok(listed.data.length > 0);
    const counted = await sdk.anthropic.messages.countTokens({
      model: 'via-messages',
      messages: [{ role: 'user', content: 'hello there' }],
    });
    assert.ok(counted.input_tokens > 0);
  });

  test('a refusal of ours stops the SDK at once', async () => {
    const seen = provider.stats().seen;
    const error = await sdk.openai.chat.completions
      .create({ model: 'via-chot', messages: [{ role: 'user', content: 'x' }] })
      .catch((thrown) => thrown);
    assert.equal(error.status, 404);
    assert.equal(error.code, 'model_not_found');
    assert.match(error.message, /via-chat/);
    assert.equal(provider.stats().seen, seen);
  });

  test('every request that the provider saw is an attempt in the ledger', async () => {
    const calls = provider.log.filter(({ endpoint }) => endpoint !== 'models').length;
    await gate.until('all entries are in the store', async () => {
      const { calls: entries } = await gate.admin('GET', '/calls?limit=1000');
      return entries.flatMap((entry: { attempts: unknown[] }) => entry.attempts).length === calls;
    });
  });
});
