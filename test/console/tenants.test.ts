import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { buildConsole } from '../../scripts/console.ts';
import { launch, noBrowser, openPage, violations, type Looks } from './browser.ts';
import { tenantsWorld, type TenantsWorld } from './tenants-world.ts';

const LOOKS: readonly Looks[] = [
  { colours: 'light', size: 'wide' },
  { colours: 'dark', size: 'wide' },
  { colours: 'light', size: 'phone' },
  { colours: 'dark', size: 'phone' },
];

/** Every page with words that stand on it only when its figures do. */
const PAGES: Readonly<Record<string, RegExp>> = {
  tenants: /66 tenants: 3 near a limit[\s\S]*acme[\s\S]*total of 66/,
  'tenants/acme': /By feature[\s\S]*Limits[\s\S]*Budgets[\s\S]*Quality[\s\S]*Keys[\s\S]*Layers[\s\S]*Newest calls/,
  limits: /5 limits; 1 full, 1 more at four fifths/,
  attribution: /By tenant[\s\S]*Shared[\s\S]*gpus[\s\S]*By provider/,
  'attribution?tenant=acme': /By feature[\s\S]*search/,
  'attribution?tenant=acme&feature=search': /What it was charged for[\s\S]*whole answers/,
  'attribution?tenant=acme&feature=support&purpose=answer&provider=spare': /12 entries sum to .*, all of the line/,
};

describe('the pages of tenants', { skip: noBrowser }, () => {
  let world: TenantsWorld;
  let browser: Browser;
  before(async () => {
    await buildConsole();
    world = await tenantsWorld();
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await world?.stop();
  });

  for (const looks of LOOKS)
    test(`every page, ${looks.colours} and ${looks.size}: its figures, no complaint, no serious finding of axe, no sideways scroll`, async () => {
      const open = await openPage(browser, world, looks);
      const wrong: string[] = [];
      for (const [path, words] of Object.entries(PAGES)) {
        await open.go(path);
        const text = await open.page.innerText('main');
        if (!words.test(text)) wrong.push(`${path}: ${words} is not on it\n${text.slice(0, 600)}`);
        const over = await open.page.evaluate(
          'document.documentElement.scrollWidth - document.documentElement.clientWidth',
        );
        if ((over as number) > 0) wrong.push(`${path}: scrolls sideways`);
        wrong.push(...(await violations(open.page)).map((found) => `${path}: ${found}`));
        await open.shoot(path.replace(/\W+/g, '-'));
      }
      wrong.push(...open.complaints);
      await open.close();
      assert.deepEqual(wrong, []);
    });

  test('a tenant is found, sorted and filtered by the server, and its page is one Enter away', async () => {
    const open = await openPage(browser, world);
    await open.go('tenants');
    await open.page.getByRole('button', { name: 'margin' }).click();
    await open.page.waitForURL(/sort=margin/);
    await open.page.waitForSelector('th[aria-sort=ascending] >> text=margin');
    await open.page.waitForSelector('tbody tr:first-child >> text=globex');
    await open.page.getByRole('button', { name: /^Failing/ }).click();
    await open.page.waitForSelector('tfoot >> text=total of 1');
    assert.match(await open.page.innerText('tbody'), /initech[\s\S]*50\.0 %/);
    await open.page.getByRole('button', { name: /^Failing/ }).click();
    await open.page.getByRole('searchbox', { name: 'id or name' }).fill('acme l');
    await open.page.waitForSelector('tfoot >> text=total of 1');
    await open.page.getByRole('searchbox', { name: 'id or name' }).blur();
    await open.page.keyboard.press('j');
    await open.page.keyboard.press('Enter');
    await open.page.waitForSelector('h1 >> text=acme');
    assert.match(open.page.url(), /tenants\/acme/);
    assert.deepEqual(open.complaints, []);
    await open.close();
  });

  test('beyond a page of the list: the next fifty', async () => {
    const open = await openPage(browser, world);
    await open.go('tenants?sort=tenant');
    assert.equal(await open.page.locator('tbody tr').count(), 50);
    await open.page.getByRole('button', { name: 'Next' }).click();
    await open.page.waitForSelector('text=51–66 of 66');
    assert.equal(await open.page.locator('tbody tr').count(), 16);
    await open.close();
  });

  test('from the month down to the entries, by rows: each level is the line above, the last all of it', async () => {
    const open = await openPage(browser, world);
    await open.go('attribution');
    const amounts: string[] = [];
    for (const name of ['acme', 'support', 'whole answers']) {
      const row = open.page.locator('tbody tr', { hasText: name }).first();
      amounts.push(await row.locator('td.number').nth(-2).innerText());
      await row.click();
      await open.page.locator('tfoot', { hasText: amounts.at(-1)! }).waitFor();
    }
    assert.match(await open.page.innerText('main'), new RegExp(`12 entries sum to \\${amounts[2]}, all of the line`));
    await open.page.locator('tbody tr').first().click();
    await open.page.waitForSelector('svg.waterfall');
    await open.page.goBack();
    await open.page.waitForSelector('text=all of the line');
    assert.deepEqual(open.complaints, []);
    await open.close();
  });

  test('one tenant: who fell, what is full, what it pays and what names it', async () => {
    const open = await openPage(browser, world);
    await open.go('tenants/acme');
    await open.page.waitForSelector('text=it pays $25.00');
    const text = await open.page.innerText('main');
    assert.match(text, /By the price of plan pro it pays \$25\.00: margin \$/);
    assert.match(text, /tenant acme\s[\s\S]*90\.0 %[\s\S]*requests a day/);
    assert.match(text, /each key of acme: acme-prod/);
    assert.match(text, /helpful\s+✕ fell/);
    assert.match(text, /globex → acme/);
    assert.match(text, /tenant:acme/);
    await open.go('tenants/umbrella');
    await open.page.waitForSelector('text=It has no price');
    assert.match(await open.page.innerText('main'), /It has no price[\s\S]*193\.0 % used up/);
    await open.go('tenants/no-such-tenant');
    assert.match(await open.page.innerText('main'), /This could not be read: There is no tenant/);
    await open.close();
  });
});
