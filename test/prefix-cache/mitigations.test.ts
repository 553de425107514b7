import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { linearStepTime } from '#capabilities/capacity/core/step-time.ts';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { headgate } from '../harness/cli.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';

const SEED = 20261127;
const LETTERS = 600;
const SAMPLES = 30;
/** A prompt that nobody sent takes about 60 ms, and one that is in the cache but for its end a twentieth of that. */
const STEP = linearStepTime({ baseMs: 1, msPerPrefillToken: 0.1, msPerDecodeToken: 0.01, msPerKvToken: 0 });

describe('what is left of a leak that is there', () => {
  let provider: Provider;
  let gate: GateProcess;

  before(async () => {
    // Every prefix tells of its cache, however short.
    provider = await startProvider({ seed: SEED, stepTimeMs: STEP, cacheMinTokens: 16 });
    const at = (rule: string) => `{ kind: lab-chat, baseUrl: "${provider.url}/v1"${rule} }`;
    gate = await startGate({
      config: `
providers:
  open: ${at(', cachedTokens: show')}
  quiet: ${at('')}
  grid: ${at(', ttftQuantum: 250ms')}
  fronted: ${at(', prefixCache: preamble')}
models:
  open: { deployments: [{ provider: open, model: lab-small }] }
  quiet: { deployments: [{ provider: quiet, model: lab-small }] }
  grid: { deployments: [{ provider: grid, model: lab-small }] }
  fine: { deployments: [{ provider: quiet, model: lab-small, ttftQuantum: 20ms }] }
  fronted: { deployments: [{ provider: fronted, model: lab-small }] }
prices: [{ provider: "*", model: "*", perMillion: { input: "0.1", cachedRead: "0.01", output: "0.4" } }]
`,
    });
    for (const id of ['acme', 'globex']) await gate.admin('POST', '/tenants', { id });
  });
  after(async () => {
    await gate?.stop();
    await provider?.close();
  });

  /** Each with prompts of its own: one that an earlier audit sent is in the cache. */
  let audits = 0;
  async function audit(model: string) {
    const seed = SEED + audits++;
    const { out, err } = await headgate(
      [
        ...['tenants', 'audit-cache', model, '--victim', 'acme', '--attacker', 'globex', '--seed', String(seed)],
        ...['--samples', String(SAMPLES), '--letters', String(LETTERS), '--pause', '0', '--yes', '--json'],
      ],
      gate,
    );
    assert.ok(out.startsWith('{'), err);
    const report = JSON.parse(out);
    const [same, cross] = ['same', 'cross'].map((name) => report.levels.find((one: any) => one.level === name));
    return { verdict: report.verdict as string, same, cross };
  }

  test('nothing set against it: found by time and by usage', async (t) => {
    const { verdict, cross } = await audit('open');
    t.diagnostic(JSON.stringify(cross));
    assert.equal(verdict, 'shared');
    assert.ok(cross.timing.p < 1e-6 && cross.cached.p < 1e-6, JSON.stringify(cross));
  });

  test('cached tokens hidden, as they are by default: by time alone', async (t) => {
    const { verdict, cross } = await audit('quiet');
    t.diagnostic(JSON.stringify(cross));
    assert.equal(verdict, 'shared');
    assert.ok(cross.timing.p < 1e-6);
    assert.deepEqual([cross.cached.hits, cross.cached.misses], [0, 0]);
  });

  test('a quantum above what a miss takes: neither its own cache nor another’s is to be seen', async (t) => {
    const { verdict, same, cross } = await audit('grid');
    t.diagnostic(JSON.stringify({ same, cross }));
    assert.equal(verdict, 'cannot_tell');
    for (const level of [same, cross]) assert.equal(level.verdict, 'nothing_found', JSON.stringify(level));
  });

  test('a quantum below it hides nothing: it says so in steps', async (t) => {
    const { verdict, cross } = await audit('fine');
    t.diagnostic(JSON.stringify(cross));
    assert.equal(verdict, 'shared');
  });

  test('a preamble: its own cache is seen and used, another’s is gone', async (t) => {
    const { verdict, same, cross } = await audit('fronted');
    t.diagnostic(JSON.stringify({ same, cross }));
    assert.equal(verdict, 'nothing_found');
    assert.equal(same.verdict, 'shared');
    assert.equal(cross.cached.hits, 0);
  });
});
