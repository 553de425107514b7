import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { loadPlatform, platformsSkip } from '../harness/platforms.ts';

const ACCOUNT = {
  accessKeyId: 'AKIDHEADGATELAB00001',
  secretAccessKey: 'lab/secret+of/the+signature/judge/0001',
  sessionToken: null,
  region: 'eu-central-1',
};
const MODEL = 'eu.anthropic.claude-sonnet-4-5-20250929-v1:0';
const ARN = 'arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/lab-echo';

const config = (url: string): string => `
providers:
  signed:
    kind: bedrock-claude
    baseUrl: "${url}"
    region: eu-central-1
    accessKeyId: "\${env:LAB_KEY_ID}"
    secretAccessKey: "\${env:LAB_SECRET}"
  stranger:
    kind: bedrock-claude
    baseUrl: "${url}"
    region: eu-central-1
    accessKeyId: "\${env:LAB_KEY_ID}"
    secretAccessKey: "\${env:LAB_OTHER_SECRET}"
  keyed: { kind: bedrock-claude, baseUrl: "${url}", region: eu-central-1, apiKey: "\${env:LAB_BEDROCK_KEY}", betas: [brand-new-2026-01-01] }
  mantle: { kind: bedrock-messages, baseUrl: "${url}", region: eu-central-1, accessKeyId: "\${env:LAB_KEY_ID}", secretAccessKey: "\${env:LAB_SECRET}" }
  open: { kind: bedrock-openai, baseUrl: "${url}", region: eu-central-1, accessKeyId: "\${env:LAB_KEY_ID}", secretAccessKey: "\${env:LAB_SECRET}" }
models:
  mantle: { deployments: [{ provider: mantle, model: anthropic.claude-sonnet-5 }] }
  open: { deployments: [{ provider: open, model: openai.gpt-oss-120b }] }
  claude: { deployments: [{ provider: signed, model: "${MODEL}" }] }
  profile: { deployments: [{ provider: signed, model: "${ARN}" }] }
  keyed: { deployments: [{ provider: keyed, model: "${MODEL}" }] }
  stranger: { deployments: [{ provider: stranger, model: "${MODEL}" }] }
prices:
  - { provider: "*", model: "*", perMillion: { input: "3", output: "15", cachedRead: "0.3", cacheWrite: "3.75", cacheWrite1h: "6" } }
retry: { attempts: 2, backoff: 0ms }
`;

let lab: Provider;
let gate: GateProcess;

const post = (body: object, headers: Record<string, string> = {}, path = '/v1/messages'): Promise<Response> =>
  fetch(gate.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${gate.key}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
const ask = (model: string, text: string, more: object = {}) => ({
  model,
  max_tokens: 200,
  messages: [{ role: 'user', content: text }],
  ...more,
});
const lastSeen = () => lab.log.at(-1)!;

describe('Claude on Bedrock by InvokeModel', { skip: platformsSkip }, () => {
  before(async () => {
    const tokens = new Map([['bedrock-key-of-the-lab', { expiresMs: Infinity }]]);
    lab = await startProvider({ seed: 7, clouds: { aws: [ACCOUNT], tokens } });
    gate = await startGate({
      config: config(lab.url),
      env: {
        LAB_KEY_ID: ACCOUNT.accessKeyId,
        LAB_SECRET: ACCOUNT.secretAccessKey,
        LAB_OTHER_SECRET: 'not/the/secret/that/the/lab/knows/00000',
        LAB_BEDROCK_KEY: 'bedrock-key-of-the-lab',
      },
    });
  });
  after(async () => {
    await gate?.stop();
    await lab?.close();
  });

  test('a unary call is signed, its model stands in the path, its bytes are Bedrock’s', async () => {
    const response = await post(ask('claude', '[[lab echo]]Grüße, 世界', { stream: false }));
    const answer = (await response.json()) as any;
    assert.equal(response.status, 200, JSON.stringify(answer));
    assert.equal(answer.content[0].text, 'Grüße, 世界');
    assert.equal(lastSeen().path, `/model/${encodeURIComponent(MODEL)}/invoke`);
    assert.equal(lastSeen().headers['anthropic-version'], undefined);
  });

  test('an ARN with colons and slashes is one segment of the path, signed as AWS signs it', async () => {
    const response = await post(ask('profile', 'slashes'), {}, '/v1/messages?beta=true');
    assert.equal(((await response.json()) as any).content[0].text, 'slashes');
    assert.equal(lastSeen().path, `/model/${encodeURIComponent(ARN)}/invoke`);
  });

  test('a stream of binary frames reaches the client as the events of the Messages API', async () => {
    const response = await post(ask('claude', '[[lab echo fault=split@5]]streamed in frames', { stream: true }));
    assert.match(response.headers.get('content-type')!, /text\/event-stream/);
    const events = (await response.text())
      .split('\n\n')
      .filter(Boolean)
      .map((block) => JSON.parse(/^event: .*\ndata: (.*)$/.exec(block)![1]!));
    assert.deepEqual([events[0].type, events.at(-1).type], ['message_start', 'message_stop']);
    assert.equal(events.map((event) => event.delta?.text ?? '').join(''), 'streamed in frames');
    assert.equal(lastSeen().path, `/model/${encodeURIComponent(MODEL)}/invoke-with-response-stream`);
    const entry = await entryOf(response);
    assert.equal(entry.usage.outputTokens, lastSeen().usageSent!.output);
    assert.equal(entry.usage.inputTokens, lastSeen().usageSent!.input);
    assert.equal(entry.attempts[0].upstreamRequestId, `req_lab${String(lastSeen().n).padStart(8, '0')}`);
  });

  test('betas move into the body; those that Bedrock refuses are left out and listed', async () => {
    const response = await post(ask('keyed', '[[lab echo]]x'), {
      'anthropic-beta': 'claude-code-20250219,context-1m-2025-08-07, brand-new-2026-01-01',
    });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('x-headgate-dropped'), 'anthropic-beta: claude-code-20250219');
    assert.equal(lastSeen().headers['anthropic-beta'], undefined);
    assert.equal(lastSeen().credentialHeader, 'authorization');
  });

  test('Anthropic’s own Bedrock client sends what the gate sends', async () => {
    const { AnthropicBedrock } = await loadPlatform('@anthropic-ai/bedrock-sdk');
    const client = new AnthropicBedrock({
      ...{ baseURL: lab.url, awsRegion: ACCOUNT.region, apiKey: null },
      ...{ awsAccessKey: ACCOUNT.accessKeyId, awsSecretKey: ACCOUNT.secretAccessKey },
      defaultHeaders: { 'anthropic-version': 'bedrock-2023-05-31' },
    });
    const judged = ask(MODEL, '[[lab echo]]judged');
    assert.equal((await client.messages.create(judged)).content[0].text, 'judged');
    const theirs = lastSeen().path;
    await post({ ...judged, model: 'claude' });
    assert.equal(decodeURIComponent(lastSeen().path), decodeURIComponent(theirs));
    const { content } = await client.messages.stream(judged).finalMessage();
    assert.equal(content[0].text, 'judged');
  });

  test('a client of another dialect is served as well', async () => {
    const chat = { model: 'claude', stream: true, messages: [{ role: 'user', content: '[[lab echo]]crossed' }] };
    const text = await (await post(chat, {}, '/v1/chat/completions')).text();
    assert.match(text, /"content":"cros"/);
    assert.match(text, /data: \[DONE\]/);
  });

  test('the newer endpoint speaks the vendors’ own APIs: signed for its own service, nothing changed', async () => {
    const response = await post(ask('mantle', '[[lab echo]]mantle', { stream: true }), {
      'anthropic-beta': 'any-word',
    });
    assert.match(await response.text(), /event: message_stop/);
    assert.deepEqual(
      [lastSeen().path, lastSeen().model, lastSeen().headers['anthropic-beta']],
      ['/anthropic/v1/messages', 'anthropic.claude-sonnet-5', 'any-word'],
    );
    const count = await post(
      { model: 'mantle', messages: [{ role: 'user', content: 'x' }] },
      {},
      '/v1/messages/count_tokens',
    );
    assert.ok(((await count.json()) as any).input_tokens > 0);
    assert.equal(lastSeen().path, '/anthropic/v1/messages/count_tokens');
    const chat = { model: 'open', messages: [{ role: 'user', content: '[[lab echo]]open' }] };
    const answer = (await (await post(chat, {}, '/v1/chat/completions')).json()) as any;
    assert.equal(answer.choices[0].message.content, 'open');
    assert.equal(lastSeen().path, '/openai/v1/chat/completions');
  });

  test('errors of Bedrock pass unchanged, and a signature that is not good is one of them', async () => {
    const response = await post(ask('stranger', 'x'));
    assert.equal(response.status, 403);
    assert.equal(response.headers.get('x-headgate-error-source'), 'provider');
    assert.deepEqual(await response.json(), { message: 'The request signature we calculated does not match.' });
    const throttled = await post(ask('claude', '[[lab fault=429@3]]'));
    assert.deepEqual([throttled.status, throttled.headers.get('retry-after')], [429, '3']);
    assert.match(await throttled.text(), /^\{"message":"Too many requests/);
  });

  test('an exception frame in mid-stream is an error event of the dialect, and the stream is broken', async () => {
    const response = await post(ask('claude', '[[lab output=40 fault=pause@8:150,error-event@12]]', { stream: true }));
    const text = await brokenText(response);
    assert.match(text, /event: error\ndata: \{"type":"error","error":\{"type":"api_error"/);
  });

  test('a stream that ends inside a frame is told as cut', async () => {
    const response = await post(ask('claude', '[[lab output=40 fault=pause@8:150,half-event@12]]', { stream: true }));
    const text = await brokenText(response);
    assert.match(text, /event: error/);
    assert.equal((await entryOf(response)).status, 'truncated');
  });
});

/** What came of an answer whose connection breaks. */
async function brokenText(response: Response): Promise<string> {
  let text = '';
  await assert.rejects(async () => {
    for await (const chunk of response.body!) text += Buffer.from(chunk).toString();
  });
  return text;
}

async function entryOf(response: Response): Promise<any> {
  let entry: unknown = null;
  const id = response.headers.get('x-headgate-call-id')!;
  await gate.until('the entry', async () => {
    entry = await gate.admin('GET', `/calls/${id}`).catch(() => null);
    return entry !== null;
  });
  return entry;
}
