import assert from 'node:assert/strict';
import { globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { epochMs } from '#kernel/brand.ts';
import { parseUsd } from '#kernel/money.ts';
import { openSqliteLedgerReadOnly } from '#stores/sqlite/ledger-store.ts';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { startUpstream, stream, type ScriptedUpstream } from '../clients-rules/scripted-upstream.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';

const config = (lab: string, scripted: string): string => `
providers:
  lab: { kind: lab, baseUrl: "${lab}/v1" }
  chat: { kind: together, baseUrl: "${lab}/v1", apiKey: "\${env:LAB_KEY}" }
  scripted: { kind: lab, baseUrl: "${scripted}/v1" }
models:
  gpt-4o-mini: { deployments: [{ provider: lab }] }
  chat-only: { deployments: [{ provider: chat, model: gpt-4o-mini }] }
  plain: { deployments: [{ provider: lab, model: some-other-model }] }
  hostile: { deployments: [{ provider: scripted, model: gpt-4o }] }
  azure-name: { deployments: [{ provider: scripted, model: our-deployment }] }
prices:
  - { provider: "*", model: "*", perMillion: { input: "1000", output: "2000" } }
retry: { attempts: 1 }
log: { level: silent }
`;

const MARKER = 'Donaudampfschifffahrtsgesellschaft';
const TEXT = `${MARKER} – zwölf Tokens sind nicht zwölf Wörter, and 日本語 is not either: fn(x) => x ** 2; `.repeat(12);

/** Two bytes a token: an estimate from bytes is never right by chance. */
const SHORT_WORDS = 'a b c d e f g h '.repeat(60);

let provider: Provider;
let upstream: ScriptedUpstream;
let gate: GateProcess;

/** Streams a call; resolves to the text that reached the client, whole or cut, and the id of the call. */
async function streamed(model: string, prompt: string, leaveAfterChars = Infinity, path = '/v1/chat/completions') {
  const control = new AbortController();
  const response = await fetch(`${gate.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gate.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      ...{ model, stream: true },
      ...(path === '/v1/responses' ? { input: prompt } : { messages: [{ role: 'user', content: prompt }] }),
    }),
    signal: control.signal,
  });
  let raw = '';
  try {
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      raw += chunk;
      if (textOf(raw).length >= leaveAfterChars) control.abort();
    }
  } catch {
    // Cut, as the test wants it.
  }
  return { text: textOf(raw), id: response.headers.get('x-headgate-call-id')! };
}

const textOf = (raw: string): string =>
  [...raw.matchAll(/^data: (\{.*\})$/gm)]
    .map((line) => JSON.parse(line[1]!))
    .map((event) => event.choices?.[0]?.delta?.content ?? (event.type?.endsWith('text.delta') ? event.delta : ''))
    .join('');

async function corrections(id: string): Promise<any[]> {
  const { calls } = await gate.admin('GET', '/calls?limit=1000');
  return calls.filter((call: any) => call.corrects === id);
}

/** A correction may be in the store before what it corrects. */
async function original(id: string): Promise<any> {
  await gate.until(`call ${id}`, () => gate.admin('GET', `/calls/${id}`).then(Boolean, () => false));
  return gate.admin('GET', `/calls/${id}`);
}

async function corrected(id: string): Promise<any> {
  await gate.until(`a correction of ${id}`, async () => (await corrections(id)).length > 0);
  return (await corrections(id))[0];
}

const metric = async (name: string): Promise<number> => {
  const response = await fetch(`${gate.url}/metrics`, { headers: { authorization: `Bearer ${gate.adminToken}` } });
  const line = (await response.text()).split('\n').find((one) => one.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1) ?? NaN);
};

describe('streams that end without a usage', () => {
  before(async () => {
    provider = await startProvider({ seed: 20261125 });
    upstream = await startUpstream();
    gate = await startGate({ config: config(provider.url, upstream.url), env: { LAB_KEY: 'lab' } });
    await gate.admin('POST', '/budgets', { level: 'operator', limitUsd: '1000', window: 'total' });
  });
  after(async () => {
    await gate?.stop();
    await provider?.close();
    await upstream?.close();
  });

  test('a cut stream: the row that replaces it has the count of the public tokenizer', async () => {
    const { text, id } = await streamed('gpt-4o-mini', `[[lab echo fault=cut@90]]${TEXT}`);
    assert.ok(text.length > 100 && text.length < TEXT.length, `${text.length}`);
    const [row, first] = [await corrected(id), await original(id)];
    assert.equal(row.usage.outputTokens, countTokens(text));
    assert.equal(row.attempts[0].usage.outputTokens, countTokens(text));
    assert.notEqual(first.usage.outputTokens, countTokens(text), 'the estimate was an estimate');
    assert.deepEqual([row.usageSource, row.status, row.at], ['estimated', 'truncated', first.at]);
    const output = BigInt(countTokens(text)) * 2_000_000n;
    assert.equal(row.cost.output, String(Number(output) / 1e9));
    assert.equal(row.usage.inputTokens, first.usage.inputTokens);
  });

  test('a client that leaves: what was read until then is counted', async () => {
    const { id } = await streamed('gpt-4o-mini', `[[lab echo fault=pause@60:400]]${SHORT_WORDS}`, 40);
    const row = await corrected(id);
    assert.equal(row.status, 'cancelled');
    assert.ok(row.usage.outputTokens >= countTokens(SHORT_WORDS.slice(0, 40)));
    assert.ok(row.usage.outputTokens < countTokens(SHORT_WORDS));
  });

  test('a stream that is whole and says no usage', async () => {
    const { text, id } = await streamed('gpt-4o-mini', `[[lab echo fault=no-usage]]${TEXT}`);
    assert.equal(text, TEXT);
    const row = await corrected(id);
    assert.deepEqual([row.status, row.usage.outputTokens], ['ok', countTokens(TEXT)]);
  });

  test('the Responses API, and a client of another dialect than its provider’s', async () => {
    const responses = await streamed(
      'gpt-4o-mini',
      `[[lab echo fault=cut@60]]${SHORT_WORDS}`,
      Infinity,
      '/v1/responses',
    );
    assert.ok(responses.text.length > 20 && responses.text.length < SHORT_WORDS.length);
    assert.equal((await corrected(responses.id)).usage.outputTokens, countTokens(responses.text));
    const crossed = await streamed('chat-only', `[[lab echo fault=cut@60]]${SHORT_WORDS}`, Infinity, '/v1/responses');
    assert.ok(crossed.text.length > 20 && crossed.text.length < SHORT_WORDS.length);
    const row = await corrected(crossed.id);
    assert.equal(row.attempts[0].dialect, 'openai-chat');
    assert.equal(row.usage.outputTokens, countTokens(crossed.text));
  });

  test('a deployment of any name is known by what its provider calls the model', async () => {
    const chunk = (content: string): string =>
      `data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-2024-08-06","choices":[{"index":0,"delta":{"content":${JSON.stringify(content)}},"finish_reason":null}]}\n\n`;
    upstream.answer(stream([chunk('a b c d'), 30, chunk(' e f g h'), 'cut']));
    const { id } = await streamed('azure-name', 'x');
    assert.equal((await corrected(id)).usage.outputTokens, countTokens('a b c d e f g h'));
  });

  test('a whole stream, and one of a model without a public tokenizer, keep their one row', async () => {
    const whole = await streamed('gpt-4o-mini', `[[lab echo]]${TEXT}`);
    assert.equal(whole.text, TEXT);
    const plain = await streamed('plain', `[[lab echo fault=cut@90]]${TEXT}`);
    await original(plain.id);
    await new Promise((resolve) => setTimeout(resolve, 700));
    assert.equal((await gate.admin('GET', `/calls/${whole.id}`)).usageSource, 'provider');
    assert.deepEqual([await corrections(whole.id), await corrections(plain.id)], [[], []]);
    assert.equal(await metric('headgate_exact_count_kept_bytes'), 0);
  });

  test('200,000 times one letter: the estimate stays, and others are served and counted meanwhile', async () => {
    const letters = `data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"content":"${'a'.repeat(200_000)}"},"finish_reason":null}]}\n\n`;
    upstream.answer(stream([letters, 'cut']));
    const hostile = await streamed('hostile', 'x');
    assert.equal(hostile.text.length, 200_000);
    const other = await streamed('gpt-4o-mini', `[[lab echo fault=cut@20]]${TEXT}`);
    assert.equal((await corrected(other.id)).usage.outputTokens, countTokens(other.text));
    assert.equal(await metric('headgate_exact_counts_total{result="too_hard"}'), 1);
    assert.deepEqual(await corrections(hostile.id), []);
    assert.equal(await metric('headgate_exact_count_kept_bytes'), 0);
  });

  test('each call counts once, budgets and the error of the estimate are told, and no text is on disk', async () => {
    // Ten calls, seven of them counted.
    await gate.until('all rows', async () => (await gate.admin('GET', '/calls?limit=1000')).calls.length === 17);
    const spend = await gate.admin('GET', '/spend?by=model');
    const { calls } = await gate.admin('GET', '/calls?limit=1000');
    const replaced = new Set(calls.map((call: any) => call.corrects));
    const counting = calls.filter((call: any) => !replaced.has(call.id));
    const sum = (rows: any[], of: (row: any) => number): number => rows.reduce((total, row) => total + of(row), 0);
    assert.equal(
      sum(spend.rows, (row) => row.calls),
      counting.length,
    );
    assert.equal(
      sum(spend.rows, (row) => row.outputTokens),
      sum(counting, (call) => call.usage.outputTokens),
    );
    const { budgets } = await gate.admin('GET', '/budgets');
    const cost = spend.rows.reduce((total: bigint, row: any) => total + parseUsd(row.costUsd)!, 0n);
    assert.equal(parseUsd(budgets[0].spentUsd), cost);
    const error = 'headgate_token_estimate_error_ratio{model="gpt-4o-mini",side="output",against="tokenizer"}';
    assert.ok((await metric(error)) > 0.01, 'German and Japanese are not four bytes a token');
    await gate.kill();
    const state = join(gate.dataDir, 'state');
    for (const file of globSync('**/*', { cwd: state }))
      if (statSync(join(state, file)).isFile())
        assert.equal(readFileSync(join(state, file)).includes(MARKER), false, file);
    const ledger = openSqliteLedgerReadOnly(join(state, 'ledger.db'));
    assert.deepEqual(await ledger.verifyRollups({ from: epochMs(0), to: epochMs(Date.now() + 2 * 86_400_000) }), []);
    await ledger.close();
  });
});
