import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { epochMs } from '#kernel/brand.ts';
import { nanoUsd } from '#kernel/money.ts';
import { seededRng } from '#kernel/rng.ts';
import { sampleAdmission, sampleEntry } from '#ledger/entry/samples.ts';
import { shipped } from '#ports/entry-text.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import type { ApiKey, Budget } from '#ports/state-store.ts';
import { memoryLedger } from '#stores/memory/ledger-store.ts';
import { callId } from '#kernel/ids.ts';
import { alertsSection, type Webhook } from './config.ts';
import { Alerts } from './engine.ts';
import type { BudgetNow, BudgetSpent } from './readings.ts';

const START = Date.parse('2026-11-25T12:00:00Z');
const [MINUTE, HOUR, DAY] = [60_000, 3_600_000, 86_400_000];
const rng = seededRng(20261125);

/** A gate's alerts over a store in memory, with a clock of the test and a webhook that keeps what comes. */
async function bench(t: TestContext, rules: object) {
  const dataDir = mkdtempSync(join(tmpdir(), 'headgate-alerts-'));
  const bodies: any[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      bodies.push(JSON.parse(Buffer.concat(chunks).toString()));
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const clock = { wall: START, passed: 0, now: () => epochMs(clock.wall), mono: () => clock.passed };
  const ledger = memoryLedger();
  const state = {
    away: false,
    lagMs: null as number | null,
    keys: [] as ApiKey[],
    budgets: [] as BudgetNow[],
    spent: null as BudgetSpent | null,
  };
  const file = alertsSection.alerts.parse({ interval: '1h', rules });
  const webhook: Webhook = {
    ...{ name: 'ops', url, secret: null, format: 'standard', headers: {}, allowPrivate: false },
    ...{ minSeverity: 'info', timeoutMs: 5_000 },
  };
  const open = (): Alerts =>
    new Alerts({
      now: () => ({ alerts: file, webhooks: new Map([['ops', webhook]]), environment: 'test' }),
      sources: {
        // The port of the store, which may be away: then every question fails.
        ledger: { spend: (question) => (state.away ? Promise.reject(new Error('away')) : ledger.spend(question)) },
        keys: () => state.keys,
        budgets: () => state.budgets,
        budgetsSpent: async () => (state.spent ? [state.spent] : []),
        limits: () => Promise.resolve([]),
        spoolLagMs: () => state.lagMs,
      },
      dataDir,
      instance: 'own_test',
      clock,
      rng,
      onTrouble: () => undefined,
    });
  const own = { alerts: open() };
  t.after(async () => {
    await own.alerts.close(0);
    server.closeAllConnections();
    server.close();
    rmSync(dataDir, { recursive: true, force: true });
  });
  return {
    bodies,
    clock,
    state,
    /** Looks after this much time, and waits until what it said is delivered. */
    look: async (ms: number): Promise<string[]> => {
      clock.wall += ms;
      clock.passed += ms;
      const before = bodies.length;
      await own.alerts.look();
      while (own.alerts.delivery.waiting > 0) await new Promise((resolve) => setTimeout(resolve, 5));
      return bodies.slice(before).map(({ type, data }) => `${type} ${data.rule}`);
    },
    states: () => own.alerts.states().map(({ instances }) => Object.values(instances).map(({ phase }) => phase)),
    restart: async () => {
      await own.alerts.close(1_000);
      own.alerts = open();
      clock.passed = 0;
    },
    call: async (fields: Partial<LedgerEntry>, ageMs = 1_000): Promise<void> => {
      const at = epochMs(clock.wall - ageMs);
      const sample = sampleEntry(sampleAdmission(rng, 1), rng);
      const entry = { ...sample, id: callId(at, rng), at, status: 'ok', corrects: null, ...fields } as LedgerEntry;
      await ledger.ship(shipped([entry]));
    },
  };
}

const cost = (usd: number): LedgerEntry['cost'] => {
  const total = nanoUsd(BigInt(Math.round(usd * 1e9)));
  const zero = nanoUsd(0n);
  return { input: total, cachedRead: zero, cacheWrite: zero, output: zero, other: zero, total };
};

test('a store that is away: what fires goes on, nothing new does, and a lag that needs no store still fires', async (t) => {
  const of = await bench(t, {
    errors: { kind: 'error-rate', threshold: 0.5, minCalls: 2 },
    lag: { kind: 'spool-lag', threshold: '1m' },
  });
  for (let i = 0; i < 4; i++) await of.call({ status: 'provider_error' });
  assert.deepEqual(await of.look(30_000), ['alert.firing errors']);
  of.state.away = true;
  of.state.lagMs = 90_000;
  assert.deepEqual(await of.look(10 * MINUTE), ['alert.firing lag']);
  assert.deepEqual(of.states(), [['firing'], ['firing']]);
  of.state.away = false;
  of.state.lagMs = 0;
  // The calls have left the window of five minutes.
  assert.deepEqual(await of.look(3 * MINUTE), ['alert.resolved errors', 'alert.resolved lag']);
});

test('a clock that jumps neither fires, nor resolves, nor tells again', async (t) => {
  const of = await bench(t, {
    errors: { kind: 'error-rate', threshold: 0.5, minCalls: 2, for: '1m', repeat: '4h' },
  });
  const fails = async (): Promise<void> => {
    for (let i = 0; i < 4; i++) await of.call({ status: 'timeout' });
  };
  await fails();
  assert.deepEqual(await of.look(1_000), []);
  of.clock.wall += DAY;
  await fails();
  assert.deepEqual(await of.look(1_000), [], 'a day of wall time is a second of passed time');
  await fails();
  assert.deepEqual(await of.look(MINUTE), ['alert.firing errors']);
  of.clock.wall -= 2 * DAY;
  assert.deepEqual(await of.look(30_000), [], 'the window is empty before its first call: nothing is known');
  await fails();
  assert.deepEqual(await of.look(30_000), []);
  of.clock.wall += 2 * DAY;
  await fails();
  assert.deepEqual(await of.look(30_000), [], 'and no repetition before its time has passed');
  assert.deepEqual(of.states(), [['firing']]);
});

test('a restart tells nothing twice, and counts no time that nobody was there', async (t) => {
  const of = await bench(t, { lag: { kind: 'spool-lag', threshold: '1m', for: '2m' } });
  of.state.lagMs = 5 * MINUTE;
  await of.look(1_000);
  await of.look(MINUTE);
  await of.restart();
  of.clock.wall += DAY;
  assert.deepEqual(await of.look(0), []);
  assert.deepEqual(await of.look(61_000), ['alert.firing lag']);
  await of.restart();
  assert.deepEqual(await of.look(0), []);
  assert.deepEqual(await of.look(MINUTE), []);
  of.state.lagMs = 0;
  await of.look(MINUTE);
  assert.deepEqual(await of.look(MINUTE), ['alert.resolved lag']);
});

test('a budget that burns, from the ledger’s own sums', async (t) => {
  const of = await bench(t, { burning: { kind: 'budget-burn', threshold: 10, window: '1h', shortWindow: '5m' } });
  const budget = (id: string, tenant: string): BudgetNow => ({
    budget: { id, scope: { level: 'tenant', tenant, id: null } } as unknown as Budget,
    limitNanoUsd: 720_000_000_000n,
    periodMs: 30 * DAY,
  });
  of.state.budgets = [budget('bud_hot', 'hot'), budget('bud_cool', 'cool')];
  await of.call({ tenant: 'hot' as never, cost: cost(11) }, 30 * MINUTE);
  await of.call({ tenant: 'hot' as never, cost: cost(2) }, MINUTE);
  await of.call({ tenant: 'cool' as never, cost: cost(11) }, 30 * MINUTE);
  assert.deepEqual(await of.look(1_000), ['alert.firing burning']);
  const [{ data }] = of.bodies;
  assert.deepEqual(
    data.alerts.map(({ labels }: any) => labels),
    [{ budget: 'bud_hot' }],
  );
  assert.match(data.alerts[0].text, /13\.0 times as fast as its \$720\.00 allow/);
});

test('keys: unused for long, silent and calling, far above their own usual', async (t) => {
  const of = await bench(t, {
    unused: { kind: 'key-unused', threshold: '30d', repeat: '30d' },
    unusual: { kind: 'key-unusual', threshold: 10, window: '1h', baseline: '10d' },
  });
  const key = (id: string): ApiKey =>
    ({ id, tenant: 'acme', name: id, createdAt: START - 90 * DAY, expiresAt: null, revokedAt: null }) as never;
  of.state.keys = ['steady', 'burst', 'woken', 'idle'].map(key);
  const call = (id: string, usd: number, ageMs: number): Promise<void> =>
    of.call({ key: id as never, tenant: 'acme' as never, cost: cost(usd) }, ageMs);
  for (let day = 1; day <= 9; day++) {
    await call('steady', 24, day * DAY);
    await call('burst', 24, day * DAY);
  }
  await call('woken', 1, 20 * DAY);
  await call('steady', 2, MINUTE);
  await call('burst', 40, MINUTE);
  await call('woken', 0.01, MINUTE);
  assert.deepEqual(await of.look(1_000), ['alert.firing unused', 'alert.firing unusual']);
  const keysOf = (i: number): string[] => of.bodies[i].data.alerts.map(({ labels }: any) => labels.key);
  assert.deepEqual(keysOf(0), ['idle']);
  assert.deepEqual(keysOf(1).toSorted(), ['burst', 'woken']);
  assert.deepEqual(await of.look(MINUTE), [], 'told once');
  assert.deepEqual(await of.look(HOUR), ['alert.resolved unusual'], 'the calls have left the window');
});

test('slow first tokens of one model, by its streams alone', async (t) => {
  const of = await bench(t, { slow: { kind: 'first-token', threshold: '2s', each: 'model', minCalls: 10 } });
  const stream = (model: string, ms: number): Promise<void> =>
    of.call({
      modelAsked: model,
      timing: { queuedMs: null, connectedMs: 1, headersMs: 2, firstTokenMs: ms, lastTokenMs: ms, totalMs: ms },
    });
  for (let i = 0; i < 12; i++) {
    await stream('quick', 200);
    await stream('slow', i < 2 ? 9_000 : 300);
  }
  for (let i = 0; i < 5; i++) await stream('rare', 9_000);
  assert.deepEqual(await of.look(1_000), ['alert.firing slow']);
  assert.deepEqual(
    of.bodies[0].data.alerts.map(({ labels }: any) => labels),
    [{ model: 'slow' }],
  );
});

test('a budget that is going to be spent before its window ends fires with its pace and moment, and resolves', async (t) => {
  const of = await bench(t, { pace: { kind: 'burn', severity: 'critical' } });
  const scope = { level: 'tenant', tenant: 'acme', id: null };
  const window = { kind: 'calendar', unit: 'month', timeZone: 'UTC' };
  const budget = { id: 'bud_acme', scope, window } as unknown as Budget;
  const resetsAt = Date.parse('2026-12-01T00:00:00Z');
  const spend = (usd: number): void =>
    void (of.state.spent = {
      ...{ budget, limitNanoUsd: 400_000_000_000n, resetsAt },
      spentNanoUsd: BigInt(Math.round(usd * 1e9)),
    });
  const call = (usd: number, ageMs: number) => of.call({ tenant: 'acme', cost: cost(usd) } as never, ageMs);
  // Five and a half days are left; $2 an hour leave room for $264 of $300.
  for (let hour = 0; hour < 6; hour++) await call(2, hour * HOUR + 30 * MINUTE);
  spend(100);
  assert.deepEqual(await of.look(0), []);
  // $3.50 in the last hour would not last; $2.25 an hour over six do.
  await call(1.5, MINUTE);
  assert.deepEqual(await of.look(0), []);
  // Most of it is gone: at the slower of $3.50 and $4.25 an hour.
  await call(12, 2 * HOUR);
  spend(380);
  assert.deepEqual(await of.look(0), ['alert.firing pace']);
  const [alert] = of.bodies.at(-1).data.alerts;
  assert.deepEqual(alert.labels, { budget: 'bud_acme' });
  assert.equal(
    alert.text.replaceAll(/\s/g, ' '),
    'budget bud_acme has spent $380.00 of $400.00; at $3.50 an hour the rest is gone at 2026-11-25T17:42Z, in 5 h 43 min (its window ends in 5 d 12 h)',
  );
  assert.deepEqual(await of.look(MINUTE), [], 'once');
  await of.restart();
  assert.deepEqual(await of.look(MINUTE), [], 'and not again after a restart');
  // Nothing more is spent: the fast window empties, and the alert ends with its cause.
  assert.deepEqual(await of.look(2 * HOUR), ['alert.resolved pace']);
});
