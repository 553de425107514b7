import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { GENERATE } from '#lab/provider/recorded/index.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';

const CONFIG = (url: string): string => `
providers:
  google: { kind: lab-google, baseUrl: "${url}/v1beta" }
  chat: { kind: lab-chat, baseUrl: "${url}/v1" }
models:
  echo: { deployments: [{ provider: google, model: lab-echo }] }
  code: { deployments: [{ provider: google, model: "lab-recorded:code" }] }
  image: { deployments: [{ provider: google, model: "lab-recorded:image" }] }
  grounded: { deployments: [{ provider: google, model: "lab-recorded:grounded" }] }
  thoughts: { deployments: [{ provider: google, model: "lab-recorded:thoughts" }] }
  plain: { deployments: [{ provider: google, model: lab-small }] }
  embed: { deployments: [{ provider: google, model: lab-embed }] }
  chat: { deployments: [{ provider: chat, model: lab-echo }] }
  spare: { deployments: [{ provider: google, model: lab-echo, order: 1 }, { provider: chat, model: lab-echo, order: 2 }] }
cost: { expose: cost }
prices:
  - { provider: "*", model: "*", perMillion: { input: "1", output: "2", cachedRead: "0.1" } }
`;

let provider: Provider;
let gate: GateProcess;
before(async () => {
  provider = await startProvider({ seed: 7 });
  gate = await startGate({ config: CONFIG(provider.url) });
});
after(async () => {
  await gate?.stop();
  await provider?.close();
});

const post = (path: string, body: object | string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${gate.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-goog-api-key': gate.key, ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
const say = (text: string) => ({ contents: [{ role: 'user', parts: [{ text }] }] });
/** The cost that this gate is told to add to usage is all that differs. */
const withoutCost = (text: string): string => text.replaceAll(/,"cost":[0-9.]+/g, '');
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const seen = () => provider.log.at(-1)!;

test('generateContent: unary, bytes of the body as they came, model in the path', async () => {
  const body = '{ "contents" : [ {"parts":[{"text":"h\\u00e9llo"}]} ] , "labels": {"a":"b"} }';
  const answer = await post('/v1beta/models/echo:generateContent', body);
  assert.equal(answer.status, 200);
  const value = (await answer.json()) as any;
  assert.equal(value.candidates[0].content.parts[0].text, 'héllo');
  assert.match(seen().path, /\/v1beta\/models\/lab-echo:generateContent$/);
  assert.equal(seen().bodySha256, sha256(body));
});

test('fields and parts that the gate does not know pass as they came, and so do all bytes of an answer', async () => {
  const asked = JSON.stringify({
    contents: [{ role: 'user', parts: [{ text: 'x', partMetadata: { a: 1 } }, { newKind: { b: [1, 2.5] } }] }],
    generationConfig: { responseModalities: ['TEXT'], seed: 12345678901234567n.toString() },
    safety_settings: [{ category: 'HARM_CATEGORY_NEW', threshold: 'OFF' }],
  });
  for (const model of ['grounded', 'code', 'image']) {
    const answer = await post(`/v1beta/models/${model}:generateContent`, asked);
    assert.equal(answer.status, 200, model);
    assert.equal(seen().bodySha256, sha256(asked));
    assert.equal(withoutCost(await answer.text()), JSON.stringify(GENERATE[model as 'code'].body), model);
    const streamed = await post(`/v1beta/models/${model}:streamGenerateContent?alt=sse`, asked);
    const events = GENERATE[model as 'code'].events.map((event) => `data: ${JSON.stringify(event)}\r\n\r\n`);
    const text = await streamed.text();
    assert.equal(withoutCost(text), events.join(''), model);
  }
});

test('streamGenerateContent: events as they came, whole at the end of the connection', async () => {
  const answer = await post('/v1beta/models/echo:streamGenerateContent?alt=sse', say('one two three four five'));
  assert.equal(answer.status, 200);
  const text = await answer.text();
  const chunks = text
    .split('\r\n\r\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line.slice('data: '.length)));
  const said = chunks.map((one) => one.candidates[0].content.parts[0].text).join('');
  assert.equal(said, 'one two three four five');
  assert.equal(chunks.at(-1).candidates[0].finishReason, 'STOP');
  assert.ok(seen().complete);
});

const errorOf = async (answer: Response) => ((await answer.json()) as any).error;

test('paths of the SDKs, of Vertex AI and of older versions lead to the same', async () => {
  for (const path of [
    '/v1beta/models/echo:generateContent',
    '/v1/models/echo:generateContent',
    '/v1alpha/models/echo:generateContent',
    '/v1beta1/publishers/google/models/echo:generateContent',
    '/v1/projects/p/locations/us-central1/publishers/google/models/echo:generateContent',
    '/v1beta/models/ech%6F:generateContent',
  ]) {
    const answer = await post(path, say('x'));
    assert.equal(answer.status, 200, path);
    await answer.arrayBuffer();
    assert.match(seen().path, /\/v1beta\/models\/lab-echo:generateContent$/);
  }
});

test('every header that carries a key is taken, and a key in the query is refused', async () => {
  for (const headers of [{ authorization: `Bearer ${gate.key}` }, { 'x-headgate-key': gate.key }] as const) {
    const answer = await post('/v1beta/models/echo:generateContent', say('x'), { 'x-goog-api-key': '', ...headers });
    assert.equal(answer.status, 200);
  }
  const before = provider.stats().seen;
  for (const path of ['/v1beta/models/echo:generateContent', '/v1beta/models/echo:streamGenerateContent']) {
    const answer = await post(`${path}?alt=sse&key=${gate.key}`, say('x'));
    assert.equal(answer.status, 401);
    const error = await errorOf(answer);
    assert.deepEqual([error.code, error.status], [401, 'UNAUTHENTICATED']);
    assert.match(error.message, /x-goog-api-key/);
    assert.ok(!error.message.includes(gate.key));
  }
  const listed = await fetch(`${gate.url}/v1beta/models?key=${gate.key}`);
  assert.equal(listed.status, 401);
  assert.match((await errorOf(listed)).message, /x-goog-api-key/);
  assert.equal(provider.stats().seen, before);
});

test('a stream without alt=sse is refused with the way to mend it', async () => {
  const answer = await post('/v1beta/models/echo:streamGenerateContent', say('x'));
  assert.equal(answer.status, 400);
  const error = await errorOf(answer);
  assert.equal(error.details[0].metadata.field, 'alt');
  assert.match(error.message, /alt=sse/);
});

test('nothing of the query crosses: it could leave out the usage or change the form', async () => {
  const answer = await post('/v1beta/models/echo:generateContent?fields=candidates&alt=proto&%24fields=a', say('x'));
  assert.equal(answer.status, 200);
  assert.match(seen().path, /:generateContent$/);
});

test('refusals of ours have the form of Google', async () => {
  const model = await post('/v1beta/models/nowhere:generateContent', say('x'));
  assert.equal(model.status, 404);
  assert.deepEqual((await errorOf(model)).details[0].reason, 'MODEL_NOT_FOUND');
  const twice = await post('/v1beta/models/echo:generateContent', {
    ...say('x'),
    generationConfig: {},
    generation_config: {},
  });
  assert.equal(twice.status, 400);
  const error = await errorOf(twice);
  assert.deepEqual([error.status, error.details[0].reason], ['INVALID_ARGUMENT', 'DUPLICATE_FIELD']);
  const method = await fetch(`${gate.url}/v1beta/models/echo:generateContent`, {
    headers: { 'x-goog-api-key': gate.key },
  });
  assert.equal(method.status, 405);
  const path = await post('/v1beta/models/echo:predict', say('x'));
  assert.equal(path.status, 404);
  assert.match((await errorOf(path)).message, /:generateContent/);
});

test('ids that an account keeps are nobody else’s: a call that names one is a 404', async () => {
  const before = provider.stats().seen;
  for (const body of [
    { ...say('x'), cachedContent: 'cachedContents/of-another' },
    { contents: [{ parts: [{ file_data: { file_uri: 'gs://bucket/of-another' } }] }] },
  ]) {
    const answer = await post('/v1beta/models/echo:generateContent', body);
    assert.equal(answer.status, 404);
    await answer.arrayBuffer();
  }
  assert.equal(provider.stats().seen, before);
});

const entryOf = async (answer: Response): Promise<any> => {
  const id = answer.headers.get('x-headgate-call-id')!;
  await gate.until('the entry is in the store', async () => (await entry(id)) !== undefined);
  return entry(id);
};
const entry = async (id: string) =>
  (await gate.admin('GET', '/calls?limit=1000')).calls.find((one: { id: string }) => one.id === id);

test('the ledger has tokens of thoughts, tools and searches, and the answer its cost', async () => {
  const grounded = await post('/v1beta/models/grounded:generateContent', say('x'));
  await grounded.arrayBuffer();
  const entry = await entryOf(grounded);
  assert.deepEqual([entry.usage.inputTokens, entry.usage.outputTokens], [55, 5]);
  assert.deepEqual(entry.usage.toolUses, { google_search: 1 });
  const thoughts = await post('/v1beta/models/thoughts:streamGenerateContent?alt=sse', say('x'));
  const text = await thoughts.text();
  assert.match(text, /"thoughtsTokenCount":20,"cost":0.000062/);
  const streamed = await entryOf(thoughts);
  assert.deepEqual(
    [streamed.usage.inputTokens, streamed.usage.outputTokens, streamed.usage.reasoningTokens],
    [12, 25, 20],
  );
  assert.equal(streamed.status, 'ok');
});

test('an error before content goes to the next deployment, of another dialect, unseen', async () => {
  const answer = await post('/v1beta/models/spare:streamGenerateContent?alt=sse', say('[[lab fault=503]]one two'), {
    'x-lab-fault': '',
  });
  // Both deployments are the same lab, and the fault is in the text: the last error is told in Google's form.
  assert.equal(answer.status, 503);
  const error = await errorOf(answer);
  assert.equal(error.status, 'UNAVAILABLE');
  const { attempts } = await entryOf(answer);
  assert.deepEqual(
    [...new Set(attempts.map((one: { dialect: string }) => one.dialect))],
    ['google-generate', 'openai-chat'],
  );
});

test('an error inside a stream passes in the words of the provider, and the connection is broken', async () => {
  // Long enough that the first content is out when the error comes.
  const asked = say('[[lab output=300 fault=error-event@250]]x');
  const answer = await post('/v1beta/models/plain:streamGenerateContent?alt=sse', asked);
  assert.equal(answer.status, 200);
  let text = '';
  await assert.rejects(async () => {
    for await (const piece of answer.body!.pipeThrough(new TextDecoderStream())) text += piece;
  });
  assert.match(text, /"status":"UNAVAILABLE"/);
});

test('embeddings: the deployment’s model is in the path and in each request, and OpenAI’s clients are served', async () => {
  const requests = ['a', 'b'].map((text) => ({ model: 'models/embed', content: { parts: [{ text }] } }));
  const batch = await post('/v1beta/models/embed:batchEmbedContents', { requests });
  assert.equal(batch.status, 200);
  assert.equal(((await batch.json()) as any).embeddings.length, 2);
  assert.match(seen().path, /\/models\/lab-embed:batchEmbedContents$/);
  const one = await post('/v1beta/models/embed:embedContent', { content: { parts: [{ text: 'a' }] } });
  assert.equal(((await one.json()) as any).embedding.values.length, 3072);
  const crossed = await post('/v1/embeddings', { model: 'embed', input: ['a', 'b'], dimensions: 8 });
  assert.equal(crossed.status, 200);
  const value = (await crossed.json()) as any;
  assert.deepEqual([value.data.length, value.data[0].embedding.length], [2, 8]);
  assert.equal((await entryOf(crossed)).kind, 'embed');
});

test('counting is free, and Anthropic’s clients count by Google', async () => {
  const count = await post('/v1beta/models/echo:countTokens', say('hello there'));
  const { totalTokens } = (await count.json()) as any;
  assert.ok(totalTokens > 0);
  const entry = await entryOf(count);
  assert.deepEqual([entry.kind, entry.cost?.total ?? '0'], ['count', '0']);
  const messages = [{ role: 'user', content: 'hello there' }];
  const crossed = await post('/v1/messages/count_tokens', { model: 'echo', system: 'be brief', messages });
  assert.ok(((await crossed.json()) as any).input_tokens > totalTokens);
});

test('a large body is decoded and crossed by the other thread all the same', async () => {
  const text = 'lorem ipsum '.repeat(40_000);
  for (const model of ['echo', 'chat']) {
    const answer = await post(`/v1beta/models/${model}:generateContent`, {
      ...say(text),
      generationConfig: { topK: 1 },
    });
    assert.equal(answer.status, 200, model);
    assert.equal(((await answer.json()) as any).candidates[0].content.parts[0].text, text);
  }
  const content = { parts: [{ text: 'x'.repeat(1_200_000) }] };
  const batch = await post('/v1beta/models/embed:batchEmbedContents', {
    requests: [{ model: 'models/embed', content }],
  });
  assert.equal(batch.status, 200);
});
