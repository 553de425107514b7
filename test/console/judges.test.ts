import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import type { Browser } from 'playwright-core';
import { buildConsole } from '../../scripts/console.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { launch, noBrowser, openPage, violations, type Looks } from './browser.ts';
import { makeKey, send } from './world.ts';

const verdict = (value: unknown): string => `{"mark": "{{match:----- ([0-9a-f]{16}) }}", "verdict": ${value}}`;
const turns = (text: string) => ({ turns: [{ text }] });
const scripts = {
  judge: turns(verdict(1)),
  chatty: turns('I would say that this is fine.'),
  good: turns('All is well.'),
};

const LOOKS: readonly Looks[] = [
  { colours: 'light', size: 'wide' },
  { colours: 'dark', size: 'phone' },
];

describe('judges on the page of quality', { skip: noBrowser }, () => {
  let provider: Provider;
  let gate: GateProcess;
  let browser: Browser;
  const judge = (model: string, more = ''): string =>
    `{ model: ${model}, version: 3, rubric: "Is it right?", sample: 1, budgetPerDay: "5"${more} }`;
  before(async () => {
    await buildConsole();
    provider = await startProvider({ seed: 20261127, scripts });
    gate = await startGate({
      config: `
providers: { lab: { kind: lab, baseUrl: "${provider.url}/v1" } }
models:
${Object.keys(scripts)
  .map((name) => `  ${name}: { deployments: [{ provider: lab, model: "lab-script:${name}" }] }`)
  .join('\n')}
prices: [{ provider: "*", model: "lab-*", perMillion: { input: "1000", output: "2000" } }]
labels: [env]
features:
  search: { quality: { judges: { right: ${judge('judge', ', maxPerHour: 2')} } } }
  support: { quality: { judges: { polite: ${judge('chatty')} } } }
`,
    });
    const key = await makeKey(gate, 'acme');
    const body = { model: 'good', messages: [{ role: 'user', content: 'How is it?' }] };
    for (const feature of ['search', 'search', 'search', 'support'])
      assert.equal(await send(gate, { key, body, headers: { 'x-headgate-feature': feature } }), 200);
    await gate.until('three judgements and one that the hour had no room for', async () => {
      const { judges } = await gate.admin('GET', '/quality');
      const sum = (name: string): number => judges.reduce((all: number, one: any) => all + (one.counts[name] ?? 0), 0);
      const paid = judges.every(({ cost }: any) => Number(cost.usd) > 0);
      return sum('scored') === 2 && sum('unparsable') === 1 && sum('hour_full') === 1 && paid;
    });
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await gate?.stop();
    await provider?.close();
  });

  for (const looks of LOOKS)
    test(`which judge, which rubric, how many scored, what was not and why, and what it cost: ${looks.colours}`, async () => {
      const { judges } = await gate.admin('GET', '/quality');
      const open = await openPage(browser, { gate }, looks);
      await open.go('quality');
      const rows = await open.page.locator('[aria-label="Judges of features"] tbody tr').allInnerTexts();
      assert.equal(rows.length, 2);
      const [right, polite] = ['right', 'polite'].map((name) => rows.find((row) => row.includes(name))!);
      assert.match(right!, /not asked: 1 the hour was full/);
      assert.match(polite!, /asked: 1 no verdict/);
      assert.doesNotMatch(polite!, /not asked:/);
      for (const row of [right!, polite!]) assert.match(row, /\$\d/);
      if (looks.size === 'wide') {
        const cells = right!.split(/\s*\t\s*|\n/);
        for (const cell of ['right', 'search', 'judge', '3', '100.0 %'])
          assert.ok(
            cells.some((one) => one.replaceAll(/\s/g, ' ').trim() === cell),
            `${cell} in ${JSON.stringify(cells)}`,
          );
        assert.deepEqual(judges.find((one: any) => one.judge === 'right').counts.scored, 2);
        assert.ok(cells.includes('2'), 'two scored');
      }
      const beyond = await open.page.evaluate(
        'document.documentElement.scrollWidth - document.documentElement.clientWidth',
      );
      assert.ok(Number(beyond) <= 0, 'it scrolls sideways');
      assert.deepEqual([...(await violations(open.page)), ...open.complaints], []);
      await open.shoot('quality-judges');
      await open.close();
    });
});
