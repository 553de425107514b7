import assert from 'node:assert/strict';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { noBrowser, onStage, openPage } from './browser.ts';
import { send } from './world.ts';

/** The page keeps what it has and says what is wrong, through whatever happens to its gate. */
describe('the console in trouble', { skip: noBrowser }, () => {
  const stage = onStage();

  test('a gate that restarts: the page says so, keeps its figures, comes back by itself and is still logged in', async () => {
    const open = await openPage(stage.browser, stage.world);
    const { page } = open;
    await open.go('calls');
    const rows = await page.locator('[data-rows] > tr').count();
    await stage.world.gate.stop();
    await page.waitForSelector('text=The gate has not answered since', { timeout: 15_000 });
    assert.equal(await page.locator('[data-rows] > tr').count(), rows);
    await open.shoot('gate-gone');
    await stage.world.restart();
    await page.waitForSelector('text=The gate is back: it restarted at', { timeout: 20_000 });
    assert.equal(await page.locator('text=has not answered').count(), 0);
    assert.equal(await page.locator('input[name=token]').count(), 0);
    await open.shoot('gate-back');
    const { gate, keys } = stage.world;
    await send(gate, { key: keys.acme, body: { model: 'embed', input: 'after the restart' } });
    await gate.until(
      'the new call is on the page',
      async () => (await page.locator('[data-rows] > tr').count()) > rows,
    );
    await open.close();
  });

  test('a store that is away: said, figures kept, and forgotten once it is back', async () => {
    const open = await openPage(stage.browser, stage.world);
    const { page } = open;
    const ledger = join(stage.world.folder, 'state', 'ledger.db');
    await open.go('?window=1h');
    const spend = await page.innerText('.figure .value');
    renameSync(ledger, `${ledger}.away`);
    try {
      await page.waitForSelector('text=The store is away since', { timeout: 20_000 });
      assert.equal(await page.innerText('.figure .value'), spend);
      await open.shoot('store-away');
      await open.go('sessions');
      await page.waitForSelector('main [role=alert]:has-text("The store is away")');
      await open.shoot('store-away-empty');
    } finally {
      renameSync(`${ledger}.away`, ledger);
    }
    await page.waitForSelector('td:has-text("task-42")', { timeout: 40_000 });
    await stage.world.gate.until(
      'the notice is gone',
      async () => (await page.locator('text=The store is away since').count()) === 0,
    );
    await open.close();
  });

  test('a session that ended elsewhere: the page asks for the token and goes on where it was', async () => {
    const open = await openPage(stage.browser, stage.world);
    const { page } = open;
    await open.go('spend?by=model');
    await open.context.clearCookies();
    await page.waitForSelector('text=Your session is over', { timeout: 15_000 });
    assert.equal(await page.locator('h1:has-text("Spend")').isVisible(), false);
    await page.fill('input[name=token]', 'hga_wrong');
    await page.keyboard.press('Enter');
    await page.waitForSelector('[role=alert]:has-text("not the admin token")');
    await page.fill('input[name=token]', stage.world.gate.adminToken);
    await page.keyboard.press('Enter');
    await page.waitForSelector('h1:has-text("Spend")');
    assert.match(page.url(), /by=model/);
    const kept = (await page.evaluate(
      'JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])',
    )) as string;
    assert.ok(!kept.includes(stage.world.gate.adminToken), 'the token is nowhere in the browser');
    await open.close();
  });

  test('no call yet: each page says what will be here and the command that makes it so', async () => {
    const open = await openPage(stage.browser, stage.world);
    const nobody = 'tenant=nobody';
    for (const [path, words] of [
      [`?${nobody}`, /No calls in this window/],
      [`calls?${nobody}`, /No call matches/],
      [`sessions?${nobody}`, /x-headgate-session/],
      [`spend?${nobody}`, /npx headgate demo/],
      [`keys?${nobody}`, /No key matches/],
      [`budgets?${nobody}`, /headgate budgets create/],
      ['nowhere', /There is no such page/],
    ] as const) {
      await open.page.goto(`${stage.world.gate.url}/console/${path}`);
      await stage.world.gate.until(`${words} on ${path}`, async () => words.test(await open.page.innerText('main')));
    }
    await open.shoot('empty');
    await open.close();
  });

  test('ten thousand keys: pages of a hundred, found by a part of their name, at once', async () => {
    const { gate } = stage.world;
    const sha = (i: number): string => i.toString(16).padStart(64, '0');
    for (let from = 0; from < 10_000; from += 50)
      await Promise.all(
        Array.from({ length: 50 }, (_, i) =>
          gate.admin('POST', '/keys/import', { tenant: 'acme', name: `worker-${from + i}`, sha256: sha(from + i + 1) }),
        ),
      );
    const open = await openPage(stage.browser, stage.world);
    const { page } = open;
    const at = performance.now();
    await open.go('keys');
    const took = performance.now() - at;
    assert.match(await page.innerText('main'), /10,0\d\d keys; 100 of them are on this page/);
    assert.ok(took < 5_000, `${took} ms`);
    await page.click('text=Older');
    await page.waitForURL(/before=key_/);
    await page.fill('main input[type=search]', 'worker-1234');
    await page.waitForSelector('td:has-text("worker-1234")');
    assert.match(await page.innerText('main'), /1 key matches/);
    await open.close();
  });
});
