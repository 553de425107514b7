import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { intBetween, seededRng, type Rng } from '#kernel/rng.ts';
import { redisSkip } from '../harness/redis-server.ts';
import type { GateProcess } from '../harness/gate-process.ts';
import { callIdOf, endOf, openWith, type Reading } from './stream-client.ts';
import {
  chargedOf,
  requestOf,
  restart,
  resume,
  sha256,
  startRedriveWorld,
  stopRedriveWorld,
  textOf,
  type Api,
  type RedriveWorld,
} from './redrive-world.ts';

const SEED = Number(process.env['SEED'] ?? 20_261_127);
const STREAMS = 100;
const KILLS = 6;
/** Streams of a gate's life begin within so long. */
const SPREAD_MS = 800;
/** A gate dies when those of its life have begun, and with so many under way. */
const UNDER_WAY = 8;
const SPACES = [' ', ' ', '  ', '\n', '. ', '\n\n', '\t'];
/** Of the bill of what died, once its logs were read; the prompt is an estimate of the admission's. */
const MOST_CHARGED_PERCENT = 115n;
/** Of the prices in the world's file, a token. */
const NANO_USD = { input: 1_000_000n, output: 2_000_000n };

interface Plan {
  readonly api: Api;
  readonly text: string;
  /** After how many deaths it begins, and how long after the last. */
  readonly life: number;
  readonly startMs: number;
  readonly gate: 'a' | 'b';
}

function planOf(rng: Rng, i: number): Plan {
  const words = intBetween(rng, 20, 160);
  const word = (i: number): string => `${['wörd', 'was', '日本', 'x'][intBetween(rng, 0, 3)]}${i}`;
  const text = Array.from({ length: words }, (_, i) => word(i) + SPACES[intBetween(rng, 0, SPACES.length - 1)]!).join(
    '',
  );
  return {
    ...{ api: rng.next() < 0.5 ? 'chat' : 'claude', text: `${text}end` },
    ...{ life: i % (KILLS + 1), startMs: intBetween(rng, 0, SPREAD_MS), gate: rng.next() < 0.5 ? 'a' : 'b' },
  };
}

interface World {
  readonly current: RedriveWorld;
  /** Resolved with each gate that is back. */
  readonly lives: readonly PromiseWithResolvers<void>[];
}

interface Ended {
  readonly plan: Plan;
  readonly id: string;
  /** All that came, over all connections. */
  readonly text: string;
  readonly end: any;
  readonly connections: number;
}

/** Calls, and comes back at one gate or the other until it knows the end. A call without a head is made anew. */
async function readAll(world: World, plan: Plan, rng: Rng): Promise<Ended> {
  await world.lives[plan.life]!.promise;
  await sleep(plan.startMs);
  let [id, text, connections] = ['', '', 0];
  for (const until = performance.now() + 90_000; performance.now() < until; await sleep(100)) {
    connections++;
    const { gates } = world.current;
    const gate = connections === 1 ? plan.gate : rng.next() < 0.5 ? 'a' : 'b';
    const to = { url: gates[gate].url, key: gates.key };
    const last = [...text.matchAll(/^id: (.+)$/gm)].at(-1)?.[1];
    const reading = await (id === '' ? begin(to, plan) : resume(to, id, last)).catch(() => null);
    if (reading === null) continue;
    await reading.ended;
    if (reading.response.statusCode !== 200) {
      assert.ok(reading.response.statusCode! >= 500, `${reading.response.statusCode} ${reading.text()}`);
      continue;
    }
    if (id === '') id = callIdOf(reading);
    text += whole(reading.text());
    const end = endOf(text);
    if (end !== null) return { plan, id, text, end, connections };
  }
  throw new Error(`no end of ${id} within 90 s: ${text.slice(-300)}`);
}

/** A connection that breaks may break in the middle of an event. */
const whole = (text: string): string => text.slice(0, text.lastIndexOf('\n\n') + 2);

const begin = (to: { url: string; key: string }, plan: Plan): Promise<Reading> => {
  const body = plan.api === 'claude' ? { max_tokens: 4_000 } : {};
  return openWith(to, requestOf({ ...plan, headers: { 'x-headgate-end': 'event' }, body }));
};

async function killAround(world: World, rng: Rng): Promise<void> {
  for (let i = 0; i < KILLS; i++) {
    const { current } = world;
    await sleep(SPREAD_MS + intBetween(rng, 0, 300));
    await current.gates.a.until('streams are under way', () => current.provider.stats().open >= UNDER_WAY);
    const name = rng.next() < 0.5 ? 'a' : 'b';
    await current.gates[name].kill();
    await restart(current, name);
    world.lives[i + 1]!.resolve();
  }
}

/** The entry of a call, at whichever gate made it. */
async function entryOf({ gates }: RedriveWorld, id: string): Promise<any> {
  const ask = (gate: GateProcess): Promise<any> => gate.admin('GET', `/calls/${id}`).catch(() => null);
  for (let i = 0; i < 100; i++) {
    const found = (await ask(gates.a)) ?? (await ask(gates.b));
    if (found) return found;
    await sleep(100);
  }
  throw new Error(`no entry of ${id}`);
}

const nano = (usd: string): bigint => BigInt(Math.round(Number(usd) * 1e9));

test(
  `${STREAMS} streams on two gates that die ${KILLS} times: exact texts, one re-drive each, and a ledger for every request (seed ${SEED})`,
  { skip: redisSkip, timeout: 240_000 },
  async (t) => {
    const rng = seededRng(SEED);
    const plans = Array.from({ length: STREAMS }, (_, i) => planOf(rng, i));
    const lives = Array.from({ length: KILLS + 1 }, () => Promise.withResolvers<void>());
    const world: World = { current: await startRedriveWorld(), lives };
    lives[0]!.resolve();
    try {
      const readers = plans.map((plan, i) => readAll(world, plan, seededRng(SEED + 1 + i)));
      const [ends] = await Promise.all([Promise.all(readers), killAround(world, seededRng(SEED - 1))]);
      for (const ended of ends) assertExact(ended);
      t.diagnostic(JSON.stringify({ ...figuresOf(ends), ...(await assertBilled(world.current)) }));
    } finally {
      await stopRedriveWorld(world.current);
    }
  },
);

function assertExact({ plan, id, text, end }: Ended): void {
  const seqs = [...text.matchAll(/^id: \w+\.(\d+)$/gm)].map(([, seq]) => Number(seq));
  assert.deepEqual(
    seqs,
    seqs.map((_, i) => i),
    `${id}: no event twice and none missing`,
  );
  const said = textOf(text);
  if (end.status === 'ok') {
    assert.equal(said, plan.text, `${id} ${JSON.stringify(end)}`);
    assert.equal(end.textSha256, sha256(plan.text));
  } else {
    assert.equal(end.status, 'interrupted', `${id} ${JSON.stringify(end)}`);
    assert.ok(plan.text.startsWith(said), `${id}: an exact beginning`);
    assert.ok(['redrives_spent', 'answer_was_whole'].includes(end.reason), `${id} ${end.reason}`);
  }
}

function figuresOf(ends: readonly Ended[]) {
  const redriven = ends.filter(({ end }) => end.redrivenBy !== undefined);
  const why = Map.groupBy(
    ends.filter(({ end }) => end.status !== 'ok'),
    ({ end }) => end.reason as string,
  );
  assert.ok(redriven.length > 10, `${redriven.length} were gone on with`);
  return {
    seed: SEED,
    whole: ends.filter(({ end }) => end.status === 'ok').length,
    redriven: redriven.length,
    interrupted: Object.fromEntries([...why].map(([reason, of]) => [reason, of.length])),
    connections: ends.reduce((sum, { connections }) => sum + connections, 0),
  };
}

/** The provider's own log is the judge: each request that it saw is one attempt of one entry. */
async function assertBilled(world: RedriveWorld) {
  const sums = { bill: 0n, ledger: 0n, billOfDead: 0n, reservedOfDead: 0n, chargedOfDead: 0n };
  const counts = { requests: 0, redrives: 0, died: 0 };
  const originals = new Set<string>();
  await world.gates.a.until('the provider is quiet', () => world.provider.stats().open === 0);
  for (const request of world.provider.log) {
    const [id, n] = request.headers['x-client-request-id']!.split('-') as [string, string];
    const entry = await entryOf(world, id);
    assert.equal(n, '1');
    assert.equal(entry.attempts.length, 1, id);
    const bill = BigInt(request.inputTokens!) * NANO_USD.input + BigInt(request.outputTokensSent) * NANO_USD.output;
    const cost = nano(entry.cost.total);
    counts.requests++;
    sums.bill += bill;
    if (entry.redriveOf !== null) {
      counts.redrives++;
      assert.ok(!originals.has(entry.redriveOf), `${entry.redriveOf} was gone on with once`);
      originals.add(entry.redriveOf as string);
      assert.notEqual(request.continues, '');
    }
    if (entry.status === 'ok') {
      assert.equal(cost, bill, `${id}: what was whole costs what the provider counted`);
      sums.ledger += cost;
      continue;
    }
    counts.died++;
    sums.billOfDead += bill;
    sums.reservedOfDead += cost;
    const row = await chargedOf(world, id);
    assert.deepEqual([row.errorCode, row.usageSource, row.status], ['charged_by_log', 'estimated', 'interrupted']);
    const charged = nano(row.cost.total);
    sums.chargedOfDead += charged;
    sums.ledger += charged;
  }
  assert.ok(counts.redrives > 10);
  assert.ok(sums.reservedOfDead >= sums.billOfDead, 'what died is never charged below its bill at first');
  assert.ok(sums.chargedOfDead >= sums.billOfDead, 'nor by the text that its log has');
  assert.ok(sums.chargedOfDead * 100n <= sums.billOfDead * MOST_CHARGED_PERCENT, `${sums.chargedOfDead}`);
  const usd = Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, Number(sum) / 1e9]));
  return { ...usd, ...counts };
}
