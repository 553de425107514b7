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
  tenants: /65 tenants: [\s\S]*acme[\s\S]*total of 65/,
  'tenants/acme': /By feature[\s\S]*Limits[\s\S]*Budgets[\s\S]*Quality[\s\S]*Keys[\s\S]*Layers[\s\S]*Newest calls/,
  limits: /6 limits; 1 full, 1 more at four fifths|5 limits; 1 full, 1 more at four fifths/,
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
});
