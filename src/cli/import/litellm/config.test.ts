import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Findings, type FindingKind } from '../plan.ts';
import { readSourceFile } from '../source-file.ts';
import { configText } from '../write-config.ts';
import { readLitellmConfig } from './config.ts';

function read(text: string, env: Readonly<Record<string, string>> = {}) {
  const findings = new Findings();
  const config = readLitellmConfig(readSourceFile(text, 'config.yaml'), env, findings);
  // What is written passes the schema, whatever was read.
  const yaml = configText(config, 'config.yaml');
  const of = (kind: FindingKind): string[] =>
    findings.all.filter((one) => one.kind === kind).map(({ what, place }) => `${place} ${what}`);
  return { config, yaml, findings: findings.all, of };
}
const model = (params: string, name = 'm'): string =>
  `model_list:\n  - model_name: ${name}\n    litellm_params: { ${params} }\n`;

describe('config.yaml of LiteLLM', () => {
  test('anchors and merge keys are followed, and their section is no setting', () => {
    const { config, of } = read(`
base: &azure { api_base: "https://acme.openai.azure.com/", api_version: "2024-10-21", api_key: os.environ/AZ }
model_list:
  - model_name: a
    litellm_params: { <<: *azure, model: azure/one }
  - model_name: b
    litellm_params: { <<: *azure, model: azure/two, api_version: "2025-01-01" }
`);
    assert.deepEqual(config.providers, {
      acme: {
        kind: 'azure-deployments',
        baseUrl: 'https://acme.openai.azure.com/openai',
        apiKey: '${env:AZ}',
        query: { 'api-version': '2024-10-21' },
      },
      'acme-2': {
        kind: 'azure-deployments',
        baseUrl: 'https://acme.openai.azure.com/openai',
        apiKey: '${env:AZ}',
        query: { 'api-version': '2025-01-01' },
      },
    });
    assert.deepEqual(of('left'), []);
    assert.deepEqual(of('note'), ['config.yaml:2 base']);
  });

  test('a secret in the clear is never repeated, and a key never goes to another host', () => {
    const secret = 'sk-live-0123456789';
    const clear = read(model(`model: openai/gpt-5, api_key: ${secret}`));
    assert.deepEqual(clear.config.providers['openai'], { kind: 'openai', apiKey: '${env:OPENAI_API_KEY}' });
    const elsewhere = read(model(`model: openai/q, api_base: "http://vllm.internal:8000/v1", api_key: ${secret}`));
    assert.equal(elsewhere.config.providers['vllm']!.apiKey, '${env:VLLM_API_KEY}');
    const without = read(model('model: openai/q, api_base: "http://vllm.internal:8000/v1"'));
    assert.equal(without.config.providers['vllm']!.apiKey, undefined);
    assert.match(without.findings.find(({ kind }) => kind === 'changed')!.why, /no key goes to another host/);
    for (const { yaml, findings } of [clear, elsewhere]) {
      assert.ok(!(yaml + JSON.stringify(findings)).includes(secret));
      assert.ok(findings.some(({ kind, what }) => kind === 'left' && what.endsWith('api_key')));
    }
  });

  test('the provider’s own address is no address of ours', () => {
    for (const [params, kind] of [
      ['model: openai/a, api_base: "https://api.openai.com/v1/"', 'openai'],
      ['model: anthropic/a, api_base: "https://api.anthropic.com"', 'anthropic'],
      ['model: mistral/a, api_base: "https://api.mistral.ai/v1"', 'mistral'],
    ] as const)
      assert.equal(read(model(params)).config.providers[kind]!.baseUrl, undefined, params);
    const lookalike = read(
      model('model: mistral/a, api_base: "https://api.mistral.ai.evil.example/v1", api_key: none'),
    );
    assert.equal(Object.values(lookalike.config.providers)[0]!.kind, 'openai-compatible');
  });

  test('an address by reference is read where it can be, else its model is listed', () => {
    const text = model('model: openai/q, api_base: os.environ/BASE, api_key: none');
    assert.equal(read(text, { BASE: 'http://h.internal/v1' }).config.providers['h']!.baseUrl, 'http://h.internal/v1');
    const lost = read(text);
    assert.deepEqual(lost.config.models, {});
    assert.deepEqual(lost.of('left'), ['config.yaml:3 model_list[0].litellm_params.api_base']);
  });

  test('equal names are one group, drawn as LiteLLM drew them: by weight, else by rpm', () => {
    const two = (first: string, second: string): string =>
      `model_list:\n  - { model_name: m, litellm_params: { model: openai/a, ${first} } }\n  - { model_name: m, litellm_params: { model: openai/b, ${second} } }\n`;
    const weights = (text: string): unknown =>
      read(text).config.models['m']!.map(({ weight, order }) => [weight, order]);
    assert.deepEqual(weights(two('weight: 3', 'weight: 1')), [
      [3, undefined],
      [1, undefined],
    ]);
    assert.deepEqual(weights(two('rpm: 900', 'rpm: 300')), [
      [3, undefined],
      [1, undefined],
    ]);
    assert.deepEqual(weights(two('rpm: 5', 'rpm: 5')), [
      [undefined, undefined],
      [undefined, undefined],
    ]);
    assert.deepEqual(
      weights(two('weight: 1', 'weight: 0')),
      [
        [undefined, undefined],
        [undefined, 1],
      ],
      'nobody draws 0',
    );
    assert.deepEqual(weights(two('order: 2', 'order: 5')), [
      [undefined, undefined],
      [undefined, 1],
    ]);
    assert.match(read(two('rpm: 900', 'rpm: 300')).findings[0]!.why, /as a limit it is not enforced/);
    const same = read(two('rpm: 1', 'rpm: 1').replace('openai/b', 'openai/a'));
    assert.equal(same.config.models['m']!.length, 1);
    assert.ok(same.findings.some(({ what }) => what === 'model m: a deployment that stands twice'));
  });

  test('fallbacks stand behind their model, aliases share them, and attempts reach the last of them', () => {
    const { config, of } = read(`
model_list:
  - { model_name: a, litellm_params: { model: openai/a } }
  - { model_name: a, litellm_params: { model: openai/a2 } }
  - { model_name: b, litellm_params: { model: anthropic/b } }
  - { model_name: c, litellm_params: { model: mistral/c } }
  - { model_name: "gpt-*", litellm_params: { model: "openai/gpt-*" } }
router_settings:
  model_group_alias: { nick: a, lost: nobody }
  fallbacks: [{ a: [b, gpt-5] }, { nobody: [b] }, { b: [nobody] }]
  default_fallbacks: [c]
  num_retries: 1
`);
    const chain = (name: string): string[] =>
      config.models[name]!.map(({ provider, model, order = 0 }) => `${order} ${provider}/${model}`);
    assert.deepEqual(chain('a'), ['0 openai/a', '0 openai/a2', '1 anthropic/b', '2 openai/gpt-5']);
    assert.deepEqual(chain('nick'), chain('a'));
    assert.deepEqual(chain('b'), ['0 anthropic/b']);
    assert.deepEqual(chain('c'), ['0 mistral/c']);
    assert.deepEqual(chain('gpt-*'), ['0 openai/undefined', '1 mistral/c']);
    assert.equal(config.attempts, 4);
    assert.deepEqual(of('left'), [
      'config.yaml:9 alias lost → nobody',
      'config.yaml:10 fallback of nobody',
      'config.yaml:10 fallback b → nobody',
    ]);
  });

  test('an unknown provider, a pattern that rewrites, and an entry without a model are listed with their place', () => {
    const { config, of } = read(`
model_list:
  - { model_name: bed, litellm_params: { model: sagemaker/x } }
  - { model_name: "groq/*", litellm_params: { model: "groq/*" } }
  - { model_name: bare, litellm_params: { model: whoever-1 } }
  - { model_name: none, litellm_params: { api_key: os.environ/K } }
  - { model_name: az, litellm_params: { model: azure/x } }
  - { model_name: "*", litellm_params: { model: "*", custom_llm_provider: openai } }
`);
    assert.deepEqual(config.models, { '*': [{ provider: 'openai' }] });
    assert.deepEqual(of('left'), [
      'config.yaml:3 model bed → sagemaker/x',
      'config.yaml:4 model groq/* → groq/*',
      'config.yaml:5 model bare → whoever-1',
      'config.yaml:6 model_list[3]',
      'config.yaml:7 model_list[4].litellm_params.model (azure)',
    ]);
  });

  test('clouds: kind by model, place and fixed keys as ours, other credentials by the platform’s chain', () => {
    const { config, of } = read(`
model_list:
  - { model_name: a, litellm_params: { model: bedrock/us.anthropic.claude-sonnet-5-v1:0, aws_region_name: us-east-1, aws_role_name: r } }
  - { model_name: b, litellm_params: { model: bedrock/converse/eu-west-1/amazon.nova-pro-v1:0, aws_access_key_id: os.environ/ID, aws_secret_access_key: os.environ/SECRET } }
  - { model_name: c, litellm_params: { model: vertex_ai/gemini-3-pro, vertex_project: p, vertex_location: global, vertex_credentials: key.json } }
  - { model_name: d, litellm_params: { model: vertex_ai/claude-sonnet-5@20260101, vertex_project: p, vertex_location: us-east5 } }
  - { model_name: e, litellm_params: { model: vertex_ai/imagen-5 } }
`);
    assert.deepEqual(Object.values(config.providers), [
      { kind: 'bedrock-claude', region: 'us-east-1' },
      { kind: 'bedrock', region: 'eu-west-1', accessKeyId: '${env:ID}', secretAccessKey: '${env:SECRET}' },
      { kind: 'vertex-gemini', project: 'p', location: 'global' },
      { kind: 'vertex-claude', project: 'p', location: 'us-east5' },
    ]);
    assert.equal(config.models['a']![0]!.model, 'us.anthropic.claude-sonnet-5-v1:0');
    assert.equal(config.models['b']![0]!.model, 'amazon.nova-pro-v1:0');
    assert.deepEqual(of('changed'), [
      'config.yaml:3 model_list[0].litellm_params.aws_role_name',
      'config.yaml:5 model_list[2].litellm_params.vertex_credentials',
    ]);
    assert.deepEqual(of('left'), ['config.yaml:7 model e → vertex_ai/imagen-5']);
  });

  test('prices of a token become prices of a million, exactly', () => {
    const { config, of } = read(
      model(
        'model: openai/a, input_cost_per_token: 1.5e-07, output_cost_per_token: 0.0000006, cache_read_input_token_cost: free',
      ),
    );
    assert.deepEqual(config.prices, [{ provider: 'openai', model: 'a', perMillion: { input: '0.15', output: '0.6' } }]);
    assert.deepEqual(of('left'), ['config.yaml:3 model_list[0].litellm_params.cache_read_input_token_cost']);
  });

  test('every setting that is not taken is listed, and of two equal keys the later one counts', () => {
    const { of, config } = read(`
model_list: [{ model_name: a, litellm_params: { model: openai/a, temperature: 0.1 }, odd: 1 }]
litellm_settings: { drop_params: false, cache: true, drop_params: true, brand_new: 1 }
router_settings: { routing_strategy: least-busy, brand_new: 1 }
general_settings: { master_key: sk-1234, brand_new: 1 }
brand_new: { a: 1 }
empty: {}
`);
    assert.equal(config.models['a']![0]!.onUnsupported, 'drop');
    assert.deepEqual(of('note'), ['config.yaml:3 `drop_params` stands twice']);
    assert.deepEqual(of('left'), [
      'config.yaml:2 model_list[0].litellm_params.temperature',
      'config.yaml:2 model_list[0].odd',
      'config.yaml:4 router_settings.routing_strategy: least-busy',
      'config.yaml:4 router_settings.brand_new',
      'config.yaml:3 litellm_settings.cache',
      'config.yaml:3 litellm_settings.brand_new',
      'config.yaml:5 general_settings.master_key',
      'config.yaml:5 general_settings.brand_new',
      'config.yaml:6 brand_new',
    ]);
  });

  test('property: whatever stands in a file, what is written passes the schema, and each model is taken or listed', () => {
    const odd = fc.oneof(
      fc.integer({ min: -5, max: 3e9 }),
      fc.double(),
      fc.constantFrom(null, true, '', 'x', [], {}, '9'),
    );
    const params = fc.record(
      {
        model: fc.constantFrom(
          'openai/a',
          'azure/b',
          'anthropic/c',
          'bedrock/d',
          'constructor/e',
          'gpt-5',
          'openai/*',
          '*',
          'odd',
        ),
        api_base: fc.constantFrom('http://h:1/v1', 'https://a.openai.azure.com', 'nonsense', ''),
        api_key: fc.constantFrom('os.environ/K', 'none', 'sk-live-1', ''),
        ...{ weight: odd, rpm: odd, tpm: odd, order: odd, timeout: odd, stream_timeout: odd },
        ...{ input_cost_per_token: odd, extra_headers: odd, custom_llm_provider: fc.constantFrom('openai', 'none') },
      },
      { requiredKeys: [] },
    );
    const name = fc.oneof(
      fc.constantFrom('a', 'b', 'gpt-*', '*', '', '__proto__', 'constructor'),
      fc.string({ maxLength: 200 }),
    );
    const entry = fc.record(
      { model_name: name, litellm_params: fc.oneof(params, odd), model_info: odd },
      { requiredKeys: [] },
    );
    const file = fc.record({
      model_list: fc.oneof(fc.array(fc.oneof(entry, odd), { maxLength: 12 }), odd),
      router_settings: fc.oneof(fc.record({ fallbacks: odd, model_group_alias: odd, num_retries: odd }), odd),
      litellm_settings: odd,
      constructor: odd,
    });
    fc.assert(
      fc.property(file, (value) => {
        const { findings } = read(JSON.stringify(value));
        assert.ok(!JSON.stringify(findings).includes('sk-live-1'));
      }),
      { numRuns: 300 },
    );
  });

  test('tokens a minute beyond the bound of a weight keep their shares', () => {
    const two = `model_list:\n  - { model_name: m, litellm_params: { model: openai/a, tpm: 30000000 } }\n  - { model_name: m, litellm_params: { model: openai/b, tpm: 10000000 } }\n`;
    assert.deepEqual(
      read(two).config.models['m']!.map(({ weight }) => weight),
      [3, 1],
    );
    const odd = two.replace('30000000', '30000001');
    const [a, b] = read(odd).config.models['m']!.map(({ weight }) => weight!);
    assert.ok(a! <= 1e6 && Math.abs(a! / b! - 3.0000001) < 1e-6);
  });

  test('a credential list is followed, and a bomb of aliases refused', () => {
    const { config } = read(`
model_list: [{ model_name: a, litellm_params: { model: azure/a, litellm_credential_name: eu } }]
credential_list:
  - { credential_name: eu, credential_values: { api_base: "https://eu.openai.azure.com", api_key: os.environ/EU, api_version: v1 } }
`);
    assert.equal(config.providers['eu']!.apiKey, '${env:EU}');
    const lines = ['a0: &a0 [x, x]'];
    for (let i = 1; i < 30; i++) lines.push(`a${i}: &a${i} [*a${i - 1}, *a${i - 1}, *a${i - 1}, *a${i - 1}]`);
    assert.throws(() => read(lines.join('\n')), /Excessive alias count/);
  });
});
