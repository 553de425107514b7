import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';

const CONFIG = (url: string): string => `
providers:
  google: { kind: lab-google, baseUrl: "${url}/v1beta" }
models:
  echo: { deployments: [{ provider: google, model: lab-echo }] }
  recorded: { deployments: [{ provider: google, model: "lab-recorded:grounded" }] }
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
const seen = () => provider.log.at(-1)!;

test('generateContent: unary, bytes of the body as they came, model in the path', async () => {
  const body = '{ "contents" : [ {"parts":[{"text":"h\\u00e9llo"}]} ] , "labels": {"a":"b"} }';
  const answer = await post('/v1beta/models/echo:generateContent', body);
  assert.equal(answer.status, 200);
  const value = (await answer.json()) as any;
  assert.equal(value.candidates[0].content.parts[0].text, 'héllo');
  assert.match(seen().path, /\/v1beta\/models\/lab-echo:generateContent$/);
  assert.equal(seen().bodyBytes, Buffer.byteLength(body));
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
