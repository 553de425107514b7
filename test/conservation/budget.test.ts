import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { usdDecimal } from '#kernel/money.ts';
import { intBetween, seededRng } from '#kernel/rng.ts';
import { linearStepTime } from '#capabilities/capacity/core/step-time.ts';
import { startProvider, type LogEntry, type Provider } from '#lab/provider/provider.ts';
import { startGate, temporaryFolder, type GateProcess } from '../harness/gate-process.ts';
import { burst, callOnce, tally } from './burst.ts';
import type { ClientSaw } from './judge.ts';
import { billedNanoUsd, freePort, makeTenant, worldConfig } from './world.ts';

const SEED = 41;
const AT_ONCE = 200;
const PAYS_FOR = 20;

/** What the provider billed: its final count, or for a stream that was left what it had read and sent. */
function billOf(line: LogEntry): bigint {
  if (line.usageSent) return billedNanoUsd(line.usageSent);
  const plain = { cachedRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 };
  if (line.status !== 200) return 0n;
  return billedNanoUsd({ ...plain, input: line.inputTokens ?? 0, output: line.outputTokensSent });
}

const billed = (provider: Provider, model: string): bigint =>
  provider.log.filter((line) => line.model === model).reduce((sum, line) => sum + billOf(line), 0n);

/** Each budget has a model of its own at the provider, so that the provider's log tells whose money it was. */
const BUDGETS = ['strict', 'bounded', 'strict-deaths', 'bounded-deaths'] as const;
const config = (url: string): string =>
  worldConfig(url).replace(
    'prices:',
    `${BUDGETS.map((name) => `  ${name}: { deployments: [{ provider: chat, model: lab-${name}, maxOutputTokens: 100 }] }`).join('\n')}\nprices:`,
  );

const bodyOf = (model: string, output: number, more: object = {}): string =>
  JSON.stringify({ model, messages: [{ role: 'user', content: `Hello. [[lab output=${output}]]` }], ...more });

const streamed = { stream: true, stream_options: { include_usage: true } };

const nanoUsdOf = (usd: string): bigint => BigInt(Math.round(Number(usd) * 1e9));

/** The largest overshoot that the gate states, asked for again and again. */
function watchOvershoot(gate: () => GateProcess): { stop(): Promise<bigint> } {
  let [most, over] = [0n, false];
  const watching = (async () => {
    while (!over) {
      const stated = await gate()
        .admin('GET', '/budgets/overshoot')
        .catch(() => null);
      const now = stated ? nanoUsdOf(stated.totalUsd) : 0n;
      if (now > most) most = now;
      await sleep(3);
    }
  })();
  return {
    stop: async () => {
      over = true;
      await watching;
      return most;
    },
  };
}

describe(`budgets (seed ${SEED})`, () => {
  const folder = temporaryFolder('budgets');
  let provider: Provider;
  let port: number;
  let gate: GateProcess;
  const start = (): Promise<GateProcess> => startGate({ config: config(provider.url), dataDir: folder, port });

  before(async () => {
    // 10 ms a token: a whole burst is under way before its first call ends.
    const stepTimeMs = linearStepTime({ baseMs: 10, msPerPrefillToken: 0, msPerDecodeToken: 0, msPerKvToken: 0 });
    provider = await startProvider({ seed: SEED, stepTimeMs });
    port = await freePort();
    gate = await start();
  });
  after(async () => {
    await gate?.stop();
    await provider?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function tenantWith(name: string, mode: string, limitNanoUsd: bigint): Promise<string> {
    const [key] = await makeTenant(gate, name, 1);
    const limitUsd = usdDecimal(limitNanoUsd as never);
    await gate.admin('POST', '/budgets', { level: 'tenant', tenant: name, limitUsd, mode, window: 'total' });
    return key!;
  }

  test(`strict: ${AT_ONCE} calls at once against money for ${PAYS_FOR}, overshoot exactly 0`, async (t) => {
    const body = bodyOf('strict', 30, { max_tokens: 30 });
    // The dearest input token is one of the cache written for an hour: 2,000 nano-dollars, as an output token.
    const worst = BigInt(Buffer.byteLength(body)) * 2000n + 30n * 2000n;
    const limit = worst * BigInt(PAYS_FOR);
    const key = await tenantWith('strict', 'strict', limit);
    const seen: ClientSaw[] = [];
    // What was reserved and not used pays for more calls, until nothing fits.
    for (let round = 0; round < 12; round++) {
      const now = await burst({ url: gate.url, key, body }, AT_ONCE);
      seen.push(...now);
      if (round === 0) assert.equal(tally(now)['complete'], PAYS_FOR, JSON.stringify(tally(now)));
      if (!now.some(({ complete }) => complete)) break;
    }
    const spent = billed(provider, 'lab-strict');
    t.diagnostic(`limit ${limit}, spent ${spent} nano-dollars, ${JSON.stringify(tally(seen))}`);
    assert.ok(spent <= limit, `overshoot ${spent - limit}`);
    assert.ok(spent + worst > limit, 'nothing more fits');
    assert.ok(seen.every(({ complete, status }) => complete || status === 402));
  });

  test(`bounded: ${AT_ONCE} calls at once against money for ${PAYS_FOR}, never more than the stated overshoot`, async (t) => {
    const [teacher] = await makeTenant(gate, 'teacher', 1);
    const taught = await burst({ url: gate.url, key: teacher!, body: bodyOf('bounded', 10) }, 60);
    assert.equal(tally(taught)['complete'], 60);
    const before = billed(provider, 'lab-bounded');
    // Reserved: 10 tokens, as the answers before had; sent: 60; the largest that the model gives: 100.
    const body = bodyOf('bounded', 60, streamed);
    const reserved = BigInt(Math.ceil(Buffer.byteLength(body) / 4)) * 1000n + 10n * 2000n;
    const limit = reserved * BigInt(PAYS_FOR);
    const key = await tenantWith('bounded', 'bounded', limit);
    const overshoot = watchOvershoot(() => gate);
    const seen = await burst({ url: gate.url, key, body }, AT_ONCE);
    const stated = await overshoot.stop();
    const spent = billed(provider, 'lab-bounded') - before;
    t.diagnostic(
      `limit ${limit}, spent ${spent}, stated overshoot ${stated} nano-dollars, ${JSON.stringify(tally(seen))}`,
    );
    assert.ok(spent > limit, 'answers are longer than was reserved, so there is an overshoot');
    assert.ok(spent <= limit + stated, `overshoot ${spent - limit}, stated ${stated}`);
    assert.ok(tally(await burst({ url: gate.url, key, body }, 5))['complete'] === undefined, 'and then nothing more');
  });

  for (const mode of ['strict', 'bounded'] as const) {
    test(`${mode}, in a kill loop: within the budget and its stated bound`, async (t) => {
      const name = `${mode}-deaths`;
      const rng = seededRng(SEED + name.length);
      const bodies = [bodyOf(name, 40, { max_tokens: 40 }), bodyOf(name, 40, { max_tokens: 40, ...streamed })];
      const limit = 60n * 100_000n;
      const key = await tenantWith(name, mode, limit);
      const overshoot = watchOvershoot(() => gate);
      let over = false;
      const seen: ClientSaw[] = [];
      const workers = Array.from({ length: 12 }, async (_, i) => {
        while (!over) {
          const one = await callOnce({ url: gate.url, key, body: bodies[i % 2]! });
          seen.push(one);
          if (one.status !== 200) await sleep(30);
        }
      });
      for (let deaths = 0; deaths < 3; deaths++) {
        await sleep(intBetween(rng, 300, 900));
        await gate.kill();
        gate = await start();
      }
      for (let i = 0; i < 40 && (tally(seen.slice(-12))['complete'] ?? 0) > 0; i++) await sleep(250);
      over = true;
      await Promise.all(workers);
      const stated = mode === 'strict' ? 0n : await overshoot.stop();
      await overshoot.stop();
      const spent = billed(provider, `lab-${name}`);
      t.diagnostic(`limit ${limit}, spent ${spent}, stated overshoot ${stated}, ${JSON.stringify(tally(seen))}`);
      assert.ok(spent > limit / 4n, 'the budget was worth its while');
      assert.ok(spent <= limit + stated, `overshoot ${spent - limit}, stated ${stated}`);
    });
  }
});
