import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { loadPlatform, platformsSkip } from '../harness/platforms.ts';
import { loadSdks, sdksSkip } from '../harness/sdks.ts';

const ACCOUNT = {
  accessKeyId: 'AKIDHEADGATELAB00001',
  secretAccessKey: 'lab/secret+of/the+signature/judge/0001',
  sessionToken: 'session+token/of+the/lab==',
  region: 'us-west-2',
};

const config = (url: string): string => `
providers:
  nova:
    kind: bedrock
    baseUrl: "${url}"
    region: us-west-2
    accessKeyId: "\${env:LAB_KEY_ID}"
    secretAccessKey: "\${env:LAB_SECRET}"
    sessionToken: "\${env:LAB_SESSION}"
models:
  nova: { deployments: [{ provider: nova, model: "us.amazon.nova-pro-v1:0" }] }
  claude: { deployments: [{ provider: nova, model: "us.anthropic.claude-opus-4-5-20251101-v1:0" }] }
${['text', 'tool-use', 'reasoning', 'guardrail'].map((name) => `  r-${name}: { deployments: [{ provider: nova, model: "lab-recorded:${name}" }] }`).join('\n')}
prices:
  - { provider: "*", model: "*", perMillion: { input: "3", output: "15", cachedRead: "0.3", cacheWrite: "3.75", cacheWrite1h: "6" } }
retry: { attempts: 2, backoff: 0ms }
`;

let lab: Provider;
let gate: GateProcess;
let sdk: Awaited<ReturnType<typeof clients>>;

async function clients() {
  const { OpenAI, Anthropic } = await loadSdks();
  return {
    openai: new OpenAI({ apiKey: gate.key, baseURL: `${gate.url}/v1`, maxRetries: 0 }),
    anthropic: new Anthropic({ apiKey: gate.key, baseURL: gate.url, maxRetries: 0 }),
  };
}
const said = (content: string) => [{ role: 'user' as const, content }];
const lastSeen = () => lab.log.at(-1)!;
const TOOL = { type: 'object' as const, properties: { city: { type: 'string' } } };

describe('Converse as an upstream', { skip: platformsSkip || sdksSkip }, () => {
  before(async () => {
    lab = await startProvider({ seed: 11, clouds: { aws: [ACCOUNT] } });
    const { accessKeyId, secretAccessKey, sessionToken } = ACCOUNT;
    const env = { LAB_KEY_ID: accessKeyId, LAB_SECRET: secretAccessKey, LAB_SESSION: sessionToken };
    gate = await startGate({ config: config(lab.url), env });
    sdk = await clients();
  });
  after(async () => {
    await gate?.stop();
    await lab?.close();
  });

  test('a Chat client, unary and streamed', async () => {
    const ask = { model: 'nova', messages: said('[[lab echo]]Grüße, 世界'), max_tokens: 100 };
    const unary = await sdk.openai.chat.completions.create(ask);
    assert.deepEqual([unary.choices[0]!.message.content, unary.choices[0]!.finish_reason], ['Grüße, 世界', 'stop']);
    assert.equal(lastSeen().path, '/model/us.amazon.nova-pro-v1%3A0/converse');
    const stream = await sdk.openai.chat.completions.create({
      ...{ ...ask, stream: true as const },
      stream_options: { include_usage: true },
    });
    let text = '';
    let usage: { prompt_tokens: number; completion_tokens: number } | null = null;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? '';
      usage = chunk.usage ?? usage;
    }
    assert.equal(text, 'Grüße, 世界');
    assert.equal(lastSeen().path, '/model/us.amazon.nova-pro-v1%3A0/converse-stream');
    assert.deepEqual(
      [usage!.prompt_tokens, usage!.completion_tokens],
      [lastSeen().usageSent!.input, lastSeen().usageSent!.output],
    );
  });

  test('a Responses client, streamed', async () => {
    const stream = sdk.openai.responses.stream({ model: 'nova', input: '[[lab echo]]one by one' });
    assert.equal((await stream.finalResponse()).output_text, 'one by one');
  });

  test('a Messages client: thinking is signed, sent back and accepted', async () => {
    const thinking = { type: 'enabled' as const, budget_tokens: 1_024 };
    const ask = { model: 'claude', max_tokens: 4_096, thinking };
    const messages = said('[[lab output=12 think=8]]why?');
    const first = await sdk.anthropic.messages.stream({ ...ask, messages }).finalMessage();
    assert.deepEqual(
      first.content.map(({ type }) => type),
      ['thinking', 'text'],
    );
    const again = [...messages, { role: 'assistant' as const, content: first.content }, ...said('[[lab echo]]more')];
    const second = await sdk.anthropic.messages.create({ ...ask, messages: again });
    assert.equal((second.content.at(-1) as { text: string }).text, 'more');
  });

  test('tools are called, and their results are read', async () => {
    const tools = [{ name: 'weather', description: 'the weather', input_schema: TOOL }];
    const messages = said('[[lab tools=1 tool=weather]]weather in Köln');
    const called = await sdk.anthropic.messages.create({ model: 'claude', max_tokens: 500, tools, messages });
    assert.equal(called.stop_reason, 'tool_use');
    const use = called.content.find((block) => block.type === 'tool_use')!;
    assert.equal(use.name, 'weather');
    const result = { type: 'tool_result' as const, tool_use_id: use.id, content: 'rain' };
    const next = await sdk.anthropic.messages.create({
      ...{ model: 'claude', max_tokens: 500, tools },
      messages: [
        ...messages,
        { role: 'assistant', content: called.content },
        { role: 'user', content: [result, { type: 'text', text: '[[lab echo]]so it rains' }] },
      ],
    });
    assert.equal((next.content.at(-1) as { text: string }).text, 'so it rains');
  });

  test('marks of what may be cached become cache points, and the bill knows reads and writes', async () => {
    const system = [
      { type: 'text' as const, text: 'rule '.repeat(2_000), cache_control: { type: 'ephemeral' as const } },
    ];
    const ask = { model: 'claude', max_tokens: 50, system, messages: said('[[lab echo]]x') };
    const first = await sdk.anthropic.messages.create(ask);
    const second = await sdk.anthropic.messages.create(ask);
    assert.ok(first.usage.cache_creation_input_tokens! > 1_000);
    assert.equal(second.usage.cache_read_input_tokens, lastSeen().usageSent!.cachedRead);
    assert.ok(second.usage.cache_read_input_tokens! > 1_000);
  });

  for (const name of ['text', 'tool-use', 'reasoning', 'guardrail']) {
    test(`the recorded exchange \`${name}\`: a stream is put together to what the unary answer says`, async () => {
      const ask = { model: `r-${name}`, max_tokens: 50, messages: said('x') };
      const unary = await sdk.anthropic.messages.create(ask);
      const streamed = await sdk.anthropic.messages.stream(ask).finalMessage();
      const bare = ({ content, stop_reason, usage }: typeof unary) =>
        JSON.parse(
          JSON.stringify([
            content.map(({ ...block }) => ({ ...block, citations: null })),
            stop_reason,
            usage.output_tokens,
          ]),
        );
      assert.deepEqual(bare(streamed), bare(unary));
      const { input_tokens, cache_read_input_tokens, cache_creation_input_tokens } = unary.usage;
      assert.deepEqual([input_tokens, cache_read_input_tokens, cache_creation_input_tokens], [21, 1_500, 3_000]);
      if (name === 'guardrail') assert.equal(unary.stop_reason, 'refusal');
    });
  }

  test('an error of Bedrock is told in the client’s own words', async () => {
    const fails = sdk.anthropic.messages.create({ model: 'nova', max_tokens: 5, messages: said('[[lab fault=429]]') });
    await assert.rejects(fails, (error: any) => error.status === 429 && error.error.error.type === 'rate_limit_error');
    const denied = sdk.openai.chat.completions.create({ model: 'nova', messages: said('[[lab fault=403]]') });
    await assert.rejects(denied, (error: any) => error.status === 403 && /access to the model/.test(error.message));
  });

  test('AWS’s own client reads what the lab says: the judge of the simulation', async () => {
    const { BedrockRuntimeClient, ConverseCommand, ConverseStreamCommand } = await loadPlatform(
      '@aws-sdk/client-bedrock-runtime',
    );
    const { NodeHttpHandler } = await loadPlatform('@smithy/node-http-handler');
    const client = new BedrockRuntimeClient({
      ...{ region: ACCOUNT.region, endpoint: lab.url, credentials: ACCOUNT, maxAttempts: 1 },
      // Its default speaks HTTP/2 alone.
      requestHandler: new NodeHttpHandler(),
    });
    const messages = [{ role: 'user', content: [{ text: '[[lab echo]]judged' }] }];
    const whole = await client.send(new ConverseCommand({ modelId: 'amazon.nova-lite-v1:0', messages }));
    assert.deepEqual(whole.output.message.content, [{ text: 'judged' }]);
    const { stream } = await client.send(new ConverseStreamCommand({ modelId: 'amazon.nova-lite-v1:0', messages }));
    let text = '';
    for await (const event of stream) text += event.contentBlockDelta?.delta.text ?? '';
    assert.equal(text, 'judged');
    const fails = client.send(
      new ConverseCommand({ modelId: 'x', messages: [{ role: 'user', content: [{ text: '[[lab fault=400]]' }] }] }),
    );
    await assert.rejects(fails, (error: any) => error.name === 'ValidationException');
  });
});
