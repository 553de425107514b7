import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { startGate, temporaryFolder, type GateProcess } from '../harness/gate-process.ts';

const CONFIG = (url: string): string => `
providers: { lab: { kind: lab, baseUrl: "${url}/v1" } }
models: { small: { deployments: [{ provider: lab, model: lab-small }] } }
prices: [{ provider: lab, model: lab-small, perMillion: { input: "1", output: "2" } }]
features: { chat: {} }
labels: [run, team]
attribution: { valuesADay: 20 }
tenants: { acme: {}, globex: {} }
`;
const CALLS = 60;

describe('a tenant that labels each call otherwise', () => {
  let provider: Provider;
  let gate: GateProcess;
  const keys: Record<string, string> = {};
  const dataDir = temporaryFolder('values');

  const call = async (tenant: string, labels: string, agent = 'OpenAI/JS 6.1.0'): Promise<number> => {
    const response = await fetch(`${gate.url}/v1/chat/completions`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${keys[tenant]}`,
        'content-type': 'application/json',
        'user-agent': agent,
        'x-headgate-labels': labels,
      },
      body: JSON.stringify({ model: 'small', max_tokens: 20, messages: [{ role: 'user', content: 'Say hello.' }] }),
    });
    await response.text();
    return response.status;
  };
  const spend = async (tenant: string, by: string): Promise<Map<string | null, number>> => {
    const { rows } = await gate.admin('GET', `/spend?by=${encodeURIComponent(by)}&tenant=${tenant}`);
    return new Map(rows.map((row: { by: (string | null)[]; calls: number }) => [row.by[0], row.calls]));
  };

  before(async () => {
    provider = await startProvider({ seed: 20_261_127 });
    gate = await startGate({ config: CONFIG(provider.url), dataDir });
    for (const tenant of ['acme', 'globex']) {
      const rights = { features: '*', labels: ['run', 'team'] };
      const made = await gate.admin('POST', '/keys', { tenant, name: 'k', defaultFeature: 'chat', rights });
      keys[tenant] = made.key;
    }
    for (let n = 0; n < CALLS; n++) assert.equal(await call('acme', `run=run ${n},team=core`), 200);
    for (let n = 0; n < 5; n++) assert.equal(await call('globex', `run=run ${100 + n}`, `tool-${n}/1.0`), 200);
    await gate.until('all calls in the store', async () => {
      const sums = await spend('acme', 'tenant');
      return sums.get('acme') === CALLS && (await spend('globex', 'tenant')).get('globex') === 5;
    });
  });
  after(async () => {
    await gate?.stop();
    await provider?.close();
    rmSync(dataDir, { recursive: true, force: true });
  });

  test('has the first values apart and the rest as other; sums are exact', async () => {
    const runs = await spend('acme', 'label:run');
    assert.equal(runs.size, 21);
    assert.equal(runs.get('(other)'), CALLS - 20);
    assert.equal(runs.get('run 19'), 1);
    assert.equal(
      [...runs.values()].reduce((all, calls) => all + calls, 0),
      CALLS,
    );
    assert.deepEqual([...(await spend('acme', 'label:team'))], [['core', CALLS]]);
  });

  test('takes nothing from another tenant', async () => {
    const runs = await spend('globex', 'label:run');
    assert.deepEqual([...runs.keys()].sort(), ['run 100', 'run 101', 'run 102', 'run 103', 'run 104']);
  });

  test('has each call with what it said of itself, in the API and in exports', async () => {
    const { calls } = await gate.admin('GET', '/calls?tenant=acme&limit=100');
    const others = calls.filter(({ asOther }: { asOther: unknown }) => asOther !== null);
    assert.equal(others.length, CALLS - 20);
    const said = new Set(others.map((one: any) => one.asOther['label:run']));
    assert.equal(said.size, CALLS - 20);
    assert.ok(said.has('run 59'));
    for (const { labels } of others) assert.deepEqual(labels, { run: '(other)', team: 'core' });
    const headers = { authorization: `Bearer ${gate.adminToken}` };
    const response = await fetch(`${gate.url}/admin/export?tenant=acme&format=csv`, { headers });
    const csv = await response.text();
    for (let n = 0; n < CALLS; n++) assert.match(csv, new RegExp(`run ${n}\\W`));
    assert.doesNotMatch(csv, /\(other\)/);
  });

  test('cannot say the word itself, and the metric counts what was folded', async () => {
    assert.equal(await call('acme', 'run=(other)'), 400);
    const headers = { authorization: `Bearer ${gate.adminToken}` };
    const page = await (await fetch(`${gate.url}/metrics`, { headers })).text();
    assert.match(page, /headgate_other_values_total\{value="label:run"\} 40\n/);
  });

  test('still counts alike after a kill and a restart', async () => {
    await gate.kill();
    gate = await startGate({ config: CONFIG(provider.url), dataDir });
    const runs = await spend('acme', 'label:run');
    assert.equal(runs.get('(other)'), CALLS - 20);
  });
});
