import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { money } from '#kernel/format.ts';
import { parseUsd, sumUsd } from '#kernel/money.ts';
import { noBrowser, onStage, openPage } from './browser.ts';
import { makeKey, send } from './world.ts';

/** What people do with the pages, and what they must be able to trust on them. */
describe('the console in use', { skip: noBrowser }, () => {
  const stage = onStage();

  test('the figures of the overview are those of the ledger, embedding beside generation', async () => {
    const open = await openPage(stage.browser, stage.world);
    await open.go('');
    const { rows } = await stage.world.gate.admin('GET', '/spend?by=kind&since=24h');
    const sum = (kinds: readonly string[]) =>
      sumUsd(rows.filter((row: any) => kinds.includes(row.by[0])).map((row: any) => parseUsd(row.costUsd)!));
    const figure = async (name: string): Promise<string> =>
      (await open.page.locator(`.figure:has(dt:text-is("${name}")) .value`).innerText()).replace(/[≥≈]/g, '');
    assert.equal(await figure('Spend'), money(sum(['generate', 'embed'])));
    assert.equal(await figure('Generation'), money(sum(['generate'])));
    assert.equal(await figure('Embedding'), money(sum(['embed'])));
    assert.equal(await figure('Calls'), String(stage.world.calls));
    assert.ok(sum(['embed']) > 0n && sum(['generate']) > 0n);
    await open.close();
  });

  test('live: a call that settles appears by itself; paused: it does not', async () => {
    const open = await openPage(stage.browser, stage.world);
    const { gate, keys } = stage.world;
    await open.go('calls?feature=docs&window=1h');
    const rows = () => open.page.locator('[data-rows] > tr').count();
    const before = await rows();
    const call = {
      key: keys.acme,
      body: { model: 'embed', input: 'one more' },
      headers: { 'x-headgate-feature': 'docs', 'x-headgate-purpose': 'edit' },
    };
    await send(gate, call);
    await gate.until('the call is on the page', async () => (await rows()) === before + 1);
    await open.page.keyboard.press('p');
    await open.page.waitForSelector('text=Paused');
    assert.match(open.page.url(), /live=off/);
    await send(gate, call);
    await gate.until(
      'the call is in the store',
      async () => (await gate.admin('GET', '/calls?feature=docs')).calls.length === before + 2,
    );
    await open.page.waitForTimeout(6_000);
    assert.equal(await rows(), before + 1);
    await open.close();
  });

  test('by keyboard alone: log in, walk the pages, open a call, search, close', async () => {
    const context = await stage.browser.newContext();
    const page = await context.newPage();
    await page.goto(`${stage.world.gate.url}/console/`);
    await page.waitForSelector('input[name=token]:focus');
    await page.keyboard.type(stage.world.gate.adminToken);
    await page.keyboard.press('Enter');
    await page.waitForSelector('h1:has-text("Overview")');
    for (const [key, title] of [
      'cCalls',
      'sSessions',
      'tStreams',
      'mSpend',
      'kKeys',
      'bBudgets',
      'lLimits',
      'qQuality',
      'uTokens',
      'pProviders',
      'eConfiguration',
      'oOverview',
    ].map((text) => [text[0]!, text.slice(1)] as const)) {
      await page.keyboard.press('g');
      await page.keyboard.press(key);
      await page.waitForSelector(`h1:has-text("${title}")`);
    }
    await page.keyboard.press('g');
    await page.keyboard.press('c');
    await page.waitForSelector('[data-rows] > tr');
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await page.keyboard.press('k');
    const focused = await page.evaluate('document.activeElement.matches("[data-rows] > tr:first-child")');
    assert.equal(focused, true);
    assert.equal(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle'), 'solid');
    await page.keyboard.press('Enter');
    await page.waitForSelector('svg.waterfall');
    await page.keyboard.press('?');
    await page.waitForSelector('dialog[open]:has-text("next and previous row")');
    await page.keyboard.press('Escape');
    assert.equal(await page.locator('dialog[open]').count(), 0);
    await page.keyboard.press('/');
    assert.equal(await page.evaluate('document.activeElement.name'), 'tenant');
    await page.keyboard.type('globex');
    await page.keyboard.press('Enter');
    await page.waitForURL(/tenant=globex/);
    // Every control of a page is reached by Tab, and none holds the focus.
    const stops = new Set<string>();
    for (let i = 0; i < 120; i++) {
      await page.keyboard.press('Tab');
      stops.add((await page.evaluate('document.activeElement.textContent')) as string);
    }
    for (const word of ['Overview', 'Configuration', '24 h', 'Log out']) assert.ok(stops.has(word), word);
    await context.close();
  });

  test('a key from birth to end: the secret is shown once and works, rotation and revocation say whom they hit', async () => {
    const open = await openPage(stage.browser, stage.world);
    const { page } = open;
    const { gate } = stage.world;
    await open.go('keys');
    await page.click('text=Create tenant');
    await page.fill('dialog input[name=id]', 'Not Valid');
    await page.click('dialog button[type=submit]');
    await page.waitForSelector('dialog [role=alert]:has-text("lower-case letters")');
    await page.fill('dialog input[name=id]', 'newcomer');
    await page.click('dialog button[type=submit]');
    await page.waitForSelector('dialog', { state: 'detached' });
    assert.ok((await gate.admin('GET', '/tenants')).tenants.some(({ id }: { id: string }) => id === 'newcomer'));
    await page.click('text=Create key');
    await page.fill('dialog input[name=tenant]', 'acme');
    await page.fill('dialog input[name=name]', 'by-hand');
    await page.click('dialog button[type=submit]');
    const secret = await page.innerText('dialog pre');
    const body = { model: 'embed', input: 'hello' };
    assert.equal(await send(gate, { key: secret, body }), 200);
    await open.shoot('key-made');
    await page.click('dialog button:has-text("Done")');
    await page.waitForSelector('td:has-text("by-hand")');
    assert.ok(!(await page.content()).includes(secret));
    const { keys } = await gate.admin('GET', '/keys?search=by-hand');
    const callsOfKey = async (): Promise<number> => (await gate.admin('GET', `/calls?key=${keys[0].id}`)).calls.length;
    await gate.until('the call is in the store', async () => (await callsOfKey()) === 1);
    await page.click('button[aria-label="Rotate key by-hand"]');
    await page.waitForSelector('dialog:has-text("1 call for")');
    await page.selectOption('dialog select', '0s');
    await page.click('dialog button[type=submit]');
    await page.waitForSelector('dialog pre');
    const next = await page.innerText('dialog pre');
    assert.equal(await send(gate, { key: secret, body }), 401);
    assert.equal(await send(gate, { key: next, body }), 200);
    await page.click('dialog button:has-text("Done")');
    await page.click('button[aria-label="Revoke key by-hand"]');
    await page.waitForSelector('dialog:has-text("used it in the last hour")');
    await open.shoot('key-revoke');
    await page.click('dialog button[type=submit]');
    await page.waitForSelector('tr:has-text("by-hand") >> text=revoked');
    assert.equal(await send(gate, { key: next, body }), 401);
    assert.deepEqual(open.complaints, []);
    await open.close();
  });

  test('a budget: created with a mistake shown, mended, raised until, and its calls pass again', async () => {
    const open = await openPage(stage.browser, stage.world);
    const { page } = open;
    const { gate, keys } = stage.world;
    const body = { model: 'embed', input: 'hello' };
    assert.equal(await send(gate, { key: keys.globex, body }), 402);
    await open.go('budgets');
    await page.click('button[aria-label="Raise the budget of tenant globex"]');
    await page.fill('dialog input[name=by]', '20');
    await page.fill('dialog input[name=reason]', 'launch day');
    assert.equal(await page.inputValue('dialog select[name=for]'), '24h');
    await page.click('dialog button[type=submit]');
    await page.waitForSelector('td:has-text("launch day")');
    assert.equal(await send(gate, { key: keys.globex, body }), 200);
    await page.click('text=Create budget');
    await page.fill('dialog input[name=tenant]', 'nobody');
    await page.fill('dialog input[name=limit]', '10');
    assert.equal(await page.inputValue('dialog select[name=window]'), 'month');
    await page.click('dialog button[type=submit]');
    await page.waitForSelector('dialog [role=alert]:has-text("There is no tenant")');
    await page.fill('dialog input[name=tenant]', 'acme');
    await page.selectOption('dialog select[name=level]', 'feature');
    await page.fill('dialog input[name=id]', 'search');
    await page.click('dialog button[type=submit]');
    await page.waitForSelector('td:has-text("feature search of acme")');
    await open.shoot('budget-made');
    await open.close();
  });

  test('the test of a provider says what it found', async () => {
    const open = await openPage(stage.browser, stage.world);
    await open.go('providers');
    await open.page.click('button[aria-label="Test provider steady"]');
    await open.page.waitForSelector('text=answers and takes the credential');
    await open.page.click('button[aria-label="Test provider shaky"]');
    await open.page.waitForSelector('text=cannot be reached');
    const text = await open.page.innerText('main');
    assert.match(text, /ECONNREFUSED/);
    assert.match(text, /remaining-tokens \d+/);
    assert.match(text, /limits left\s+not known/);
    await open.shoot('provider-tested');
    await open.close();
  });

  test('a provider is drained and takes calls again, with what it means beside the button', async () => {
    const open = await openPage(stage.browser, stage.world);
    await open.go('providers');
    await open.page.click('button[aria-label="Drain provider shaky"]');
    await open.page.waitForSelector('dialog:has-text("No new call is sent there")');
    await open.page.fill('dialog input[name=reason]', '<b>errors</b> since three');
    await open.page.selectOption('dialog select[name=for]', '10m');
    await open.page.click('dialog button:has-text("Drain")');
    await open.page.waitForSelector('[aria-label="Drained"]:has-text("provider shaky gets no new calls for")');
    assert.match(await open.page.innerText('[aria-label="Drained"]'), /admin|console/);
    assert.match(await open.page.innerText('[aria-label="Drained"]'), /<b>errors<\/b> since three/);
    await open.shoot('provider-drained');
    const { drains } = await stage.world.gate.admin('GET', '/drains');
    assert.deepEqual([drains[0].target, drains[0].actor], ['shaky', 'console']);
    await open.page.click('button[aria-label="End the drain of shaky"]');
    await open.page.waitForSelector('[aria-label="Drained"]', { state: 'detached' });
    await open.close();
  });

  test('the captured text of a call: behind a click, as text and never as markup, and the reading is in the audit', async () => {
    const { gate, keys } = stage.world;
    const { id: capture } = await gate.admin('POST', '/captures', { tenant: 'acme', reason: 'r' });
    const hostile = '<img src=x onerror="window.owned=1"> <b>bold</b> [[lab echo]]';
    const response = await fetch(`${gate.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${keys.acme}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'small', messages: [{ role: 'user', content: hostile }] }),
    });
    await response.arrayBuffer();
    const id = response.headers.get('x-headgate-call-id')!;
    await gate.until('the call is in the store', () =>
      gate.admin('GET', `/calls/${id}`).then(
        () => true,
        () => false,
      ),
    );
    const open = await openPage(stage.browser, stage.world);
    await open.go(`calls/${id}`);
    assert.doesNotMatch(await open.page.innerText('main'), /<b>bold/);
    await open.page.click('button:has-text("Show text")');
    await open.page.waitForSelector('summary:has-text("As the client sent it")');
    const shown = await open.page.innerText('main');
    assert.match(shown, /<img src=x onerror=/);
    assert.match(shown, /<b>bold<\/b>/);
    assert.equal(await open.page.evaluate('window.owned'), undefined);
    await open.shoot('call-content');
    await open.close();
    const { entries } = await gate.admin('GET', '/audit?limit=3');
    assert.deepEqual([entries[0].action, entries[0].subject, entries[0].actor], ['call.read_content', id, 'console']);
    await gate.admin('DELETE', `/captures/${capture}`);
  });

  test('alerts: what fires stands first, and a test says how a webhook answers', async () => {
    const open = await openPage(stage.browser, stage.world);
    await open.go('alerts');
    await open.page.waitForSelector('text=✕ firing');
    await open.page.click('button[aria-label="Test webhook gone"]');
    await open.page.waitForSelector('text=not taken: ECONNREFUSED');
    const text = await open.page.innerText('main');
    assert.match(text, /1 alert fires; 3 rules are looked at/);
    assert.match(text, /firing\s+unpriced\s+info\s+model free: \d+ calls? (has|have) no known price/);
    assert.ok(!(await open.page.content()).includes('a-secret-path'), 'the path of a chat’s webhook is its credential');
    await open.shoot('alerts-tested');
    await open.go('configuration');
    assert.ok(!(await open.page.content()).includes('a-secret-path'));
    await open.close();
  });

  test('the configuration hides what may be a secret, says where values come from, and what a reload changed', async () => {
    const open = await openPage(stage.browser, stage.world);
    await open.go('configuration');
    const text = await open.page.innerText('main');
    assert.match(text, /providers\.steady\.baseUrl\s+http:\/\/127\.0\.0\.1:\d+\/v1\s+headgate\.yaml:\d+/);
    assert.match(text, /providers\.shaky\.headers\.x-team-secret\s+set, hidden/);
    assert.ok(!(await open.page.content()).includes('s3cr3t-in-the-clear'));
    const file = join(stage.world.folder, 'headgate.yaml');
    const before = readFileSync(file, 'utf8');
    writeFileSync(
      file,
      before.replace('attempts: 3', 'attempts: 4').replace('s3cr3t-in-the-clear', 'an0ther-in-the-clear'),
    );
    await open.page.waitForSelector('tr:has-text("retry.attempts"):has-text("~ changed")', { timeout: 15_000 });
    assert.match(await open.page.innerText('main'), /providers\.shaky\.headers\.x-team-secret\s+hidden\s+hidden/);
    assert.ok(!(await open.page.content()).includes('an0ther-in-the-clear'));
    writeFileSync(file, before.replace('retry:', 'retyr:'));
    await open.page.waitForSelector('text=A changed file was refused', { timeout: 15_000 });
    assert.match(await open.page.innerText('main'), /unknown key .retyr.[\s\S]*did you mean .retry./);
    await open.shoot('configuration-refused');
    writeFileSync(file, before);
    await open.close();
  });

  test('a spend table goes out whole, and a name that a spreadsheet would run is text', async () => {
    const open = await openPage(stage.browser, stage.world);
    await open.go('spend?by=tenant%2Ckind');
    assert.match(await open.page.innerText('thead'), /tenant\s+calls\s+generate\s+embed\s+total/);
    const [csv, json] = [await saved(open.page, 'Save CSV'), await saved(open.page, 'Save JSON')];
    const { rows } = await stage.world.gate.admin('GET', '/spend?by=tenant,kind');
    const lines = csv.trim().split('\r\n');
    assert.equal(lines.length, rows.length + 1);
    assert.match(lines[0]!, /^from,to,tenant,kind,calls,.*,cost_usd,/);
    const report = JSON.parse(json);
    assert.equal(report.version, 1);
    assert.equal(report.lines.length, rows.length);
    await open.close();
  });

  test('names with markup and right-to-left text stay text, in their own place', async () => {
    const { gate } = stage.world;
    const key = await makeKey(gate, 'hostile');
    const markup = '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>';
    const arabic = 'مفتاح الإنتاج \u202e gnp.exe';
    const { keys } = await gate.admin('GET', '/keys?tenant=hostile');
    await gate.admin('PATCH', `/keys/${keys[0].id}`, { name: markup, owner: arabic });
    await gate.admin('PATCH', '/tenants/hostile', { name: markup });
    const headers = { 'x-headgate-session': '<b>bold</b>', 'x-headgate-labels': 'env=<svg onload=alert(1)>' };
    await send(gate, {
      key,
      body: { model: 'small', messages: [{ role: 'user', content: 'Hi. [[lab output=5]]' }] },
      headers,
    });
    await gate.until(
      'the call is in the store',
      async () => (await gate.admin('GET', '/calls?tenant=hostile')).calls.length === 1,
    );
    const { calls } = await gate.admin('GET', '/calls?tenant=hostile');
    const open = await openPage(stage.browser, stage.world);
    for (const path of [
      'keys?tenant=hostile',
      'sessions?tenant=hostile',
      'calls?tenant=hostile',
      `calls/${calls[0].id}`,
      `sessions/hostile/${encodeURIComponent('<b>bold</b>')}`,
    ]) {
      await open.go(path);
      assert.equal(await open.page.locator('main img, main script, main b, main svg[onload]').count(), 0, path);
      assert.match(await open.page.title(), /^(Keys|Sessions|Calls) · Headgate$/, path);
    }
    await open.go('keys?tenant=hostile');
    const text = await open.page.innerText('main');
    assert.ok(text.includes(markup), 'shown as it is');
    assert.ok(text.includes('مفتاح') && !text.includes('\u202e'), 'the override is made visible');
    assert.ok(await open.page.locator('td bdi', { hasText: 'مفتاح' }).count(), 'isolated from its neighbours');
    await open.shoot('hostile-names');
    assert.deepEqual(open.complaints, []);
    await open.close();
  });

  test('a link shows a colleague the same, and the back button goes back', async () => {
    const open = await openPage(stage.browser, stage.world);
    await open.go('spend?window=7d&by=model%2Ckind&tenant=acme');
    assert.match(await open.page.innerText('main'), /By model, kind/);
    assert.equal(await open.page.getAttribute('button:has-text("7 d")', 'aria-pressed'), 'true');
    await open.page.click('nav >> text=Calls');
    await open.page.waitForSelector('h1:has-text("Calls")');
    assert.match(open.page.url(), /calls\?window=7d&tenant=acme$/);
    await open.page.goBack();
    await open.page.waitForSelector('h1:has-text("Spend")');
    await open.page.waitForSelector('h2:has-text("By model, kind")');
    await open.close();
  });
});

async function saved(page: import('playwright-core').Page, button: string): Promise<string> {
  const [download] = await Promise.all([page.waitForEvent('download'), page.click(`text=${button}`)]);
  return readFileSync(await download.path(), 'utf8');
}
