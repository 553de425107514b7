import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { intBetween, seededRng } from '#kernel/rng.ts';
import { linearStepTime } from '#capabilities/capacity/core/step-time.ts';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { startGate, temporaryFolder, type GateProcess } from '../harness/gate-process.ts';
import { callOnce, tally } from './burst.ts';
import type { ClientSaw } from './judge.ts';
import { billed, bodyOf, budgetConfig, STREAMED, tenantWith, watchOvershoot } from './spend.ts';
import { freePort } from './world.ts';

const SEED = 43;
const WORKERS = 10;
const DEATHS = 4;
const TOKENS = 800;
/** Of thirty calls, while each death leaves ten. */
const LIMIT = 30n * 2000n * BigInt(TOKENS);

describe(`budgets in a kill loop (seed ${SEED})`, () => {
  const folder = temporaryFolder('deaths');
  const rng = seededRng(SEED);
  let provider: Provider;
  let port: number;
  let gate: GateProcess;
  const start = (): Promise<GateProcess> =>
    startGate({ config: budgetConfig(provider.url, TOKENS), dataDir: folder, port });

  before(async () => {
    // About 700 tokens a second: faster than anything that may be assumed of a stream that died before its first mark.
    const stepTimeMs = linearStepTime({ baseMs: 1.2, msPerPrefillToken: 0, msPerDecodeToken: 0, msPerKvToken: 0 });
    provider = await startProvider({ seed: SEED, stepTimeMs });
    port = await freePort();
    gate = await start();
  });
  after(async () => {
    await gate?.stop();
    await provider?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  for (const mode of ['strict', 'bounded'] as const) {
    test(`${mode}: spend stays within the budget and its stated bound`, async (t) => {
      // Streams alone: the whole reservation that a dead unary call is charged would pay for what a stream is not.
      const body = bodyOf(mode, TOKENS, { max_tokens: TOKENS, ...STREAMED });
      const key = await tenantWith(gate, mode, LIMIT);
      const overshoot = watchOvershoot(() => gate);
      const seen: ClientSaw[] = [];
      let over = false;
      const workers = Array.from({ length: WORKERS }, async () => {
        while (!over) {
          const one = await callOnce({ url: gate.url, key, body });
          seen.push(one);
          if (one.status !== 200) await sleep(50);
        }
      });
      for (let n = 0; n < DEATHS; n++) {
        await sleep(intBetween(rng, 500, 900));
        await gate.kill();
        gate = await start();
      }
      const spentOut = (): boolean => seen.slice(-2 * WORKERS).every(({ status }) => status === 402);
      for (let i = 0; i < 100 && !spentOut(); i++) await sleep(100);
      over = true;
      await Promise.all(workers);
      const stated = await overshoot.stop();
      const spent = billed(provider, `lab-${mode}`);
      t.diagnostic(`limit ${LIMIT}, spent ${spent}, stated overshoot ${stated}, ${JSON.stringify(tally(seen))}`);
      assert.ok(spent > LIMIT / 4n, 'most of it was spent');
      assert.ok(spent <= LIMIT + (mode === 'strict' ? 0n : stated), `overshoot ${spent - LIMIT}, stated ${stated}`);
    });
  }
});
