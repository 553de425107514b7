import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { makeKey } from '../hostile/world.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';

describe('alerts on limits, and what `now` says of them', () => {
  let provider: Provider;
  let gate: GateProcess;
  before(async () => {
    provider = await startProvider({ seed: 20261127 });
    gate = await startGate({
      config: `
providers: { lab: { kind: lab, baseUrl: "${provider.url}/v1" } }
models: { m: { deployments: [{ provider: lab, model: lab-small }] } }
alerts:
  interval: 1s
  rules:
    near: { kind: limit-use, threshold: 0.8 }
    full: { kind: limit-use, threshold: 1 }
    refused: { kind: limit-refused, threshold: 2 }
    elsewhere: { kind: limit-refused, scope: { tenant: other } }
`,
    });
  });
  after(async () => {
    await gate?.stop();
    await provider?.close();
  });

  const firing = async (): Promise<string[]> => {
    const { rules } = await gate.admin('GET', '/alerts');
    return rules.filter(({ state }: any) => state === 'firing').map(({ rule }: any) => rule);
  };
  const until = async (wanted: readonly string[]): Promise<void> => {
    for (let i = 0; i < 100 && String(await firing()) !== String(wanted); i++)
      await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual(await firing(), wanted);
  };
  const findings = async (): Promise<string[]> =>
    (await gate.admin('GET', '/now')).findings
      .filter(({ about }: any) => about === 'limit')
      .map(({ text, next }: any) => `${text} > ${next[0]}`);

  test('from four fifths on, at the whole, and when calls are refused', async () => {
    const key = await makeKey({ gate } as never, 'acme');
    const call = async (): Promise<number> => {
      const response = await fetch(`${gate.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hi [[lab output=3]]' }] }),
      });
      await response.arrayBuffer();
      return response.status;
    };
    const { id } = await gate.admin('POST', '/limits', { level: 'tenant', tenant: 'acme', window: 'day', limit: 5 });
    for (let i = 0; i < 3; i++) assert.equal(await call(), 200);
    assert.deepEqual([await firing(), await findings()], [[], []]);
    assert.equal(await call(), 200);
    await until(['near']);
    const raise = `headgate limits raise ${id} --by 1 --for 1h --reason "…"`;
    assert.deepEqual(await findings(), [
      `The limit of tenant acme is nearly used: 80.0 % of 5 requests a day are taken. > ${raise}`,
    ]);
    assert.equal(await call(), 200);
    await until(['near', 'full']);
    assert.deepEqual([await call(), await call()], [429, 429]);
    await until(['near', 'full', 'refused']);
    assert.deepEqual(await findings(), [`The limit of tenant acme (5 requests a day) refused 2 calls. > ${raise}`]);
    await gate.admin('PATCH', `/limits/${id}`, { limit: 100 });
    await until(['refused']);
  });
});
