import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import type { ScriptTurn } from '#lab/provider/scripts.ts';
import { startGate, temporaryFolder, type GateProcess } from '../harness/gate-process.ts';

const SEED = 20261127;
const GOOD_JSON = '{"city": "Paris", "days": 3}';
const scripts: Record<string, { readonly turns: readonly ScriptTurn[] }> = {
  json: { turns: [{ text: GOOD_JSON }] },
  prose: { turns: [{ text: 'Three days in Paris.' }] },
  wrong: { turns: [{ text: '{"city": "Paris", "days": "three"}' }] },
  huge: { turns: [{ text: `{"city": "${'x'.repeat(5_000)}", "days": 3}` }] },
  evil: { turns: [{ text: `${'a'.repeat(800)}!` }] },
  called: { turns: [{ tools: [{ name: 'look', input: { city: 'Paris' } }] }] },
  miscalled: { turns: [{ tools: [{ name: 'look', input: { town: 'Paris' } }] }] },
  broken: { turns: [{ tools: [{ name: 'look', input: '{"city": ' }] }] },
  unknown: { turns: [{ tools: [{ name: 'fly', input: {} }] }] },
};
const SCHEMA = {
  type: 'object',
  properties: { city: { type: 'string' }, days: { type: 'integer' } },
  required: ['city', 'days'],
};
const TOOL = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };

/** A dialect's way of asking, with a format, a tool and the result of one. */
interface Speaks {
  readonly path: (model: string, stream: boolean) => string;
  readonly body: (asked: Asked) => object;
}
interface Asked {
  readonly model: string;
  readonly stream: boolean;
  readonly schema?: object;
  readonly tool?: object;
}
const user = [{ role: 'user', content: 'hi' }];
const DIALECTS: Record<string, Speaks> = {
  'openai-chat': {
    path: () => '/v1/chat/completions',
    body: ({ model, stream, schema, tool }) => ({
      ...{ model, stream, messages: user },
      ...(schema && { response_format: { type: 'json_schema', json_schema: { name: 'a', schema } } }),
      ...(tool && { tools: [{ type: 'function', function: { name: 'look', parameters: tool } }] }),
    }),
  },
  'openai-responses': {
    path: () => '/v1/responses',
    body: ({ model, stream, schema, tool }) => ({
      ...{ model, stream, input: 'hi' },
      ...(schema && { text: { format: { type: 'json_schema', name: 'a', schema } } }),
      ...(tool && { tools: [{ type: 'function', name: 'look', parameters: tool, strict: false }] }),
    }),
  },
  'anthropic-messages': {
    path: () => '/v1/messages',
    body: ({ model, stream, schema, tool }) => ({
      ...{ model, stream, max_tokens: 4_000, messages: user },
      ...(schema && { output_config: { format: { type: 'json_schema', schema } } }),
      ...(tool && { tools: [{ name: 'look', input_schema: tool }] }),
    }),
  },
  'google-generate': {
    path: (model, stream) => `/v1beta/models/${model}:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
    body: ({ schema, tool }) => ({
      contents: [{ role: 'user', parts: [{ text: 'hi' }] }],
      ...(schema && { generationConfig: { responseMimeType: 'application/json', responseJsonSchema: schema } }),
      ...(tool && { tools: [{ functionDeclarations: [{ name: 'look', parametersJsonSchema: tool }] }] }),
    }),
  },
};

describe('rules that read the text of answers', () => {
  let provider: Provider;
  let gate: GateProcess;
  const keys: Record<string, string> = {};

  before(async () => {
    provider = await startProvider({ seed: SEED, scripts });
    const models = Object.keys(scripts).map(
      (name) =>
        `  ${name}: { deployments: [{ provider: lab, model: "lab-script:${name}" }] }\n  ${name}-a: { deployments: [{ provider: anthropic, model: "lab-script:${name}" }] }`,
    );
    gate = await startGate({
      dataDir: temporaryFolder('text-rules'),
      config: `
providers:
  lab: { kind: lab, baseUrl: "${provider.url}/v1" }
  anthropic: { baseUrl: "${provider.url}", apiKey: "\${env:LAB_KEY}" }
models:
${models.join('\n')}
prices: [{ provider: "*", model: "*", perMillion: { input: "1", output: "2" } }]
labels: [chunker]
features:
  labelled: { quality: { rules: [format], format: { kind: json }, basis: [chunker] } }
  request: { quality: { rules: [format, toolFailure] } }
  json: { quality: { rules: [format], format: { kind: json } } }
  small: { quality: { rules: [format], format: { kind: json }, textBytes: 1KB } }
  schema: { quality: { rules: [format], format: { kind: schema, schema: ${JSON.stringify(SCHEMA)} } } }
  regex: { quality: { rules: [format], format: { kind: regex, regex: "^(a+)+$" } } }
  plain: { quality: { rules: [failure] } }
retry: { attempts: 1 }
`,
      env: { LAB_KEY: 'k' },
    });
    for (const tenant of ['acme', 'globex']) {
      await gate.admin('POST', '/tenants', { id: tenant });
      const rights = { features: '*', session: true, labels: ['chunker'] };
      keys[tenant] = (await gate.admin('POST', '/keys', { tenant, name: 'k', rights })).key;
    }
  });
  after(async () => {
    await gate?.stop();
    await provider?.close();
  });

  async function post(path: string, body: object, feature: string, tenant = 'acme', more = {}): Promise<string> {
    const response = await fetch(`${gate.url}${path}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${keys[tenant]}`,
        'content-type': 'application/json',
        'x-headgate-feature': feature,
        ...more,
      },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    assert.equal(response.status, 200, text);
    return text;
  }
  const ask = (dialect: string, feature: string, asked: Asked, tenant = 'acme'): Promise<string> =>
    post(DIALECTS[dialect]!.path(asked.model, asked.stream), DIALECTS[dialect]!.body(asked), feature, tenant);

  interface Sums {
    readonly n: number;
    readonly bad: number;
  }
  async function sums(feature: string, score: string, tenant = 'acme'): Promise<Sums> {
    const { lines } = await gate.admin('GET', `/quality?tenant=${tenant}&feature=${feature}&score=${score}`);
    let [n, good] = [0, 0];
    for (const { scored } of lines) [n, good] = [n + scored.n, good + scored.n * scored.mean];
    return { n, bad: Math.round(n - good) };
  }
  /** Runs calls, and waits for so many more scores. */
  async function scoring(feature: string, score: string, more: number, run: () => Promise<unknown>): Promise<Sums> {
    const from = await sums(feature, score);
    await run();
    await gate.until(`${more} scores of ${score}`, async () => (await sums(feature, score)).n >= from.n + more);
    const to = await sums(feature, score);
    return { n: to.n - from.n, bad: to.bad - from.bad };
  }

  for (const dialect of Object.keys(DIALECTS))
    for (const stream of [false, true]) {
      const how = `${dialect}, ${stream ? 'streamed' : 'in one piece'}`;
      const suffix = dialect === 'anthropic-messages' ? '-a' : '';

      test(`${how}: the form that the call asks for, and nothing where it asks for none`, async () => {
        const found = await scoring('request', 'format', 3, async () => {
          await ask(dialect, 'request', { model: `prose${suffix}`, stream });
          for (const model of ['json', 'prose', 'wrong'])
            await ask(dialect, 'request', { model: model + suffix, stream, schema: SCHEMA });
        });
        assert.deepEqual(found, { n: 3, bad: 2 });
      });

      test(`${how}: tools called well, wrongly, not in JSON, and by an unknown name`, async () => {
        const found = await scoring('request', 'toolFailure', 3, async () => {
          for (const model of ['miscalled', 'unknown', ...(dialect.startsWith('google') ? ['miscalled'] : ['broken'])])
            await ask(dialect, 'request', { model: model + suffix, stream, tool: TOOL });
        });
        assert.deepEqual(found, { n: 3, bad: 3 });
      });
    }

  test('JSON, a schema of the file, a pattern: each its own measure in the basis', async () => {
    const of = async (feature: string, models: readonly string[]): Promise<Sums> =>
      scoring(feature, 'format', models.length, async () => {
        for (const model of models) await ask('openai-chat', feature, { model, stream: true });
      });
    assert.deepEqual(await of('json', ['json', 'prose', 'wrong']), { n: 3, bad: 1 });
    assert.deepEqual(await of('schema', ['json', 'prose', 'wrong']), { n: 3, bad: 2 });
    const { lines } = await gate.admin('GET', '/quality?feature=schema&score=format');
    assert.match(lines[0].basis, /^(?:json|prose|wrong); by format schema [0-9a-f]{8}$/);
    assert.equal(lines[0].source, 'rule');
  });

  test('another value of a label that makes the basis is another past, of scores by rule and by API', async () => {
    const body = DIALECTS['openai-chat']!.body({ model: 'json', stream: false });
    const found = await scoring('labelled', 'format', 3, async () => {
      for (const version of ['v1', 'v2', 'v2'])
        await post('/v1/chat/completions', body, 'labelled', 'acme', { 'x-headgate-labels': `chunker=${version}` });
    });
    assert.deepEqual(found, { n: 3, bad: 0 });
    const { lines } = await gate.admin('GET', '/quality?feature=labelled');
    assert.deepEqual(lines.map(({ basis, scored }: any) => [basis, scored.n]).toSorted(), [
      ['json with chunker v1; by format json', 1],
      ['json with chunker v2; by format json', 2],
    ]);
    const { calls } = await gate.admin('GET', '/calls?feature=labelled&limit=10');
    const give = (scores: object): Promise<Response> =>
      fetch(`${gate.url}/v1/headgate/scores`, {
        method: 'POST',
        headers: { authorization: `Bearer ${keys['acme']}`, 'content-type': 'application/json' },
        body: JSON.stringify(scores),
      });
    const scored = await give({ scores: calls.map(({ id }: any) => ({ call: id, name: 'helpful', value: 1 })) });
    assert.equal(scored.status, 200, await scored.text());
    const { lines: helpful } = await gate.admin('GET', '/quality?feature=labelled&score=helpful');
    assert.deepEqual(helpful.map(({ basis, scored: { n } }: any) => [basis, n]).toSorted(), [
      ['json with chunker v1', 1],
      ['json with chunker v2', 2],
    ]);
    const taken = await give({ call: calls[0].id, name: 'format', value: 1 });
    assert.equal(taken.status, 400);
    assert.match(await taken.text(), /scores by itself/);
  });

  test('a pattern that the engine would go back over for ever is matched at once', async () => {
    const from = performance.now();
    const found = await scoring('regex', 'format', 1, () =>
      ask('openai-chat', 'regex', { model: 'evil', stream: false }),
    );
    assert.deepEqual(found, { n: 1, bad: 1 });
    assert.ok(performance.now() - from < 10_000);
  });

  test('an answer beyond the bound is not scored, and that is counted; nor does it hold what comes after', async () => {
    const found = await scoring('small', 'format', 1, async () => {
      for (const stream of [false, true]) await ask('openai-chat', 'small', { model: 'huge', stream });
      await ask('openai-chat', 'small', { model: 'json', stream: true });
    });
    assert.deepEqual(found, { n: 1, bad: 0 });
    const { notScored } = await gate.admin('GET', '/quality');
    assert.equal(notScored.find(({ rule, why }: any) => rule === 'format' && why === 'too_long').answers, 2);
  });

  test('a schema of the call that is not checked here is counted, and no score', async () => {
    const schema = { ...SCHEMA, unevaluatedProperties: false };
    const found = await scoring('request', 'format', 1, async () => {
      await ask('openai-chat', 'request', { model: 'json', stream: false, schema });
      await ask('openai-chat', 'request', { model: 'json', stream: false, schema: SCHEMA });
    });
    assert.deepEqual(found, { n: 1, bad: 0 });
    const { notScored } = await gate.admin('GET', '/quality');
    assert.equal(notScored.find(({ why }: any) => why === 'schema').answers, 1);
  });

  test('a tool that failed makes the answer bad that called it, in its own conversation and tenant alone', async () => {
    const call = (tenant: string, session: string, messages: object[]): Promise<string> =>
      post(
        '/v1/messages',
        { model: 'called-a', max_tokens: 100, messages, tools: [{ name: 'look', input_schema: TOOL }] },
        'request',
        tenant,
        { 'x-headgate-session': session },
      );
    const result = (answer: string, isError: boolean): object[] => {
      const { content } = JSON.parse(answer);
      const [{ id }] = content.filter(({ type }: any) => type === 'tool_use');
      return [
        ...user,
        { role: 'assistant', content },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: id, content: 'no', is_error: isError }] },
      ];
    };
    const [first, second, foreign] = [
      await call('acme', 's1', user),
      await call('acme', 's2', user),
      await call('globex', 's1', user),
    ];
    // The id of acme’s call in the mouth of another tenant, and of another session, says nothing.
    await call('globex', 's1', result(first, true));
    await call('acme', 's3', result(first, true));
    const found = await scoring('request', 'toolFailure', 2, async () => {
      await call('acme', 's1', result(first, true));
      await call('acme', 's2', result(second, false));
    });
    assert.deepEqual(found, { n: 2, bad: 1 });
    assert.deepEqual(await sums('request', 'toolFailure', 'globex'), { n: 0, bad: 0 });
    assert.ok(foreign);
  });

  test('a feature without such a rule has no such score', async () => {
    await ask('openai-chat', 'plain', { model: 'prose', stream: false });
    await gate.until('its rule', async () => (await sums('plain', 'failure')).n === 1);
    assert.deepEqual(await sums('plain', 'format'), { n: 0, bad: 0 });
  });
});
