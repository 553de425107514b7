import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { deliveryOf, type Delivery } from '../../src/capabilities/streams/doctor/core/delivery.ts';
import { probeSse } from '../../src/capabilities/streams/doctor/probe-sse.ts';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { nginx } from './nginx.ts';
import { binaryOf, startProxy, type ProxyProgram } from './proxies.ts';

const config = (url: string): string => `
providers: { lab: { kind: lab, baseUrl: "${url}/v1" } }
models: { m: { deployments: [{ provider: lab, model: lab-small }] } }
features: { search: {} }
`;

describe('buffering', () => {
  let provider: Provider;
  let gate: GateProcess;
  let ticket: string;
  before(async () => {
    provider = await startProvider({ seed: 20261125 });
    gate = await startGate({ config: config(provider.url) });
    ({ ticket } = await gate.admin('POST', '/streams/echo-tickets', {}));
  });
  after(async () => {
    await gate?.stop();
    await provider?.close();
  });

  async function delivery(url: string, more: object = {}): Promise<Delivery> {
    const way = { base: new URL(url), ticket, headers: {} };
    const ask = { query: { count: 10, every: 100, ...more }, boundMs: 10_000 };
    const samples = await Promise.all([1, 2, 3].map(() => probeSse(way, ask)));
    return deliveryOf(samples, { expected: 10, roundTripMs: null });
  }
  async function through(program: ProxyProgram, more: object = {}): Promise<Delivery> {
    const proxy = await startProxy(program, gate.url);
    try {
      return await delivery(proxy.url, more);
    } finally {
      await proxy.stop();
    }
  }

  test('direct', async () => {
    const d = await delivery(gate.url);
    console.log(d);
    assert.equal(d.kind, 'streams');
  });
  test('nginx', { skip: binaryOf('nginx') ? false : 'nginx is not installed' }, async () => {
    const d = await through(nginx(''));
    console.log(d);
    assert.equal(d.kind, 'whole');
    const cured = await through(nginx(''), { 'accel-no': true });
    assert.equal(cured.kind, 'streams');
    const off = await through(nginx('proxy_buffering off;'));
    console.log(off);
    assert.equal(off.kind, 'streams');
  });
});
