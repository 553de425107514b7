import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { loadPlatform, platformsSkip } from '../harness/platforms.ts';

const ACCOUNT = {
  accessKeyId: 'AKIDHEADGATELAB00001',
  secretAccessKey: 'lab/secret+of/the+signature/judge/0001',
  sessionToken: null,
  region: 'us-east-1',
};

const config = (url: string): string => `
providers:
  chat: { kind: lab-chat, baseUrl: "${url}/v1" }
  messages: { kind: lab-messages, baseUrl: "${url}/v1" }
  bedrock: { region: us-east-1, baseUrl: "${url}", accessKeyId: "\${env:LAB_ID}", secretAccessKey: "\${env:LAB_SECRET}" }
  invoke: { kind: bedrock-claude, region: us-east-1, baseUrl: "${url}", accessKeyId: "\${env:LAB_ID}", secretAccessKey: "\${env:LAB_SECRET}" }
models:
  by-chat: { deployments: [{ provider: chat, model: lab-echo }] }
  by-messages: { deployments: [{ provider: messages, model: lab-echo }] }
  by-bedrock: { deployments: [{ provider: bedrock, model: lab-echo }] }
  by-invoke: { deployments: [{ provider: invoke, model: lab-echo }] }
  plain: { deployments: [{ provider: messages, model: lab-small }] }
  "arn:aws:bedrock:us-east-1:1:inference-profile/team": { deployments: [{ provider: bedrock, model: lab-echo }] }
prices: [{ provider: "*", model: "*", perMillion: { input: "3", output: "15", cachedRead: "0.3", cacheWrite: "3", cacheWrite1h: "6" } }]
retry: { attempts: 1, backoff: 0ms }
`;

let lab: Provider;
let gate: GateProcess;
let aws: any;
let client: any;

const TEXT = 'Grüße, 世界: “one” \\ two\nthree';
const said = (text: string) => [{ role: 'user', content: [{ text }] }];
const lastSeen = () => lab.log.at(-1)!;
const claude = (text: string, more: object = {}) =>
  Buffer.from(
    JSON.stringify({
      ...{ anthropic_version: 'bedrock-2023-05-31', max_tokens: 100, messages: [{ role: 'user', content: text }] },
      ...more,
    }),
  );

async function clientWith(key: string): Promise<any> {
  const { NodeHttpHandler } = await loadPlatform('@smithy/node-http-handler');
  return new aws.BedrockRuntimeClient({
    ...{ region: 'us-east-1', endpoint: gate.url, maxAttempts: 1 },
    ...{ token: { token: key }, authSchemePreference: ['httpBearerAuth'] },
    // Its default speaks HTTP/2 alone.
    requestHandler: new NodeHttpHandler(),
  });
}

describe('AWS’s own client through Headgate', { skip: platformsSkip }, () => {
  before(async () => {
    lab = await startProvider({ seed: 13, clouds: { aws: [ACCOUNT] } });
    const env = { LAB_ID: ACCOUNT.accessKeyId, LAB_SECRET: ACCOUNT.secretAccessKey };
    gate = await startGate({ config: config(lab.url), env });
    aws = await loadPlatform('@aws-sdk/client-bedrock-runtime');
    client = await clientWith(gate.key);
  });
  after(async () => {
    client?.destroy();
    await gate?.stop();
    await lab?.close();
  });

  for (const modelId of ['by-chat', 'by-messages', 'by-bedrock', 'by-invoke']) {
    test(`Converse and ConverseStream, ${modelId}: text byte for byte, usage as billed`, async () => {
      const whole = await client.send(new aws.ConverseCommand({ modelId, messages: said(TEXT) }));
      assert.deepEqual(whole.output.message, { role: 'assistant', content: [{ text: TEXT }] });
      assert.deepEqual([whole.stopReason, whole.usage.outputTokens], ['end_turn', lastSeen().usageSent!.output]);
      const { stream } = await client.send(new aws.ConverseStreamCommand({ modelId, messages: said(TEXT) }));
      const events: any[] = [];
      for await (const event of stream) events.push(event);
      assert.equal(events.map((event) => event.contentBlockDelta?.delta.text ?? '').join(''), TEXT);
      assert.deepEqual([events[0].messageStart.role, events.at(-2).messageStop.stopReason], ['assistant', 'end_turn']);
      assert.equal(events.at(-1).metadata.usage.inputTokens, lastSeen().usageSent!.input);
    });
  }

  for (const modelId of ['by-messages', 'by-invoke', 'by-bedrock']) {
    test(`InvokeModel with and without a stream, ${modelId}`, async () => {
      const ask = { modelId, contentType: 'application/json', body: claude(TEXT) };
      const whole = await client.send(new aws.InvokeModelCommand(ask));
      const answer = JSON.parse(Buffer.from(whole.body).toString());
      assert.equal(answer.content[0].text, TEXT);
      const { body } = await client.send(new aws.InvokeModelWithResponseStreamCommand(ask));
      let text = '';
      for await (const { chunk } of body) {
        const event = JSON.parse(Buffer.from(chunk.bytes).toString());
        text += event.delta?.text ?? '';
      }
      assert.equal(text, TEXT);
    });
  }

  test('betas of the body reach an API that takes them as a header', async () => {
    const body = claude('x', { anthropic_beta: ['context-1m-2025-08-07', 'effort-2025-11-24'] });
    await client.send(new aws.InvokeModelCommand({ modelId: 'by-messages', body }));
    assert.equal(lastSeen().headers['anthropic-beta'], 'context-1m-2025-08-07,effort-2025-11-24');
  });

  test('a model that is an ARN, with tools and a system prompt', async () => {
    const modelId = 'arn:aws:bedrock:us-east-1:1:inference-profile/team';
    const tool = { toolSpec: { name: 'look', inputSchema: { json: { type: 'object', properties: {} } } } };
    const ask = { modelId, system: [{ text: 'be brief' }], toolConfig: { tools: [tool] } };
    const answer = await client.send(new aws.ConverseCommand({ ...ask, messages: said('[[lab tools=1 tool=look]]x') }));
    assert.equal(answer.stopReason, 'tool_use');
    assert.ok(answer.output.message.content.some((block: any) => block.toolUse?.name === 'look'));
  });

  test('Anthropic’s Bedrock client with a key of ours', async () => {
    const { AnthropicBedrock } = await loadPlatform('@anthropic-ai/bedrock-sdk');
    const anthropic = new AnthropicBedrock({ baseURL: gate.url, apiKey: gate.key, awsRegion: 'us-east-1' });
    const messages = [{ role: 'user', content: TEXT }];
    const ask = { model: 'by-messages', max_tokens: 100, messages };
    assert.equal((await anthropic.messages.create(ask)).content[0].text, TEXT);
    assert.equal((await anthropic.messages.stream(ask).finalMessage()).content[0].text, TEXT);
  });

  test('refusals of ours are exceptions that the client knows', async () => {
    const fails = (modelId: string, messages: unknown, by = client) =>
      by.send(new aws.ConverseCommand({ modelId, messages }));
    await assert.rejects(fails('nobody', said('x')), (error: any) => error.name === 'ResourceNotFoundException');
    await assert.rejects(fails('by-chat', said('x'), await clientWith('hg_wrong')), {
      name: 'AccessDeniedException',
    });
    const audio = [{ role: 'user', content: [{ video: { format: 'mp4', source: { bytes: Buffer.from('x') } } }] }];
    await assert.rejects(fails('by-chat', audio), (error: any) => error.name === 'ValidationException');
    await assert.rejects(fails('by-messages', said('[[lab fault=429]]')), { name: 'ThrottlingException' });
    await assert.rejects(fails('by-bedrock', said('[[lab fault=424]]')), { name: 'ModelErrorException' });
  });

  test('a failure in mid-stream is an exception of the stream', async () => {
    const ask = { modelId: 'plain', messages: said('[[lab output=40 fault=pause@8:150,error-event@14]]') };
    const { stream } = await client.send(new aws.ConverseStreamCommand(ask));
    let deltas = 0;
    await assert.rejects(
      async () => {
        for await (const event of stream) deltas += event.contentBlockDelta ? 1 : 0;
      },
      { name: 'ServiceUnavailableException' },
    );
    assert.ok(deltas > 0);
  });
});
