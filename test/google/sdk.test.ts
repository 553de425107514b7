import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type Anthropic from '@anthropic-ai/sdk';
import type OpenAI from 'openai';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { loadSdks, sdksSkip } from '../harness/sdks.ts';

/** Text with letters of one to four bytes, a joined emoji and a line end: whatever is torn shows. */
const TEXT = 'naïve 中文 👩‍👩‍👧 “quoted” \\ slash\nnext line — done';
const PNG = 'iVBORw0KGgo=';

/** The provider as one that speaks a single dialect, so that the client meets each. */
const KINDS = ['google', 'chat', 'responses', 'messages'] as const;
const each = (line: (kind: string) => string): string => KINDS.map(line).join('\n');

const config = (url: string): string => `
providers:
${each((kind) => `  ${kind}: { kind: lab-${kind}, baseUrl: "${url}/v1" }`)}
  all: { kind: lab, baseUrl: "${url}/v1" }
models:
${each((kind) => `  via-${kind}: { deployments: [{ provider: ${kind}, model: lab-echo }] }`)}
${each((kind) => `  tools-${kind}: { deployments: [{ provider: ${kind}, model: "lab-script:weather" }] }`)}
${each((kind) => `  parallel-${kind}: { deployments: [{ provider: ${kind}, model: "lab-script:parallel" }] }`)}
${each((kind) => `  plain-${kind}: { deployments: [{ provider: ${kind}, model: lab-small }] }`)}
  blocked: { deployments: [{ provider: google, model: "lab-recorded:blocked-prompt" }] }
  signed-google: { deployments: [{ provider: google, model: "signed/lab-script:weather" }] }
  embed-google: { deployments: [{ provider: google, model: lab-embed }] }
  embed-chat: { deployments: [{ provider: all, model: lab-embed }] }
prices:
  - { provider: "*", model: "*", perMillion: { input: "1", output: "2", cachedRead: "0.1", cacheWrite: "1.25", cacheWrite1h: "2" } }
`;

const WEATHER = {
  name: 'get_weather',
  description: 'The weather of a city.',
  parameters: { type: 'OBJECT', properties: { city: { type: 'STRING' } }, required: ['city'] },
};
const TOOLS = [{ functionDeclarations: [WEATHER] }];

let provider: Provider;
let gate: GateProcess;
let genai: any;
let ai: any;
let vercel: { ai: any; create: any };
let others: { openai: OpenAI; anthropic: Anthropic };
const lastSeen = () => provider.log.at(-1)!;
const rejection = (promise: Promise<unknown>): Promise<any> =>
  promise.then(
    () => assert.fail('no error'),
    (thrown) => thrown,
  );

describe("Google's SDK through Headgate", { skip: sdksSkip }, () => {
  before(async () => {
    provider = await startProvider({ seed: 20261125 });
    gate = await startGate({ config: config(provider.url) });
    const sdks = await loadSdks();
    genai = sdks.genai;
    vercel = { ai: sdks.ai, create: sdks.createGoogle };
    others = {
      openai: new sdks.OpenAI({ apiKey: gate.key, baseURL: `${gate.url}/v1` }),
      anthropic: new sdks.Anthropic({ apiKey: gate.key, baseURL: gate.url }),
    };
    ai = new genai.GoogleGenAI({ apiKey: gate.key, httpOptions: { baseUrl: gate.url } });
  });
  after(async () => {
    await gate?.stop();
    await provider?.close();
  });

  for (const kind of KINDS) {
    describe(`provider that speaks ${kind}`, () => {
      test('unary and streamed, text byte for byte, with usage', async () => {
        const unary = await ai.models.generateContent({ model: `via-${kind}`, contents: TEXT });
        assert.equal(unary.text, TEXT);
        assert.equal(unary.candidates[0].finishReason, 'STOP');
        const stream = await ai.models.generateContentStream({ model: `via-${kind}`, contents: TEXT });
        let [text, last]: [string, any] = ['', null];
        for await (const chunk of stream) {
          text += chunk.text ?? '';
          last = chunk;
        }
        assert.equal(text, TEXT);
        assert.equal(last.candidates[0].finishReason, 'STOP');
        assert.equal(last.usageMetadata.candidatesTokenCount, lastSeen().outputTokensSent);
        assert.ok(last.usageMetadata.promptTokenCount > 0);
      });

      test('system instruction, sampling and an image', async () => {
        const answer = await ai.models.generateContent({
          model: `via-${kind}`,
          contents: [{ role: 'user', parts: [{ text: TEXT }, { inlineData: { mimeType: 'image/png', data: PNG } }] }],
          config: { systemInstruction: 'Be brief.', temperature: 0.5, topP: 0.9, maxOutputTokens: 500 },
        });
        assert.equal(answer.text, TEXT);
      });

      test('a tool is called, its result is sent back, unary', async () => {
        const question = { role: 'user', parts: [{ text: 'Weather?' }] };
        const asked = { model: `tools-${kind}`, config: { tools: TOOLS } };
        const first = await ai.models.generateContent({ ...asked, contents: [question] });
        const [call] = first.functionCalls;
        assert.equal(call.name, 'get_weather');
        assert.deepEqual(call.args, { city: 'Paris' });
        const result = { functionResponse: { id: call.id, name: call.name, response: { output: 'sunny' } } };
        const second = await ai.models.generateContent({
          ...asked,
          contents: [question, first.candidates[0].content, { role: 'user', parts: [result] }],
        });
        assert.equal(second.text, 'It is sunny in Paris.');
      });

      test('tools in a streamed chat, whose history the SDK keeps', async () => {
        const chat = ai.chats.create({ model: `parallel-${kind}`, config: { tools: TOOLS } });
        const calls: any[] = [];
        for await (const chunk of await chat.sendMessageStream({ message: 'Weather?' }))
          calls.push(...(chunk.functionCalls ?? []));
        assert.deepEqual(
          calls.map(({ args }) => args),
          [{ city: 'Paris' }, { city: 'Zürich' }],
        );
        const message = calls.map(({ id, name }) => ({ functionResponse: { id, name, response: { output: 'fine' } } }));
        let text = '';
        for await (const chunk of await chat.sendMessageStream({ message })) text += chunk.text ?? '';
        assert.equal(text, 'Both are fine.');
      });

      test('a tool is forced', async () => {
        const answer = await ai.models.generateContent({
          model: `plain-${kind}`,
          contents: 'x',
          config: {
            tools: TOOLS,
            toolConfig: { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['get_weather'] } },
          },
        });
        assert.equal(answer.functionCalls[0].name, 'get_weather');
        assert.equal(typeof answer.functionCalls[0].args.city, 'string');
      });

      test('JSON by a schema, in both of its forms', async () => {
        const asked = { model: `plain-${kind}`, contents: 'x' };
        const own = { type: 'OBJECT', properties: { city: { type: 'STRING' } }, required: ['city'] };
        const json = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
        for (const schema of [{ responseSchema: own }, { responseJsonSchema: json }]) {
          const config = { responseMimeType: 'application/json', ...schema };
          const answer = await ai.models.generateContent({ ...asked, config });
          assert.equal(typeof JSON.parse(answer.text).city, 'string');
        }
      });

      test('thoughts come as thoughts and go back with the history', async () => {
        const config = { thinkingConfig: { includeThoughts: true, thinkingBudget: 2048 }, maxOutputTokens: 4096 };
        const question = { role: 'user', parts: [{ text: `[[lab echo think=6]]${TEXT}` }] };
        const first = await ai.models.generateContent({ model: `via-${kind}`, contents: [question], config });
        const thoughts = first.candidates[0].content.parts.filter((part: any) => part.thought);
        // OpenAI's chat bills thoughts and shows none.
        const shown = kind !== 'chat';
        assert.equal(thoughts[0]?.text.startsWith('Weigh') ?? false, shown);
        assert.equal(first.text, TEXT);
        const more = { role: 'user', parts: [{ text: TEXT }] };
        const contents = [question, first.candidates[0].content, more];
        const second = await ai.models.generateContent({ model: `via-${kind}`, contents, config });
        assert.equal(second.text, TEXT);
        const said: string[] = [];
        for await (const chunk of await ai.models.generateContentStream({
          model: `via-${kind}`,
          contents: [question],
          config,
        }))
          for (const part of chunk.candidates[0].content.parts) if (part.thought) said.push(part.text);
        assert.equal(said.join('').startsWith('Weigh'), shown);
      });

      test("a provider's refusal is an ApiError with its status, after one attempt", async () => {
        const seen = provider.stats().seen;
        const error = await rejection(
          ai.models.generateContent({ model: `plain-${kind}`, contents: '[[lab fault=400]] x' }),
        );
        assert.ok(error instanceof genai.ApiError);
        assert.equal(error.status, 400);
        assert.equal(JSON.parse(error.message).error.status, 'INVALID_ARGUMENT');
        assert.equal(provider.stats().seen, seen + 1);
      });

      test('a rate limit says in the body how long to wait', async () => {
        const asked = { model: `plain-${kind}`, contents: '[[lab fault=429@7]] x' };
        const error = await rejection(ai.models.generateContent(asked));
        assert.equal(error.status, 429);
        const { details, status } = JSON.parse(error.message).error;
        assert.equal(status, 'RESOURCE_EXHAUSTED');
        assert.equal(details.find((one: any) => one.retryDelay).retryDelay, '7s');
      });

      test('an error inside a stream is an ApiError, and a cut one is no whole answer', async () => {
        const run = async (fault: string): Promise<void> => {
          const contents = `[[lab output=40 fault=${fault}]] x`;
          for await (const _ of await ai.models.generateContentStream({ model: `plain-${kind}`, contents }));
        };
        const told = await rejection(run('error-event@9'));
        assert.ok(told instanceof genai.ApiError, String(told));
        assert.ok(told.status >= 500);
        await rejection(run('cut@9'));
        await rejection(run('clean-end@9'));
      });

      test('abort stops the provider', async () => {
        const controller = new AbortController();
        const config = { abortSignal: controller.signal, maxOutputTokens: 4000 };
        const contents = '[[lab output=4000]] x';
        const stream = await ai.models.generateContentStream({ model: `plain-${kind}`, contents, config });
        await rejection(
          (async () => {
            for await (const _ of stream) controller.abort();
          })(),
        );
        await gate.until('the provider is told', () => lastSeen().aborted);
        assert.ok(lastSeen().outputTokensSent < 4000);
      });
    });
  }

  test('tools of a Gemini model in whole tasks of the other SDKs, whose signatures they keep', async () => {
    const schema = { type: 'object' as const, properties: { city: { type: 'string' } } };
    const question = { role: 'user' as const, content: 'Weather?' };
    const anthropic = {
      model: 'signed-google',
      max_tokens: 500,
      tools: [{ name: 'get_weather', input_schema: schema }],
    };
    const first = await others.anthropic.messages.stream({ ...anthropic, messages: [question] }).finalMessage();
    const thought = first.content.find((block) => block.type === 'thinking');
    assert.match(thought?.type === 'thinking' ? thought.signature : '', /^google:/);
    const use = first.content.find((block) => block.type === 'tool_use')!;
    const result = { type: 'tool_result' as const, tool_use_id: (use as { id: string }).id, content: 'sunny' };
    const second = await others.anthropic.messages.create({
      ...anthropic,
      messages: [question, { role: 'assistant', content: first.content }, { role: 'user', content: [result] }],
    });
    assert.deepEqual(
      second.content.map((block) => (block.type === 'text' ? block.text : block.type)),
      ['It is sunny in Paris.'],
    );
    const tools = [{ type: 'function' as const, function: { name: 'get_weather', parameters: schema } }];
    const run = others.openai.chat.completions.stream({ model: 'signed-google', messages: [question], tools });
    const { message } = (await run.finalChatCompletion()).choices[0]!;
    assert.match(JSON.stringify(message.tool_calls), /thought_signature/);
    const answer = await others.openai.chat.completions.create({
      ...{ model: 'signed-google', tools },
      messages: [question, message, { role: 'tool', tool_call_id: message.tool_calls![0]!.id, content: 'sunny' }],
    });
    assert.equal(answer.choices[0]!.message.content, 'It is sunny in Paris.');
  });

  test("Vercel's Google provider: text, stream, a tool in a loop, an object, an embedding", async () => {
    const google = vercel.create({ apiKey: gate.key, baseURL: `${gate.url}/v1beta` });
    for (const kind of KINDS) {
      const model = google(`via-${kind}`);
      assert.equal((await vercel.ai.generateText({ model, prompt: TEXT })).text, TEXT);
      let text = '';
      for await (const piece of vercel.ai.streamText({ model, prompt: TEXT }).textStream) text += piece;
      assert.equal(text, TEXT);
      const inputSchema = vercel.ai.jsonSchema({ type: 'object', properties: { city: { type: 'string' } } });
      const looped = await vercel.ai.generateText({
        model: google(`tools-${kind}`),
        prompt: 'Weather?',
        tools: { get_weather: vercel.ai.tool({ inputSchema, execute: () => Promise.resolve('sunny') }) },
        stopWhen: vercel.ai.stepCountIs(3),
      });
      assert.match(looped.text, /sunny/);
    }
    const value = 'a';
    const { embedding } = await vercel.ai.embed({ model: google.embedding('embed-google'), value });
    assert.ok(embedding.length > 0);
  });

  test('countTokens, by Google and by another dialect', async () => {
    for (const kind of ['google', 'messages']) {
      const { totalTokens } = await ai.models.countTokens({ model: `via-${kind}`, contents: 'hello there' });
      assert.ok(totalTokens > 0, kind);
    }
  });

  test('embeddings, one and many, by Google and by another dialect', async () => {
    for (const model of ['embed-google', 'embed-chat']) {
      const one = await ai.models.embedContent({ model, contents: 'a', config: { outputDimensionality: 8 } });
      assert.equal(one.embeddings[0].values.length, 8);
      const many = await ai.models.embedContent({ model, contents: ['a', 'b', 'c'] });
      assert.equal(many.embeddings.length, 3);
      assert.notDeepEqual(many.embeddings[0].values, many.embeddings[1].values);
    }
  });

  test('a blocked prompt is told as one', async () => {
    const answer = await ai.models.generateContent({ model: 'blocked', contents: 'x' });
    assert.equal(answer.promptFeedback.blockReason, 'PROHIBITED_CONTENT');
    for await (const chunk of await ai.models.generateContentStream({ model: 'blocked', contents: 'x' }))
      assert.equal(chunk.promptFeedback.blockReason, 'PROHIBITED_CONTENT');
  });

  test('models: all in pages, and one by its name', async () => {
    const names: string[] = [];
    for await (const model of await ai.models.list({ config: { pageSize: 3 } })) names.push(model.name);
    assert.ok(names.includes('models/via-google') && names.includes('models/embed-chat'));
    assert.equal(new Set(names).size, names.length);
    assert.equal((await ai.models.get({ model: 'via-google' })).name, 'models/via-google');
    assert.equal((await rejection(ai.models.get({ model: 'none' }))).status, 404);
  });

  test('the express mode of Vertex AI, by its own paths', async () => {
    const vertex = new genai.GoogleGenAI({ vertexai: true, apiKey: gate.key, httpOptions: { baseUrl: gate.url } });
    assert.equal((await vertex.models.generateContent({ model: 'via-google', contents: TEXT })).text, TEXT);
    let text = '';
    for await (const chunk of await vertex.models.generateContentStream({ model: 'via-messages', contents: TEXT }))
      text += chunk.text ?? '';
    assert.equal(text, TEXT);
  });

  test('our own refusals are ApiErrors: a wrong key, a model that is not there', async () => {
    const stranger = new genai.GoogleGenAI({ apiKey: 'hg_wrong', httpOptions: { baseUrl: gate.url } });
    const wrong = await rejection(stranger.models.generateContent({ model: 'via-google', contents: 'x' }));
    assert.equal(wrong.status, 401);
    assert.equal(JSON.parse(wrong.message).error.status, 'UNAUTHENTICATED');
    const seen = provider.stats().seen;
    const error = await rejection(ai.models.generateContent({ model: 'via-gogle', contents: 'x' }));
    assert.equal(error.status, 404);
    assert.match(error.message, /via-google/);
    assert.equal(provider.stats().seen, seen);
  });

  test('every request that the provider saw is an attempt in the ledger', async () => {
    await gate.until('all entries are in the store', async () => {
      const { calls: entries } = await gate.admin('GET', '/calls?limit=1000');
      return entries.flatMap((entry: { attempts: unknown[] }) => entry.attempts).length === provider.log.length;
    });
  });
});
