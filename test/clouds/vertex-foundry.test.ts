import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { loadPlatform, platformsSkip } from '../harness/platforms.ts';

const TOKEN = 'ya29.access-token-of-the-lab';
const KEY = 'foundry-key-of-the-lab-0001';

const config = (url: string): string => `
providers:
  vertex: { kind: vertex-claude, baseUrl: "${url}/v1", project: lab-project, location: europe-west1, apiKey: "\${env:LAB_TOKEN}" }
  gemini: { kind: vertex-gemini, baseUrl: "${url}/v1", project: lab-project, location: global, apiKey: "\${env:LAB_TOKEN}" }
  partner: { kind: vertex-openai, baseUrl: "${url}/v1", project: lab-project, location: global, apiKey: "\${env:LAB_TOKEN}" }
  stale: { kind: vertex-claude, baseUrl: "${url}/v1", project: lab-project, location: europe-west1, apiKey: "\${env:LAB_STALE}" }
  foundry: { kind: foundry, baseUrl: "${url}", apiKey: "\${env:LAB_FOUNDRY}" }
  foundry-claude: { baseUrl: "${url}", apiKey: "\${env:LAB_FOUNDRY}" }
models:
  gemini: { deployments: [{ provider: gemini, model: lab-echo }] }
  partner: { deployments: [{ provider: partner, model: "meta/lab-echo" }] }
  vertex: { deployments: [{ provider: vertex, model: "claude-sonnet-4-5@20250929" }] }
  stale: { deployments: [{ provider: stale, model: "claude-sonnet-4-5@20250929" }] }
  foundry: { deployments: [{ provider: foundry, model: lab-echo }] }
  claude: { deployments: [{ provider: foundry-claude, model: lab-echo }] }
prices: [{ provider: "*", model: "*", perMillion: { input: "3", output: "15", cachedRead: "0.3", cacheWrite: "3", cacheWrite1h: "6" } }]
retry: { attempts: 2, backoff: 0ms }
`;

let lab: Provider;
let gate: GateProcess;

const post = (path: string, body: object, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(gate.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${gate.key}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
const said = (content: string) => [{ role: 'user', content }];
const lastSeen = () => lab.log.at(-1)!;
const PATH = '/v1/projects/lab-project/locations/europe-west1/publishers/anthropic/models';

describe('Vertex AI and Microsoft Foundry', () => {
  before(async () => {
    const tokens = new Map([TOKEN, KEY].map((token) => [token, { expiresMs: Infinity }]));
    lab = await startProvider({ seed: 5, clouds: { tokens } });
    gate = await startGate({
      config: config(lab.url),
      env: { LAB_TOKEN: TOKEN, LAB_STALE: 'ya29.long-gone-token', LAB_FOUNDRY: KEY },
    });
  });
  after(async () => {
    await gate?.stop();
    await lab?.close();
  });

  test('Vertex: the model stands in the path, the version in the body, and the query is left out', async () => {
    const body = { model: 'vertex', max_tokens: 50, messages: said('[[lab echo]]Grüße') };
    const response = await post('/v1/messages?beta=true', body, {
      'anthropic-beta': 'context-1m-2025-08-07,claude-code-20250219',
      'anthropic-version': '2023-06-01',
    });
    assert.equal(((await response.json()) as any).content[0].text, 'Grüße');
    assert.equal(lastSeen().path, `${PATH}/claude-sonnet-4-5%4020250929:rawPredict`);
    assert.equal(lastSeen().headers['anthropic-version'], undefined);
    assert.equal(lastSeen().headers['anthropic-beta'], 'context-1m-2025-08-07');
    assert.equal(response.headers.get('x-headgate-dropped'), 'anthropic-beta: claude-code-20250219');
  });

  test('Vertex: a stream has a path of its own; a Chat client is served by it too', async () => {
    const body = { model: 'vertex', max_tokens: 50, stream: true, messages: said('[[lab echo]]streamed') };
    assert.match(await (await post('/v1/messages', body)).text(), /event: message_stop/);
    assert.equal(lastSeen().path, `${PATH}/claude-sonnet-4-5%4020250929:streamRawPredict`);
    const chat = { model: 'vertex', stream: true, messages: said('[[lab echo]]streamed') };
    assert.match(await (await post('/v1/chat/completions', chat)).text(), /data: \[DONE\]/);
  });

  test('Vertex: tokens are counted at the path of its own, with the model in the body', async () => {
    const answer = await post('/v1/messages/count_tokens', { model: 'vertex', messages: said('count me') });
    assert.ok(((await answer.json()) as any).input_tokens > 0);
    assert.equal(lastSeen().path, `${PATH}/count-tokens:rawPredict`);
    assert.equal(lastSeen().model, 'claude-sonnet-4-5@20250929');
  });

  test('Vertex: Gemini in Google’s own form, for a client of each dialect', async () => {
    const path = '/v1/projects/lab-project/locations/global/publishers/google/models/lab-echo';
    const own = { contents: [{ role: 'user', parts: [{ text: 'Grüße' }] }] };
    const answer = (await (await post('/v1beta/models/gemini:generateContent', own)).json()) as any;
    assert.equal(answer.candidates[0].content.parts[0].text, 'Grüße');
    assert.equal(lastSeen().path, `${path}:generateContent`);
    const streamed = await post('/v1beta/models/gemini:streamGenerateContent?alt=sse', own);
    assert.match(await streamed.text(), /"finishReason":"STOP"/);
    assert.equal(lastSeen().path, `${path}:streamGenerateContent?alt=sse`);
    const chat = await post('/v1/chat/completions', { model: 'gemini', stream: true, messages: said('crossed') });
    assert.match(await chat.text(), /data: \[DONE\]/);
    const messages = await post('/v1/messages', { model: 'gemini', max_tokens: 50, messages: said('crossed') });
    assert.equal(((await messages.json()) as any).content[0].text, 'crossed');
    const count = await post('/v1/messages/count_tokens', { model: 'gemini', messages: said('count me') });
    assert.ok(((await count.json()) as any).input_tokens > 0);
  });

  test('Vertex: partners’ models by the OpenAI-compatible endpoint', async () => {
    const chat = await post('/v1/chat/completions', { model: 'partner', messages: said('one') });
    assert.equal(((await chat.json()) as any).choices[0].message.content, 'one');
    assert.equal(lastSeen().path, '/v1/projects/lab-project/locations/global/endpoints/openapi/chat/completions');
    assert.equal(lastSeen().model, 'meta/lab-echo');
  });

  test('Vertex: what Google’s front door says passes unchanged', async () => {
    const response = await post('/v1/messages', { model: 'stale', max_tokens: 5, messages: said('x') });
    assert.equal(response.status, 401);
    assert.equal(((await response.json()) as any).error.status, 'UNAUTHENTICATED');
  });

  test('Foundry: OpenAI’s dialects and Anthropic’s, each on its path with its header', async () => {
    const chat = await post('/v1/chat/completions', { model: 'foundry', messages: said('one') });
    assert.equal(((await chat.json()) as any).choices[0].message.content, 'one');
    assert.deepEqual([lastSeen().path, lastSeen().credentialHeader], ['/openai/v1/chat/completions', 'api-key']);
    const responses = await post('/v1/responses', { model: 'foundry', input: 'two' });
    assert.equal(responses.status, 200);
    assert.equal(lastSeen().path, '/openai/v1/responses');
    const messages = await post('/v1/messages', { model: 'claude', max_tokens: 50, messages: said('three') });
    assert.equal(((await messages.json()) as any).content[0].text, 'three');
    assert.deepEqual([lastSeen().path, lastSeen().credentialHeader], ['/anthropic/v1/messages', 'x-api-key']);
  });

  describe('beside the platforms’ own clients', { skip: platformsSkip }, () => {
    const ask = { max_tokens: 50, messages: said('[[lab echo]]judged') as never };

    test('Anthropic’s Vertex client sends what the gate sends', async () => {
      const { AnthropicVertex } = await loadPlatform('@anthropic-ai/vertex-sdk');
      const authClient = { getRequestHeaders: async () => new Headers({ authorization: `Bearer ${TOKEN}` }) };
      const client = new AnthropicVertex({
        ...{ baseURL: `${lab.url}/v1`, region: 'europe-west1', projectId: 'lab-project', authClient },
        defaultHeaders: { 'anthropic-version': 'vertex-2023-10-16' },
      });
      const model = 'claude-sonnet-4-5@20250929';
      assert.equal((await client.messages.create({ ...ask, model })).content[0].text, 'judged');
      const theirs = lastSeen().path;
      await post('/v1/messages', { ...ask, model: 'vertex' });
      assert.equal(decodeURIComponent(lastSeen().path), decodeURIComponent(theirs));
      await client.messages.stream({ ...ask, model }).finalMessage();
      assert.match(lastSeen().path, /:streamRawPredict$/);
      await client.messages.countTokens({ model, messages: ask.messages });
      assert.equal(lastSeen().path, `${PATH}/count-tokens:rawPredict`);
    });

    test('Anthropic’s Foundry client sends what the gate sends', async () => {
      const { AnthropicFoundry } = await loadPlatform('@anthropic-ai/foundry-sdk');
      const client = new AnthropicFoundry({ apiKey: KEY, baseURL: `${lab.url}/anthropic/` });
      assert.equal((await client.messages.create({ ...ask, model: 'lab-echo' })).content[0].text, 'judged');
      const { path, credentialHeader } = lastSeen();
      await post('/v1/messages', { ...ask, model: 'claude' });
      assert.deepEqual([lastSeen().path, lastSeen().credentialHeader], [path, credentialHeader]);
    });
  });
});
