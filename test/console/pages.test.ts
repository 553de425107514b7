import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { noBrowser, onStage, openPage, violations, type Looks } from './browser.ts';

/** Every page with a word that stands on it only when its figures do. */
const PAGES: Readonly<Record<string, RegExp>> = {
  '': /Top movers/,
  calls: /newest 100 calls|\d+ calls/,
  sessions: /task-42/,
  'sessions/acme/task-42': /It failed first at call/,
  'streams?by=tenant%2Cclient': /By tenant, client/,
  quality: /No answer was scored/,
  alerts: /unpriced[\s\S]*slow-store[\s\S]*pager/,
  isolation: /No prefix cache was audited/,
  'spend?by=tenant%2Cfeature%2Ckind': /By tenant, feature, kind/,
  keys: /acme-prod/,
  budgets: /tenant globex/,
  limits: /No limits/,
  providers: /shaky/,
  tokens: /No named tokens/,
  configuration: /providers\.steady\.baseUrl/,
};

const LOOKS: readonly Looks[] = [
  { colours: 'light', size: 'wide' },
  { colours: 'dark', size: 'wide' },
  { colours: 'light', size: 'phone' },
  { colours: 'dark', size: 'phone' },
];

const overflow = (page: Page): Promise<number> =>
  page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');

describe('pages of the console in a browser', { skip: noBrowser }, () => {
  const stage = onStage();

  for (const looks of LOOKS) {
    test(`every page, ${looks.colours} and ${looks.size}: its figures, no complaint, no serious finding of axe, no sideways scroll`, async () => {
      const open = await openPage(stage.browser, stage.world, looks);
      const wrong: string[] = [];
      for (const [path, words] of Object.entries(PAGES)) {
        await open.go(path);
        const text = await open.page.innerText('main');
        if (!words.test(text)) wrong.push(`${path}: ${words} is not on it\n${text.slice(0, 400)}`);
        if ((await overflow(open.page)) > 0) wrong.push(`${path}: scrolls sideways`);
        wrong.push(...(await violations(open.page)).map((found) => `${path}: ${found}`));
        await open.shoot(path.replace(/\W+/g, '-') || 'overview');
      }
      wrong.push(...open.complaints);
      await open.close();
      assert.deepEqual(wrong, []);
    });
  }

  test('a call: the waterfall to scale, attempts, cost by part, and its neighbours by link', async () => {
    const { calls } = await stage.world.gate.admin('GET', '/calls?tenant=globex&model=fallback&limit=1');
    const open = await openPage(stage.browser, stage.world);
    await open.go(`calls/${calls[0].id}`);
    const text = await open.page.innerText('main');
    assert.match(text, /2 attempts, 1 of them failed/);
    assert.match(text, /shaky\/lab-large/);
    assert.match(text, /reserved − settled/);
    assert.equal(await open.page.locator('svg.waterfall rect.failed').count(), 1);
    await open.shoot('call');
    assert.deepEqual(await violations(open.page), []);
    assert.deepEqual(open.complaints, []);
    await open.close();
  });

  test('the page is below 120 KB on the wire and paints within a second', async () => {
    const context = await stage.browser.newContext();
    const page = await context.newPage();
    const session = await context.newCDPSession(page);
    await session.send('Network.enable');
    let bytes = 0;
    session.on('Network.loadingFinished', ({ encodedDataLength }) => (bytes += encodedDataLength));
    await page.goto(`${stage.world.gate.url}/console/`);
    await page.waitForSelector('input[name=token]');
    assert.ok(bytes > 10_000 && bytes < 120 * 1024, `${bytes} bytes`);
    const paints: number[] = [];
    for (let i = 0; i < 5; i++) {
      await page.reload();
      await page.waitForSelector('input[name=token]');
      paints.push(
        (await page.evaluate(`performance.getEntriesByName('first-contentful-paint')[0].startTime`)) as number,
      );
    }
    // The best of five: other suites share the machine.
    assert.ok(Math.min(...paints) < 1_000, `${paints} ms to the first paint`);
    await context.close();
  });
});
