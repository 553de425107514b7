import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { buildConsole } from '../../scripts/console.ts';
import { json, startUpstream, type ScriptedUpstream } from '../clients-rules/scripted-upstream.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { launch, noBrowser, openPage, violations } from './browser.ts';

const CANARY = 'ZX-9981-aurora-canary';
const level = (name: 'same' | 'cross', found: boolean) => ({
  ...{ level: name, hits: 40, misses: 40, medianMs: { hit: found ? 92 : 410, miss: 412 } },
  timing: found ? { d: 1, p: 4e-13 } : { d: 0.1, p: 0.6 },
  cached: { hits: found ? 40 : 0, misses: 0, p: found ? 1e-20 : 1 },
  verdict: found ? 'shared' : 'nothing_found',
  wouldSee: { timing: 0.61, cached: 0.18 },
});
const audit = (model: string, found: boolean) => ({
  ...{ report: 'cache_audit', at: new Date().toISOString(), tookMs: 90_000, model, victim: 'acme', attacker: 'globex' },
  ...{ seed: 7, calls: 240, levels: [level('same', true), level('cross', found)] },
  plan: { samples: 40, letters: 4096, warmups: 1, share: 0.95, levels: ['same', 'cross'], pauseMs: 0 },
  verdict: found ? 'shared' : 'nothing_found',
});

describe('the page of isolation', { skip: noBrowser }, () => {
  let up: ScriptedUpstream;
  let gate: GateProcess;
  let browser: Browser;
  before(async () => {
    await buildConsole();
    up = await startUpstream();
    const message = { role: 'assistant', content: `It is ${CANARY}.` };
    const usage = { prompt_tokens: 3, completion_tokens: 9, total_tokens: 12 };
    const choices = [{ index: 0, message, finish_reason: 'stop' }];
    up.answer(json(JSON.stringify({ id: 'c', object: 'chat.completion', created: 1, model: 'm', usage, choices })));
    gate = await startGate({
      config: `
providers: { lab: { kind: lab-chat, baseUrl: "${up.url}/v1" } }
models: { m: { deployments: [{ provider: lab }] } }
prices: [{ provider: "*", model: "*", perMillion: { input: "1", output: "2" } }]
leakWatch: { action: report, canaries: { acme: ["${CANARY}"] } }
`,
    });
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await gate?.stop();
    await up?.close();
  });

  test('nothing was audited and nothing found: it says so, and what to type', async () => {
    const open = await openPage(browser, { gate });
    await open.go('isolation');
    const text = await open.page.innerText('main');
    assert.match(text, /No cache was audited; no answer held a text of another tenant\./);
    assert.match(text, /headgate tenants audit-cache MODEL/);
    assert.match(text, /runs of 12 words of 0 pieces of tenants’ templates and 1 canary; such an answer is reported/);
    assert.match(text, /lab\s+! shared by tenants\s+shown\s+as they come/, 'one tenant alone has nothing to hide');
    await open.shoot('isolation-empty');
    await open.close();
  });

  test('audits, the newest of each model in words, and a leak with a way to its call', async () => {
    for (const id of ['acme', 'globex']) await gate.admin('POST', '/tenants', { id });
    const { key } = await gate.admin('POST', '/keys', { tenant: 'globex', name: 'k' });
    await gate.admin('POST', '/cache-audits', audit('m', true));
    await gate.admin('POST', '/cache-audits', audit('apart', true));
    await gate.admin('POST', '/cache-audits', audit('apart', false));
    const response = await fetch(`${gate.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hi' }] }),
    });
    assert.equal(response.status, 200);
    const call = response.headers.get('x-headgate-call-id')!;
    await gate.until('the incident', async () => (await gate.admin('GET', '/leaks')).leaks.length === 1);

    for (const looks of [{}, { colours: 'dark', size: 'phone' }] as const) {
      const open = await openPage(browser, { gate }, looks);
      await open.go('isolation');
      const text = await open.page.innerText('main');
      assert.match(
        text,
        /1 model has a cache that tells tenants of one another; 1 answer held a text of another tenant/,
      );
      const rows = await open.page.locator('[aria-label="Audits of prefix caches"] tbody tr').allInnerTexts();
      assert.deepEqual(
        rows.map((row) => /✕ shared|✓ nothing found/.exec(row)![0]),
        ['✓ nothing found', '✕ shared', '✕ shared'],
      );
      assert.match(rows[2]!, /m\s+globex → acme\s+92 ms, 412 ms\s+4\.0e-13/);
      const leak = open.page.locator('[aria-label="Leaks"] tbody tr');
      assert.match(await leak.innerText(), /✕ went out\s+acme\s+globex\s+canary/);
      assert.match((await leak.locator('a').getAttribute('href'))!, new RegExp(`/calls/${call}`));
      assert.deepEqual([...(await violations(open.page)), ...open.complaints], []);
      await open.shoot('isolation');
      await open.close();
    }
  });

  test('a result that names no tenant of this gate, or has other fields, is refused', async () => {
    const refused = (body: object): Promise<string> =>
      gate.admin('POST', '/cache-audits', body).then(
        () => 'kept',
        (error: Error) => error.message,
      );
    assert.match(await refused({ ...audit('m', true), victim: 'nobody' }), /There is no tenant `nobody`/);
    assert.match(await refused({ ...audit('m', true), prompts: ['secret'] }), /400/);
  });
});
