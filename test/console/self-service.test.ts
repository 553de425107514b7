import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { noBrowser, onStage, openPage, violations, type Looks, type OpenPage } from './browser.ts';
import { send } from './world.ts';

/** Path and name of every page. */
const OWN = {
  '': 'Overview',
  calls: 'Calls',
  sessions: 'Sessions',
  streams: 'Streams',
  quality: 'Quality',
  spend: 'Spend',
  keys: 'Keys',
  limits: 'Limits',
  budgets: 'Budgets',
} as const;
const OPERATORS = {
  alerts: 'Alerts',
  isolation: 'Isolation',
  providers: 'Providers',
  configuration: 'Configuration',
  tenants: 'Tenants',
  attribution: 'Attribution',
  tokens: 'Tokens',
} as const;

/** Buttons that change something; all else filters, sorts, copies, saves or opens. */
const CHANGES =
  /^(Create|Rotate|Revoke|Raise|Remove|Drain|End|Test|Pause|Delete)\b|^(Create|Rotate|Revoke|Raise|Remove|Drain|End|Test) /;

const railOf = (page: Page): Promise<string[]> => page.locator('nav[aria-label=Pages] a').allInnerTexts();
const changesOn = async (page: Page): Promise<string[]> =>
  (
    await page
      .locator('main button')
      .evaluateAll((all) => all.map((one) => one.getAttribute('aria-label') ?? one.textContent ?? ''))
  ).filter((name) => CHANGES.test(name.trim()));

describe('the console by each kind of token', { skip: noBrowser }, () => {
  const stage = onStage();
  const tokens: Record<'ops' | 'reader' | 'acme', string> = { ops: '', reader: '', acme: '' };

  const make = async (name: string, more: object): Promise<{ readonly id: string; readonly token: string }> =>
    stage.world.gate.admin('POST', '/tokens', { name, ...more });
  const openAs = (who: keyof typeof tokens, looks: Looks = {}): Promise<OpenPage> =>
    openPage(stage.browser, stage.world, looks, tokens[who]);

  before(async () => {
    const { gate, keys } = stage.world;
    tokens.ops = (await make('ops on call', { scope: 'operator' })).token;
    tokens.reader = (await make('dashboards', { scope: 'reader', for: '90d' })).token;
    tokens.acme = (await make('acme admins', { scope: 'tenant', tenant: 'acme', for: '30d' })).token;
    for (const tenant of ['acme', 'globex'])
      await gate.admin('POST', '/limits', { level: 'tenant', tenant, unit: 'requests', window: 'minute', limit: 500 });
    await gate.admin('POST', '/limits', { level: 'key', tenant: 'acme', unit: 'concurrency', limit: 8 });
    for (const tenant of ['acme', 'globex'] as const) {
      const { calls } = await gate.admin('GET', `/calls?tenant=${tenant}&limit=20`);
      for (const { id } of calls) {
        const response = await fetch(`${gate.url}/v1/headgate/scores`, {
          method: 'POST',
          headers: { authorization: `Bearer ${keys[tenant]}`, 'content-type': 'application/json' },
          body: JSON.stringify({ call: id, name: 'helpful', value: 1 }),
        });
        assert.ok(response.ok, await response.text());
      }
    }
    await gate.until('scores', async () => (await gate.admin('GET', '/quality')).lines.length >= 2);
  });

  for (const looks of [{}, { colours: 'dark' }, { size: 'phone' }] as const satisfies readonly Looks[])
    test(`a tenant’s own token, ${JSON.stringify(looks)}: its pages, its figures, nobody else’s, no button that it may not press`, async () => {
      const open = await openAs('acme', looks);
      const { page } = open;
      assert.deepEqual(await railOf(page), Object.values(OWN));
      const { calls } = await stage.world.gate.admin('GET', '/calls?tenant=acme&limit=1');
      const wrong: string[] = [];
      const paths = [
        ...Object.keys(OWN),
        `calls/${calls[0].id}`,
        'sessions/acme/task-42',
        'spend?by=key%2Cmodel%2Ckind',
      ];
      for (const path of paths) {
        await open.go(path);
        const text = await page.innerText('body');
        if (/globex/.test(text)) wrong.push(`${path}: names another tenant`);
        if (/could not be read|does not open/.test(text)) wrong.push(`${path}: ${text.slice(0, 600)}`);
        const changes = await changesOn(page);
        if (path !== 'keys' && changes.length > 0) wrong.push(`${path}: ${changes}`);
        if (
          path === 'keys' &&
          !['Create key', 'Rotate key acme-prod', 'Revoke key acme-prod'].every((one) => changes.includes(one))
        )
          wrong.push(`keys: ${changes}`);
        if (changes.includes('Create tenant')) wrong.push('creates tenants');
        if (
          Number(await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')) > 0
        )
          wrong.push(`${path}: scrolls sideways`);
        wrong.push(...(await violations(page)).map((found) => `${path}: ${found}`));
        await open.shoot(`tenant-${path.replace(/\W+/g, '-').slice(0, 24) || 'overview'}`);
      }
      // A 403 of a question that the page should not have asked stands here.
      wrong.push(...open.complaints);
      await open.close();
      assert.deepEqual(wrong, []);
    });

  test('who is logged in, by what token and until when, is on every page', async () => {
    for (const [who, words] of [
      ['acme', /acme admins\s+tenant acme until \d{4}-\d\d-\d\d/],
      ['reader', /dashboards\s+reader until \d{4}/],
      ['ops', /ops on call\s+operator/],
    ] as const) {
      const open = await openAs(who);
      assert.match(await open.page.innerText('[aria-label="Logged in"]'), words);
      assert.match(
        (await open.page.getAttribute('[aria-label="Logged in"]', 'title'))!,
        /Token tok_\w+; .*this login ends/,
      );
      await open.close();
    }
    const first = await openPage(stage.browser, stage.world);
    assert.match(await first.page.innerText('[aria-label="Logged in"]'), /admin\s+operator/);
    await first.close();
  });

  test('a figure of the tenant’s overview is its own, and its used-up budget needs it', async () => {
    const { gate } = stage.world;
    const { rows } = await gate.admin('GET', '/spend?by=tenant&since=24h&figures=sums');
    const own = rows.find((row: any) => row.by[0] === 'acme').calls;
    assert.ok(own < stage.world.calls);
    const open = await openAs('acme');
    await open.go('');
    assert.equal(await open.page.locator('.figure:has(dt:text-is("Calls")) .value').innerText(), String(own));
    await open.close();
    const { id } = await gate.admin('POST', '/budgets', {
      level: 'tenant',
      tenant: 'acme',
      limitUsd: '0.00001',
      window: 'day',
    });
    const again = await openAs('acme');
    await again.go('');
    assert.match(await again.page.innerText('.findings'), /Budget of tenant acme, day \(UTC\): [\d,.]+ % is used/);
    await again.close();
    await gate.admin('DELETE', `/budgets/${id}`);
  });

  test('addresses typed by hand: pages that the token does not open say so; another’s thing is one that never was', async () => {
    const { gate } = stage.world;
    const open = await openAs('acme');
    const { page } = open;
    for (const [path, name] of Object.entries(OPERATORS)) {
      await open.go(path);
      assert.match(await page.innerText('main'), new RegExp(`^${name}\\s+Your token does not open this page`));
      assert.match(await page.innerText('main'), /acme admins \(tenant acme\)/);
      assert.deepEqual(await violations(page), []);
    }
    await open.shoot('tenant-closed');
    // Nothing was asked for, so that nothing was refused.
    assert.deepEqual(open.complaints, []);
    const { calls } = await gate.admin('GET', '/calls?tenant=globex&limit=1');
    for (const [path, words] of [
      [`calls/${calls[0].id}`, /This call is not in the ledger/],
      ['sessions/globex/task-1', /There is no tenant `globex`/],
      ['spend?tenant=globex', /There is no tenant `globex`/],
      ['keys?tenant=globex', /There is no tenant `globex`/],
      ['budgets?tenant=globex', /There is no tenant `globex`/],
      ['limits?tenant=globex', /There is no tenant `globex`/],
      ['quality?tenant=globex', /There is no tenant `globex`/],
      ['streams?tenant=globex', /There is no tenant `globex`/],
      ['calls?tenant=globex', /There is no tenant `globex`/],
      ['?tenant=globex', /There is no tenant `globex`/],
    ] as const) {
      await open.go(path);
      assert.match(await page.innerText('main'), words, path);
      assert.doesNotMatch(await page.innerText('main'), /globex-prod|fallback/, path);
    }
    await open.shoot('tenant-other');
    // And the way out of such an address.
    await page.click('.bar >> text=tenant globex');
    await page.waitForSelector('.figure');
    await page.keyboard.press('g');
    await page.keyboard.press('p');
    assert.equal(await page.locator('h1').innerText(), 'Overview', 'no key leads where no page is');
    await open.close();
  });

  test('a tenant’s key from birth to end, by its own token alone', async () => {
    const { gate } = stage.world;
    const open = await openAs('acme');
    const { page } = open;
    await open.go('keys');
    await page.click('text=Create key');
    assert.equal(await page.locator('dialog input[name=tenant]').count(), 0);
    await page.fill('dialog input[name=name]', 'by the tenant');
    await open.shoot('tenant-create-key');
    await page.click('dialog button[type=submit]');
    const secret = await page.innerText('dialog pre');
    const body = { model: 'embed', input: 'hello' };
    assert.equal(await send(gate, { key: secret, body }), 200);
    await page.click('dialog button:has-text("Done")');
    const { keys } = await gate.admin('GET', '/keys?search=by the tenant');
    assert.equal(keys[0].tenant, 'acme');
    await page.click('button[aria-label="Rotate key by the tenant"]');
    await page.selectOption('dialog select', '0s');
    await page.click('dialog button[type=submit]');
    const next = await page.innerText('dialog pre');
    assert.equal(await send(gate, { key: secret, body }), 401);
    assert.equal(await send(gate, { key: next, body }), 200);
    await page.click('dialog button:has-text("Done")');
    await page.click('button[aria-label="Revoke key by the tenant"]');
    await page.click('dialog button[type=submit]');
    await page.waitForSelector('tr:has-text("by the tenant") >> text=revoked');
    assert.equal(await send(gate, { key: next, body }), 401);
    const { entries } = await gate.admin('GET', '/audit?tenant=acme&limit=3');
    assert.deepEqual(
      entries.map(({ actor, action }: any) => [actor, action]),
      ['key.revoke', 'key.rotate', 'key.create'].map((action) => ['acme admins', action]),
    );
    assert.deepEqual(open.complaints, []);
    await open.close();
  });

  test('a reader: every page and every tenant, no button that changes, no text', async () => {
    const open = await openAs('reader');
    const { page } = open;
    assert.deepEqual((await railOf(page)).toSorted(), [...Object.values(OWN), ...Object.values(OPERATORS)].toSorted());
    const { calls } = await stage.world.gate.admin('GET', '/calls?tenant=globex&limit=1');
    const wrong: string[] = [];
    for (const path of [...Object.keys(OWN), ...Object.keys(OPERATORS), `calls/${calls[0].id}`]) {
      await open.go(path);
      const changes = await changesOn(page);
      if (changes.length > 0) wrong.push(`${path}: ${changes}`);
      if (/Show text|could not be read|does not open/.test(await page.innerText('main'))) wrong.push(path);
      await open.shoot(`reader-${path.replace(/\W+/g, '-').slice(0, 24) || 'overview'}`);
    }
    await open.go('keys');
    assert.match(await page.innerText('main'), /acme-prod[\s\S]*globex-prod|globex-prod[\s\S]*acme-prod/);
    wrong.push(...open.complaints);
    await open.close();
    assert.deepEqual(wrong, []);
  });

  test('an operator’s named token has every page and button of the first', async () => {
    const seen: string[][] = [];
    for (const token of [tokens.ops, stage.world.gate.adminToken]) {
      const open = await openPage(stage.browser, stage.world, {}, token);
      const names: string[] = [...(await railOf(open.page))];
      for (const path of ['keys', 'budgets', 'providers', 'alerts', 'tokens']) {
        await open.go(path);
        names.push(...(await changesOn(open.page)));
      }
      if (token === tokens.ops) await open.shoot('operator-keys');
      assert.deepEqual(open.complaints, []);
      await open.close();
      seen.push(names);
    }
    assert.deepEqual(seen[0], seen[1]);
    for (const name of [
      'Create tenant',
      'Create budget',
      'Test provider steady',
      'Drain provider shaky',
      'Test webhook gone',
    ])
      assert.ok(seen[0]!.includes(name), name);
  });

  test('a token revoked while somebody looks: the page asks for a token, and another’s login leaves nothing of what was read', async () => {
    const { gate } = stage.world;
    const gone = await make('for a day', { scope: 'operator' });
    const open = await openPage(stage.browser, stage.world, {}, gone.token);
    const { page } = open;
    await open.go('keys');
    await page.waitForSelector('td:has-text("globex-prod")');
    await gate.admin('POST', `/tokens/${gone.id}/revoke`, {});
    await page.waitForSelector('text=Your session is over', { timeout: 15_000 });
    assert.equal(await page.locator('td:has-text("globex-prod")').first().isVisible(), false);
    await page.fill('input[name=token]', gone.token);
    await page.keyboard.press('Enter');
    await page.waitForSelector('[role=alert]:has-text("nor a named one that is alive")');
    await open.shoot('revoked');
    await page.fill('input[name=token]', tokens.acme);
    await page.keyboard.press('Enter');
    await page.waitForSelector('td:has-text("acme-prod")');
    assert.ok(!(await page.content()).includes('globex'), 'what the operator read is gone from the page');
    assert.deepEqual(await railOf(page), Object.values(OWN));
    await open.close();
  });

  test('a token from birth to end, by the operator: it logs in, and its end is at once', async () => {
    const open = await openAs('ops');
    const { page } = open;
    await open.go('tokens');
    await page.click('text=Create token');
    await page.fill('dialog input[name=name]', 'globex admins');
    await page.selectOption('dialog select[name=scope]', 'tenant');
    await page.fill('dialog input[name=tenant]', 'nobody');
    await page.click('dialog button[type=submit]');
    await page.waitForSelector('dialog [role=alert]:has-text("There is no tenant")');
    await page.fill('dialog input[name=tenant]', 'globex');
    assert.deepEqual(await violations(page), []);
    await open.shoot('tokens-create');
    await page.click('dialog button[type=submit]');
    const secret = await page.innerText('dialog pre');
    await page.click('dialog button:has-text("Done")');
    await page.waitForSelector('td:has-text("globex admins")');
    assert.ok(!(await page.content()).includes(secret));
    await open.shoot('tokens');
    const theirs = await openPage(stage.browser, stage.world, {}, secret);
    assert.match(await theirs.page.innerText('[aria-label="Logged in"]'), /globex admins\s+tenant globex until/);
    await page.click('button[aria-label="Revoke token globex admins"]');
    await page.waitForSelector('dialog:has-text("its logins to the console end")');
    await page.click('dialog button[type=submit]');
    await page.waitForSelector('tr:has-text("globex admins") >> text=revoked');
    await theirs.page.waitForSelector('text=Your session is over', { timeout: 15_000 });
    await theirs.close();
    await page.click('button[aria-label="Revoke token ops on call"]');
    await page.waitForSelector('dialog:has-text("You are logged in with it")');
    await page.keyboard.press('Escape');
    assert.deepEqual(
      open.complaints.filter((text) => !/404/.test(text)),
      [],
    );
    await open.close();
  });

  test('a token that ends while somebody looks', async () => {
    const short = await make('short', { scope: 'tenant', tenant: 'acme', for: '5s' });
    const open = await openPage(stage.browser, stage.world, {}, short.token);
    await open.page.waitForSelector('text=Your session is over', { timeout: 20_000 });
    await open.close();
  });

  test('another tab logs in with another token: this one becomes it, and shows nothing of before', async () => {
    const open = await openAs('ops');
    const { page } = open;
    await open.go('keys');
    await page.waitForSelector('td:has-text("globex-prod")');
    const tab = await open.context.newPage();
    await tab.goto(`${stage.world.gate.url}/console/`);
    await tab.waitForSelector('nav[aria-label=Pages]');
    await tab.click('text=Log out');
    await tab.waitForSelector('input[name=token]');
    await tab.fill('input[name=token]', tokens.acme);
    await tab.keyboard.press('Enter');
    await tab.waitForSelector('nav[aria-label=Pages]');
    await page.waitForSelector('[aria-label="Logged in"]:has-text("acme admins")', { timeout: 15_000 });
    await page.waitForSelector('td:has-text("acme-prod")');
    assert.ok(!(await page.content()).includes('globex'));
    await open.close();
  });

  test('each operation that a page draws a button for is one that there is', async () => {
    const { paths } = await stage.world.gate.admin('GET', '/openapi.json');
    const known = new Set(
      Object.entries<object>(paths).flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`),
      ),
    );
    const root = join(import.meta.dirname, '../../src/console');
    const asked = globSync('**/*.{ts,tsx}', { cwd: root }).flatMap((file) =>
      [...readFileSync(join(root, file), 'utf8').matchAll(/'((?:GET|POST|PATCH|DELETE) \/admin[^']*)'/g)].map(
        (found) => found[1]!,
      ),
    );
    assert.ok(asked.length >= 15, String(asked.length));
    assert.deepEqual(
      asked.filter((operation) => !known.has(operation)),
      [],
    );
  });
});
