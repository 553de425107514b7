import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { linearStepTime } from '#capabilities/capacity/core/step-time.ts';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { startGate, temporaryFolder, type GateProcess } from '../harness/gate-process.ts';
import { burst, tally } from './burst.ts';
import type { ClientSaw } from './judge.ts';
import { billed, bodyOf, budgetConfig, STREAMED, tenantWith, watchOvershoot } from './spend.ts';
import { makeTenant } from './world.ts';

const SEED = 41;
const AT_ONCE = 200;
const PAYS_FOR = 20;

describe(`budgets (seed ${SEED})`, () => {
  const folder = temporaryFolder('budgets');
  let provider: Provider;
  let gate: GateProcess;

  before(async () => {
    // 10 ms a token: a whole burst is under way before its first call ends.
    const stepTimeMs = linearStepTime({ baseMs: 10, msPerPrefillToken: 0, msPerDecodeToken: 0, msPerKvToken: 0 });
    provider = await startProvider({ seed: SEED, stepTimeMs });
    gate = await startGate({ config: budgetConfig(provider.url, 100), dataDir: folder });
  });
  after(async () => {
    await gate?.stop();
    await provider?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test(`strict: ${AT_ONCE} calls at once against money for ${PAYS_FOR}, overshoot exactly 0`, async (t) => {
    const body = bodyOf('strict', 30, { max_tokens: 30 });
    // The dearest input token is one of the cache written for an hour: 2,000 nano-dollars, as an output token.
    const worst = BigInt(Buffer.byteLength(body)) * 2000n + 30n * 2000n;
    const limit = worst * BigInt(PAYS_FOR);
    const key = await tenantWith(gate, 'strict', limit);
    const seen: ClientSaw[] = [];
    // What was reserved and not used pays for more calls, until nothing fits.
    for (let round = 0; round < 12; round++) {
      const now = await burst({ url: gate.url, key, body }, AT_ONCE);
      seen.push(...now);
      if (!now.some(({ complete }) => complete)) break;
    }
    const spent = billed(provider, 'lab-strict');
    t.diagnostic(`limit ${limit}, spent ${spent} nano-dollars, ${JSON.stringify(tally(seen))}`);
    assert.ok(spent <= limit, `overshoot ${spent - limit}`);
    assert.ok(spent + worst > limit, 'nothing more fits');
    assert.ok((tally(seen)['complete'] ?? 0) >= PAYS_FOR);
    assert.ok(seen.every(({ complete, status }) => complete || status === 402));
  });

  test(`bounded: ${AT_ONCE} calls at once against money for ${PAYS_FOR}, never more than the stated overshoot`, async (t) => {
    const [teacher] = await makeTenant(gate, 'teacher', 1);
    const taught = await burst({ url: gate.url, key: teacher!, body: bodyOf('bounded', 10) }, 60);
    assert.equal(tally(taught)['complete'], 60);
    const before = billed(provider, 'lab-bounded');
    // Reserved: 10 tokens, as the answers before had; sent: 60; the largest that the model gives: 100.
    const body = bodyOf('bounded', 60, STREAMED);
    const reserved = BigInt(Math.ceil(Buffer.byteLength(body) / 4)) * 1000n + 10n * 2000n;
    const limit = reserved * BigInt(PAYS_FOR);
    const key = await tenantWith(gate, 'bounded', limit);
    const overshoot = watchOvershoot(() => gate);
    const seen = await burst({ url: gate.url, key, body }, AT_ONCE);
    const stated = await overshoot.stop();
    const spent = billed(provider, 'lab-bounded') - before;
    t.diagnostic(`limit ${limit}, spent ${spent}, stated overshoot ${stated}, ${JSON.stringify(tally(seen))}`);
    assert.ok(spent > limit, 'answers are longer than was reserved, so there is an overshoot');
    assert.ok(spent <= limit + stated, `overshoot ${spent - limit}, stated ${stated}`);
    assert.equal(tally(await burst({ url: gate.url, key, body }, 5))['complete'], undefined, 'and then nothing more');
  });
});
