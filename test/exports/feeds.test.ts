import assert from 'node:assert/strict';
import { mkdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { parseUsd } from '#kernel/money.ts';
import { startReceiver, type Receiver } from '#lab/metering/receiver.ts';
import type { Metered } from '#lab/metering/forms.ts';
import { json, startUpstream, type ScriptedUpstream } from '../clients-rules/scripted-upstream.ts';
import { headgate } from '../harness/cli.ts';
import { startGate, temporaryFolder, type GateProcess } from '../harness/gate-process.ts';
import { readExposition } from '../operate/exposition.ts';
import { ANSWER, ask, SECRET_WORDS } from '../telemetry/asking.ts';

const SEED = Number(process.env['SEED'] ?? 20261127);
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

const config = (upstream: string, feeds: string): string => `
environment: staging
providers: { first: { kind: lab, baseUrl: "${upstream}/v1" } }
models: { m: { deployments: [{ provider: first, model: up }] } }
prices: [{ provider: first, model: up, perMillion: { input: "1000", output: "2000" } }]
retry: { attempts: 1, backoff: 0ms }
feeds:
${feeds}
`;

/** A port that nothing listens on. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

const counted = async ({ admin }: GateProcess): Promise<any> =>
  (await admin('GET', '/spend?since=1h&by=environment&figures=sums')).rows[0];

async function callsOf(gate: GateProcess, key: string, calls: number): Promise<void> {
  for (let i = 0; i < calls; i += 10)
    await Promise.all(Array.from({ length: Math.min(10, calls - i) }, () => ask(gate, { key })));
}

const byId = (taken: readonly Metered[]): Map<string, Set<string>> => {
  const texts = new Map<string, Set<string>>();
  for (const { id, text } of taken) texts.set(id, (texts.get(id) ?? new Set()).add(text));
  return texts;
};

const sumUsd = (taken: readonly Metered[]): bigint => {
  const once = new Map(taken.map((event) => [event.id, event]));
  return [...once.values()].reduce((sum, { properties }) => sum + parseUsd(String(properties['cost_usd']))!, 0n);
};

describe('feeds of the ledger', () => {
  let upstream: ScriptedUpstream;
  let receiver: Receiver;
  let gate: GateProcess;
  const port = freePort();
  const dataDir = temporaryFolder('feeds');
  const tenants: Record<string, string> = {};
  const start = async (): Promise<void> => {
    gate = await startGate({
      config: config(
        upstream.url,
        `
  meter: { kind: openmeter, url: "${receiver.url}/api/v1/events", batch: 7 }
  bill: { kind: lago, url: "${receiver.url}/api/v1/events/batch", batch: 7, code: tokens }
  hook: { kind: webhook, url: "${receiver.url}/hook", secret: "\${env:HOOK}", tenants: [acme] }
  away: { kind: openmeter, url: "http://127.0.0.1:${await port}/api/v1/events", secret: "\${env:HOOK}" }`,
      ),
      env: { HOOK: SECRET },
      dataDir,
    });
  };
  const of = (code: string): Metered[] => receiver.taken.filter((event) => event.code === code);
  const ids = (code: string): number => new Set(of(code).map(({ id }) => id)).size;

  before(async () => {
    mkdirSync(dataDir, { recursive: true });
    // Each tenth request fails, half of them after their events have arrived.
    [upstream, receiver] = await Promise.all([
      startUpstream(),
      startReceiver({ seed: SEED, failures: 0.1, delayMs: 5 }),
    ]);
    upstream.answer(json(ANSWER));
    await start();
    for (const id of ['acme', 'globex']) {
      await gate.admin('POST', '/tenants', { id });
      tenants[id] = (await gate.admin('POST', '/keys', { tenant: id, name: 'k' })).key;
    }
  });
  after(async () => {
    await gate?.stop();
    await Promise.all([upstream?.close(), receiver?.close()]);
    rmSync(dataDir, { recursive: true, force: true });
  });

  test('each entry arrives in each form, of a filter its tenant’s alone, and sums to the ledger', async (t) => {
    t.diagnostic(`SEED=${SEED}`);
    await callsOf(gate, tenants['acme']!, 40);
    await callsOf(gate, tenants['globex']!, 25);
    await gate.until(
      'all of them',
      () => ids('headgate.call') >= 65 && ids('tokens') >= 65 && ids('ledger.entries') >= 40,
    );
    assert.deepEqual(receiver.faults, []);
    const spent = await counted(gate);
    assert.equal(spent.calls, 65);
    for (const code of ['headgate.call', 'tokens']) assert.equal(sumUsd(of(code)), parseUsd(spent.costUsd), code);
    assert.deepEqual([...new Set(of('ledger.entries').map(({ subject }) => subject))], ['acme']);
    const [event] = of('headgate.call');
    const { properties } = event!;
    assert.equal(properties['input_tokens'], 11);
    assert.equal(properties['cached_input_tokens'], 4);
    assert.ok(!receiver.taken.some(({ text }) => text.includes(SECRET_WORDS)));
  });

  test('a receiver that is away is behind, holds no other, and is seen in metrics and on the command line', async () => {
    await gate.until('a look', async () => (await metric(gate, 'headgate_feed_behind_events', 'away')) === 65);
    await gate.until('the others', async () => (await metric(gate, 'headgate_feed_behind_events', 'meter')) === 0);
    assert.ok((await metric(gate, 'headgate_feed_failures_total', 'away'))! > 0);
    assert.ok((await metric(gate, 'headgate_feed_lag_seconds', 'away'))! > 0);
    const { code, out } = await headgate(['feeds'], gate);
    assert.equal(code, 0);
    assert.match(out, /^away .*65 .*ECONNREFUSED/m);
    const { feeds } = JSON.parse((await headgate(['feeds', '--json'], gate)).out);
    const meter = feeds.find((feed: any) => feed.name === 'meter');
    assert.deepEqual([meter.behind, meter.lost, meter.counts.refused], [0, 0, 0]);
    assert.ok(meter.counts.sent >= 65);
  });

  test('kill -9 in mid-feed, again and again: every entry arrives, and each id has one content', async () => {
    let inMidFeed = 0;
    for (let round = 0; round < 3; round++) {
      await callsOf(gate, tenants['acme']!, 60);
      await gate.kill();
      if (ids('headgate.call') < 65 + 60 * (round + 1)) inMidFeed += 1;
      await start();
    }
    assert.ok(inMidFeed > 0, 'a death came in mid-feed');
    await gate.until('all in the ledger', async () => (await counted(gate)).calls === 245);
    await gate.until(
      'all in the feeds',
      () => ids('headgate.call') === 245 && ids('tokens') === 245 && ids('ledger.entries') === 220,
    );
    assert.deepEqual(receiver.faults, []);
    for (const code of ['headgate.call', 'tokens', 'ledger.entries'])
      for (const [id, texts] of byId(of(code))) assert.equal(texts.size, 1, `${code} ${id}`);
    const spent = await counted(gate);
    for (const code of ['headgate.call', 'tokens']) assert.equal(sumUsd(of(code)), parseUsd(spent.costUsd), code);
    // Lago refuses what it has: nothing came to count twice.
    assert.equal(of('tokens').length, 245);
  });

  test('a receiver that comes back gets all it missed, over restarts', async () => {
    const back = await startReceiver({ seed: SEED, port: await port, token: SECRET });
    try {
      await gate.until('the missed ones', () => new Set(back.taken.map(({ id }) => id)).size === 245);
      assert.deepEqual(back.faults, []);
    } finally {
      await back.close();
    }
  });

  test('a re-pricing takes back what it replaces: the sum stays the ledger’s', async () => {
    const before = parseUsd((await counted(gate)).costUsd)!;
    const perMillion = { input: '500', output: '100' };
    await gate.admin('POST', '/prices', {
      provider: 'first',
      model: 'up',
      validFrom: '2020-01-01T00:00:00Z',
      perMillion,
    });
    const { applied } = await gate.admin('POST', '/prices/reprice', { since: '1h', limit: 100, dryRun: false });
    assert.ok(applied > 0);
    const after = parseUsd((await counted(gate)).costUsd)!;
    assert.ok(after < before);
    await gate.until('the same sum', () => sumUsd(of('headgate.call')) === after && sumUsd(of('tokens')) === after);
    const reversals = new Set(
      of('headgate.call')
        .map(({ id }) => id)
        .filter((id) => id.endsWith('-reversed')),
    );
    assert.equal(reversals.size, applied);
    assert.deepEqual(receiver.faults, []);
  });
});

async function metric(gate: GateProcess, name: string, feed: string): Promise<number | undefined> {
  const response = await fetch(`${gate.url}/metrics`, { headers: { authorization: `Bearer ${gate.adminToken}` } });
  const { samples } = readExposition(await response.text()).find((family) => family.name === name)!;
  return samples.find(({ labels }) => labels['feed'] === feed)?.value;
}
