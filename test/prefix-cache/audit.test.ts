import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { INSTALL_COMMAND, isEngineInstalled, startEngine, type EngineProcess } from '#lab/engine/process.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { headgate } from '../harness/cli.ts';

const skip = isEngineInstalled() ? false : `the real engine is not installed (${INSTALL_COMMAND})`;
const SEED = 7;

describe('the audit of a prefix cache, on a real engine that shares one', { skip }, () => {
  let engine: EngineProcess;
  let gate: GateProcess;
  const audit = (model: string, ...more: string[]) =>
    headgate(
      [
        ...['tenants', 'audit-cache', model, '--victim', 'acme', '--attacker', 'globex', '--seed', String(SEED)],
        ...['--samples', '20', '--letters', '200', '--pause', '0', '--yes', '--json', ...more],
      ],
      gate,
    );

  before(async () => {
    // Of the small model a prompt takes half a second, and a tenth of that from the cache.
    engine = await startEngine(['--shape', 'small']);
    const provider = (rule: string) => `{ kind: lab-chat, baseUrl: "${engine.baseUrl}"${rule} }`;
    gate = await startGate({
      config: `
providers:
  open: ${provider(', cachedTokens: show')}
  salted: ${provider(', prefixCache: salt')}
  fronted: ${provider(', prefixCache: preamble')}
models:
  shared: { deployments: [{ provider: open, model: "${engine.model}" }] }
  apart: { deployments: [{ provider: salted, model: "${engine.model}" }] }
  fronted: { deployments: [{ provider: fronted, model: "${engine.model}" }] }
prices: [{ provider: "*", model: "*", perMillion: { input: "0.1", cachedRead: "0.01", output: "0.4" } }]
`,
    });
    for (const id of ['acme', 'globex']) await gate.admin('POST', '/tenants', { id });
  });
  after(async () => {
    await gate?.stop();
    await engine?.stop();
  });

  test('with sharing on the leak is found, by time and by usage', async (t) => {
    const { code, out } = await audit('shared', '--ci');
    const report = JSON.parse(out);
    t.diagnostic(JSON.stringify(report.levels));
    assert.equal(report.verdict, 'shared');
    const cross = report.levels.find(({ level }: { level: string }) => level === 'cross');
    assert.ok(cross.timing.p < 1e-6, String(cross.timing.p));
    assert.ok(cross.cached.p < 1e-6 && cross.cached.hits === 20, JSON.stringify(cross.cached));
    assert.equal(code, 3);
  });

  test('with a salt for each tenant it is gone, and a tenant’s own cache goes on', async (t) => {
    const { code, out } = await audit('apart', '--ci');
    const report = JSON.parse(out);
    t.diagnostic(JSON.stringify(report.levels));
    assert.equal(report.verdict, 'nothing_found');
    const [same, cross] = ['same', 'cross'].map((name) =>
      report.levels.find(({ level }: { level: string }) => level === name),
    );
    assert.equal(same.verdict, 'shared');
    assert.equal(cross.cached.hits, 0);
    assert.equal(code, 0);
    const { audits } = await gate.admin('GET', '/cache-audits');
    assert.deepEqual(
      audits.map((one: any) => [one.model, one.verdict]),
      [
        ['apart', 'nothing_found'],
        ['shared', 'shared'],
      ],
    );
    const { id: _, actor: _by, ...kept } = audits[0];
    const { version: _version, ...said } = report;
    assert.deepEqual(kept, said);
  });

  test('with a line of its own before each prompt, and no salt, it is gone as well', async (t) => {
    const { code, out } = await audit('fronted', '--ci');
    const report = JSON.parse(out);
    t.diagnostic(JSON.stringify(report.levels));
    assert.equal(report.verdict, 'nothing_found');
    const [same, cross] = ['same', 'cross'].map((name) =>
      report.levels.find(({ level }: { level: string }) => level === name),
    );
    assert.equal(same.verdict, 'shared');
    assert.equal(cross.cached.hits, 0);
    assert.equal(code, 0);
  });

  test('its keys are revoked behind it, and each of its calls is in the ledger as an evaluation', async () => {
    const { keys } = await gate.admin('GET', '/keys?state=live&search=cache%20audit');
    assert.deepEqual(keys, []);
    const { calls } = await gate.admin('GET', '/calls?tenant=globex&limit=1');
    assert.equal(calls[0].purpose, 'evaluation');
  });

  test('nothing is sent without a word', async () => {
    const { code, err } = await headgate(
      ['tenants', 'audit-cache', 'shared', '--victim', 'acme', '--attacker', 'globex'],
      gate,
    );
    assert.equal(code, 2);
    assert.match(err, /Nothing was sent\. The audit would send 1,500 calls of about 4,096 input tokens/);
  });
});
