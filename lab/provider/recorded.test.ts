import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { type Provider, startProvider } from './provider.ts';
import { ANTHROPIC_ERRORS, CHAT, GENERATE, MESSAGES, OPENAI_ERRORS, RECORDED } from './recorded/index.ts';
import type { Recorded, RecordedSet } from './recorded.ts';

let lab: Provider;
before(async () => {
  lab = await startProvider();
});
after(() => lab.close());

const HEADERS = { authorization: 'Bearer k', 'content-type': 'application/json', 'anthropic-version': '2023-06-01' };
const PATHS = { chat: '/v1/chat/completions', responses: '/v1/responses', messages: '/v1/messages' } as const;

function ask(endpoint: keyof typeof PATHS, text: string, more: object): Promise<Response> {
  const messages = [{ role: 'user', content: text }];
  const prompt = endpoint === 'responses' ? { input: messages } : { messages, max_tokens: 100 };
  return fetch(lab.url + PATHS[endpoint], {
    method: 'POST',
    headers: HEADERS,
    body: JSON.stringify({ model: 'm', ...prompt, ...more }),
  });
}

for (const endpoint of ['chat', 'responses', 'messages'] as const) {
  test(`every recorded answer of ${endpoint} is sent as it is written down`, async () => {
    for (const [name, recorded] of Object.entries(RECORDED.get(endpoint)!)) {
      const model = `lab-recorded:${name}`;
      if (recorded.body)
        assert.deepEqual(await (await ask(endpoint, 'x', { model })).json(), plain(recorded.body), name);
      if (!recorded.events) continue;
      const text = await (await ask(endpoint, 'x', { model, stream: true })).text();
      const data = text.split('\n').filter((line) => line.startsWith('data: ') && line !== 'data: [DONE]');
      assert.deepEqual(
        data.map((line) => JSON.parse(line.slice(6))),
        plain(recorded.events),
        name,
      );
    }
  });
}

test('every recorded answer of generateContent is sent as it is written down, with CR LF', async () => {
  const google = (name: string, method: string): Promise<Response> =>
    fetch(`${lab.url}/v1beta/models/lab-recorded:${name}:${method}`, {
      method: 'POST',
      headers: { 'x-goog-api-key': 'k' },
      body: JSON.stringify({ contents: [{ parts: [{ text: 'x' }] }] }),
    });
  for (const [name, recorded] of Object.entries(GENERATE) as [string, Recorded][]) {
    if (recorded.body)
      assert.deepEqual(await (await google(name, 'generateContent')).json(), plain(recorded.body), name);
    const text = await (await google(name, 'streamGenerateContent?alt=sse')).text();
    assert.equal(text, recorded.events!.map((event) => `data: ${JSON.stringify(event)}\r\n\r\n`).join(''), name);
  }
});

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test('recorded errors are sent with their status', async () => {
  const limited = await ask('messages', '[[lab fault=api-error@rateLimit]]', {});
  assert.deepEqual([limited.status, await limited.json()], [429, ANTHROPIC_ERRORS.rateLimit]);
  const long = await ask('chat', '[[lab fault=api-error@contextLength]]', {});
  assert.deepEqual([long.status, await long.json()], [400, OPENAI_ERRORS.contextLength]);
});

test('an unknown recording is a 400 that names those there are', async () => {
  const response = await ask('chat', 'x', { model: 'lab-recorded:none' });
  assert.equal(response.status, 400);
  assert.match(await response.text(), /parallel-tool-calls/);
});

test("Google's SDK reads each recorded answer, and its stream says the same", async () => {
  const load = createRequire(new URL('../../test/sdk/package.json', import.meta.url));
  const { GoogleGenAI } = load('@google/genai') as { GoogleGenAI: new (options: object) => any };
  const ai = new GoogleGenAI({ apiKey: 'k', httpOptions: { baseUrl: lab.url } });
  const said = (candidates: any[] = []): string =>
    candidates
      .flatMap(({ content }) => content?.parts ?? [])
      .map((part: any) => part.text ?? JSON.stringify({ ...part, thoughtSignature: 0 }))
      .join('');
  for (const [name] of withBoth(GENERATE).filter(([name]) => name !== 'safety')) {
    const asked = { model: `lab-recorded:${name}`, contents: 'x' };
    const whole = await ai.models.generateContent(asked);
    let text = '';
    for await (const { candidates } of await ai.models.generateContentStream(asked)) text += said(candidates);
    assert.equal(text, said(whole.candidates), name);
  }
});

test('the official SDKs put each recorded stream together to its unary answer', async () => {
  const load = createRequire(new URL('../../test/sdk/package.json', import.meta.url));
  const { Anthropic } = load('@anthropic-ai/sdk') as { Anthropic: new (options: object) => any };
  const { OpenAI } = load('openai') as { OpenAI: new (options: object) => any };
  const anthropic = new Anthropic({ baseURL: lab.url, apiKey: 'k', maxRetries: 0 });
  const openai = new OpenAI({ baseURL: `${lab.url}/v1`, apiKey: 'k', maxRetries: 0 });
  for (const [name, recorded] of withBoth(MESSAGES)) {
    const body = { model: `lab-recorded:${name}`, max_tokens: 9, messages: [{ role: 'user', content: 'x' }] };
    const { content, stop_reason } = await anthropic.messages.stream(body).finalMessage();
    const wanted = recorded.body as unknown as { content: unknown; stop_reason: unknown };
    assert.deepEqual(plain([content, stop_reason]), plain([wanted.content, wanted.stop_reason]), name);
  }
  for (const name of ['text', 'tool-call', 'parallel-tool-calls', 'refusal'] as const) {
    const body = { model: `lab-recorded:${name}`, messages: [{ role: 'user', content: 'x' }] };
    const { choices } = await openai.chat.completions.stream(body).finalChatCompletion();
    const [got, wanted] = [choices[0].message, CHAT[name].body.choices[0]!.message];
    assert.deepEqual([got.content || null, got.refusal], [wanted.content, wanted.refusal], name);
    assert.equal((got.tool_calls ?? []).length, wanted.tool_calls?.length ?? 0, name);
  }
});

const withBoth = (set: RecordedSet) => Object.entries(set).filter(([, recorded]) => recorded.body && recorded.events);
