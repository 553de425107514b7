import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Findings } from '../plan.ts';
import { configText } from '../write-config.ts';
import { readPortkeyConfig, unwrapped } from './config.ts';

function read(config: unknown, name?: string) {
  const findings = new Findings();
  const { source, slug } = unwrapped(JSON.stringify(config, null, 2), 'config.json');
  const wanted = readPortkeyConfig(source, name ?? slug ?? 'chat', findings);
  // What is written passes the schema, whatever was read.
  configText(wanted, 'config.json');
  const what = (kind: string): string[] => findings.all.filter((one) => one.kind === kind).map((one) => one.what);
  return { wanted, findings: findings.all, what, chain: chainOf(wanted.models) };
}
const chainOf = (
  models: Readonly<Record<string, readonly { provider: string; model?: string; weight?: number; order?: number }[]>>,
) =>
  Object.entries(models).flatMap(([name, all]) =>
    all.map(({ provider, model = '*', weight = 1, order = 0 }) => `${name} ${order} ${provider}/${model} ×${weight}`),
  );
const openai = { provider: 'openai', virtual_key: 'openai-prod', override_params: { model: 'gpt-5' } };
const anthropic = {
  provider: 'anthropic',
  api_key: 'sk-ant-secret-0001',
  override_params: { model: 'claude', temperature: 0 },
};

describe('a config of Portkey', () => {
  test('a fallback is an order, a load balance a weight', () => {
    const fallback = read({ strategy: { mode: 'fallback', on_status_codes: [429] }, targets: [openai, anthropic] });
    assert.deepEqual(fallback.chain, ['chat 0 openai/gpt-5 ×1', 'chat 1 anthropic/claude ×1']);
    assert.equal(fallback.wanted.attempts, 2);
    const balance = read({
      strategy: { mode: 'loadbalance' },
      targets: [
        { ...openai, weight: 0.75 },
        { ...anthropic, weight: 0.25 },
      ],
    });
    assert.deepEqual(balance.chain, ['chat 0 openai/gpt-5 ×75', 'chat 0 anthropic/claude ×25']);
  });

  test('trees are flattened, and where a tree says more than an order can, that is said', () => {
    const balanced = {
      strategy: { mode: 'loadbalance' },
      targets: [
        { ...openai, weight: 3 },
        { ...anthropic, weight: 1 },
      ],
    };
    const groq = { provider: 'groq', override_params: { model: 'llama' }, virtual_key: 'groq-1' };
    const inside = read({ strategy: { mode: 'fallback' }, targets: [balanced, groq] });
    assert.deepEqual(inside.chain, ['chat 0 openai/gpt-5 ×75', 'chat 0 anthropic/claude ×25', 'chat 1 groq/llama ×1']);
    assert.deepEqual(inside.what('changed'), []);
    const around = read({
      strategy: { mode: 'loadbalance' },
      targets: [{ strategy: { mode: 'fallback' }, targets: [openai, groq] }, anthropic],
    });
    assert.deepEqual(around.chain, ['chat 0 openai/gpt-5 ×1', 'chat 0 anthropic/claude ×1', 'chat 1 groq/llama ×1']);
    assert.deepEqual(around.what('changed'), ['a fallback inside a load balance']);
  });

  test('virtual keys are listed by name, secrets in the clear without their text', () => {
    const { findings, wanted } = read({ strategy: { mode: 'fallback' }, targets: [openai, anthropic] });
    assert.deepEqual(wanted.providers, {
      openai: { kind: 'openai', apiKey: '${env:OPENAI_PROD_API_KEY}' },
      anthropic: { kind: 'anthropic', apiKey: '${env:ANTHROPIC_API_KEY}' },
    });
    const left = findings.filter(({ kind }) => kind === 'left');
    assert.deepEqual(
      left.map(({ what }) => what),
      ['virtual key openai-prod', 'targets[1].api_key', 'targets[1].override_params.temperature'],
    );
    assert.ok(left.every(({ place }) => /^config\.json:\d+$/.test(place)));
    assert.ok(!JSON.stringify([findings, wanted]).includes('sk-ant-secret-0001'));
  });

  test('the provider is read from the vault’s names where nothing else says it', () => {
    const { chain, what } = read({
      strategy: { mode: 'fallback' },
      targets: [
        { virtual_key: 'mistral-eu-1', overrideParams: { model: 'm' } },
        { provider: '@openai-dev', override_params: { model: '@openai-dev/gpt-5' } },
        { virtual_key: 'team-a' },
      ],
    });
    assert.deepEqual(chain, ['chat 0 mistral/m ×1', 'chat 1 openai/gpt-5 ×1']);
    assert.ok(what('left').includes('target team-a'));
  });

  test('Azure’s resource and deployment become an address and a model', () => {
    const azure = {
      provider: 'azure-openai',
      virtualKey: 'azure-eu',
      resourceName: 'acme',
      deploymentId: 'gpt5-eu',
      apiVersion: '2024-10-21',
    };
    const { wanted, chain } = read(azure);
    assert.deepEqual(chain, ['chat 0 acme/gpt5-eu ×1']);
    assert.equal(wanted.providers['acme']!.baseUrl, 'https://acme.openai.azure.com/openai');
    assert.deepEqual(read({ ...azure, resourceName: undefined }).what('left'), ['target azure-eu']);
  });

  test('the answer of Portkey’s API is unwrapped, and its slug names the model', () => {
    const { chain, what, wanted, findings } = read({
      success: true,
      data: {
        slug: 'pc-chat-1',
        config: {
          retry: { attempts: 5, on_status_codes: [429] },
          cache: { mode: 'simple' },
          strategy: { mode: 'conditional' },
          targets: [openai],
        },
      },
    });
    assert.deepEqual(chain, ['pc-chat-1 0 openai/gpt-5 ×1']);
    assert.equal(wanted.attempts, 6);
    assert.equal(findings.find((one) => one.what === 'cache')!.place, 'config.json:12');
    assert.ok(
      ['cache', 'strategy.mode: conditional'].every((name) => what('left').includes(name)),
      String(what('left')),
    );
  });

  test('a target that leaves the model to the caller is said to ask for the name of the group', () => {
    const target = { provider: 'openai', virtual_key: 'openai-prod' };
    assert.deepEqual(read(target).what('changed'), ['target openai without override_params.model']);
    assert.deepEqual(read(target, 'gpt-*').what('changed'), []);
  });

  test('property: whatever stands in a config, what is written passes the schema and no secret is repeated', () => {
    const odd = fc.oneof(fc.integer(), fc.double(), fc.constantFrom(null, true, '', 'x', [], {}));
    const { target } = fc.letrec<{ target: unknown }>((tie) => ({
      target: fc.record(
        {
          provider: fc.oneof(
            fc.constantFrom('openai', 'azure-openai', 'anthropic', '@openai-x', 'nobody', 'constructor'),
            odd,
          ),
          api_key: fc.constantFrom('sk-live-1', ''),
          virtual_key: fc.oneof(fc.constantFrom('groq-1', 'team-a'), odd),
          override_params: fc.oneof(fc.record({ model: odd }), fc.constant({ model: 'm' })),
          ...{ weight: odd, request_timeout: odd, custom_host: odd, resource_name: odd, retry: odd },
          strategy: fc.oneof(fc.record({ mode: fc.constantFrom('fallback', 'loadbalance', 'single', 'odd') }), odd),
          targets: fc.oneof(
            { depthSize: 'small', withCrossShrink: true },
            odd,
            fc.array(tie('target'), { maxLength: 4 }),
          ),
        },
        { requiredKeys: [] },
      ),
    }));
    fc.assert(
      fc.property(target, (value) => {
        const { findings, wanted } = read(value);
        assert.ok(!JSON.stringify([findings, wanted]).includes('sk-live-1'));
      }),
      { numRuns: 300 },
    );
  });
});
