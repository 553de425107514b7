import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { makeKey } from '../hostile/world.ts';

const configOf = (
  provider: Provider,
  more: string,
): string => `providers: { lab: { kind: lab, baseUrl: "${provider.url}/v1" } }
models: { m: { deployments: [{ provider: lab, model: lab-small }] } }
limitCounters: { kind: valkey, url: "redis://127.0.0.1:1", ${more} }`;

async function call(gate: GateProcess, key: string): Promise<string> {
  const response = await fetch(`${gate.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hi [[lab output=3]]' }] }),
  });
  const { error } = (await response.json()) as { error?: { code: string } };
  return `${response.status} ${error?.code ?? ''}`.trim();
}

describe('counters of limits that are away, with `whenAway: refuse`', () => {
  let provider: Provider;
  let gate: GateProcess;
  before(async () => {
    provider = await startProvider({ seed: 20261127 });
    // Nobody listens there.
    gate = await startGate({ config: configOf(provider, 'whenAway: refuse') });
  });
  after(async () => {
    await gate?.stop();
    await provider?.close();
  });

  test('a call that a limit applies to is a 503 that is not sent, any other is served', async () => {
    const [limited, free] = [await makeKey({ gate } as never, 'limited'), await makeKey({ gate } as never, 'free')];
    await gate.admin('POST', '/limits', { level: 'tenant', tenant: 'limited', limit: 5 });
    const sent = provider.log.length;
    assert.equal(await call(gate, limited), '503 store_unavailable');
    assert.equal(provider.log.length, sent);
    assert.equal(await call(gate, free), '200');
    const { limits } = await gate.admin('GET', '/limits?tenant=limited');
    assert.deepEqual([limits[0].used, limits[0].reserved], [0, 0]);
  });
});

test('a gate that starts while the counters are away takes the share of one of `gates`, not the whole', async () => {
  const provider = await startProvider({ seed: 20261127 });
  const gate = await startGate({ config: configOf(provider, 'gates: 3') });
  try {
    const key = await makeKey({ gate } as never, 'limited');
    await gate.admin('POST', '/limits', { level: 'tenant', tenant: 'limited', window: 'day', limit: 7 });
    const said: string[] = [];
    for (let i = 0; i < 4; i++) said.push(await call(gate, key));
    assert.deepEqual(said, ['200', '200', '429 limit_exceeded', '429 limit_exceeded']);
  } finally {
    await gate.stop();
    await provider.close();
  }
});
