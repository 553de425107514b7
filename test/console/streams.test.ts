import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { moneyOf } from '#cli/streams/words.ts';
import { callIdOf, openWith, type Reading } from '../streams/stream-client.ts';
import { noBrowser, onStage, openPage, violations } from './browser.ts';
import { makeKey } from './world.ts';

const CLIENT = 'OpenAI/JS 6.1.0';

/** Streams that ended in every way, and those that go on, before a real gate and its lab. */
describe('the page of streams', { skip: noBrowser }, () => {
  const stage = onStage();
  const keys = new Map<string, string>();

  const start = (text: string, { tenant = 'acme', resume = true, feature = 'search' } = {}): Promise<Reading> =>
    openWith(
      { url: stage.world.gate.url, key: keys.get(tenant)! },
      {
        ...{ method: 'POST', path: '/v1/chat/completions' },
        headers: {
          'x-headgate-feature': feature,
          'user-agent': CLIENT,
          ...(resume && { 'x-headgate-resume': 'true' }),
        },
        body: { model: 'small', stream: true, messages: [{ role: 'user', content: text }] },
      },
    );
  const silent = async (tenant = 'acme'): Promise<Reading> => {
    const reading = await start('Wait. [[lab output=60 fault=stall@12]]', { tenant });
    await stage.world.gate.until('a token', () => reading.text().includes('data: '));
    return reading;
  };
  const report = (query: string): Promise<any> => stage.world.gate.admin('GET', `/streams/report?since=1h&${query}`);
  const rowOf = (page: Page, id: string) => page.locator(`tr:has(code[title="${id}"])`);

  before(async () => {
    const { gate } = stage.world;
    keys.set('acme', stage.world.keys.acme).set('initech', await makeKey(gate, 'initech'));
    const seen = (await report('by=')).total.all.streams;
    for (let i = 0; i < 5; i++) await (await start('Cut. [[lab output=50 fault=cut@9]]')).ended;
    for (let i = 0; i < 4; i++) await (await start('Whole. [[lab output=30]]', { tenant: 'initech' })).ended;
    await gate.until('the streams are in the store', async () => (await report('by=')).total.all.streams === seen + 9);
  });

  test('how streams ended: the worst first, the figures of the ledger, advice with its commands, a way to the calls', async () => {
    const open = await openPage(stage.browser, stage.world);
    const { page } = open;
    await open.go('streams?window=1h&by=tenant');
    const { total, lines, advice } = await report('by=tenant');
    assert.equal(lines[0].by[0], 'acme');
    const text = await page.innerText('main');
    const cut = total.endings.truncated.streams;
    assert.ok(cut >= 5 && total.wasted.costUsd !== '0');
    assert.ok(text.includes(`Of ${total.all.streams} that ended in`), text);
    assert.ok(text.includes(`${moneyOf(total.wasted)} paid in vain.`), text);
    const rows = page.locator('[aria-label="Streams by group"] tbody tr');
    assert.deepEqual(
      await rows.evaluateAll((all) => all.map((row) => row.querySelector('td')!.textContent)),
      lines.map((line: any) => line.by[0]),
    );
    const cells = await rows.first().locator('td').allInnerTexts();
    const own = lines[0];
    assert.deepEqual(
      [cells[1], cells[3], cells[12], cells[13]],
      [String(own.all.streams), String(own.endings.truncated.streams), moneyOf(own.wasted), moneyOf(own.wastedAtMost)],
    );
    assert.ok(advice.length > 0);
    for (const one of advice) for (const words of [one.text, ...one.next]) assert.ok(text.includes(words), words);
    await open.shoot('streams-report');
    await rows.first().locator('a').first().click();
    await page.waitForSelector('h1:has-text("Calls")');
    assert.match(page.url(), /calls\?window=1h&tenant=acme&outcome=truncated$/);
    await stage.world.gate.until(
      'as many calls as the cell said',
      async () => (await page.locator('[data-rows] > tr').count()) === own.endings.truncated.streams,
    );
    await page.goBack();
    // A row is a closer look: its streams alone, by what comes next.
    await rows.first().locator('td').first().click();
    await page.waitForURL(/by=protocol&tenant=acme|tenant=acme&by=protocol/);
    await page.waitForSelector('h2:has-text("By protocol")');
    await page.click('[aria-label="Group by"] >> text=client');
    await page.waitForSelector('h2:has-text("By protocol, client")');
    assert.match(await page.innerText('[aria-label="Streams by group"]'), /sse\s+openai/);
    await page.click('[aria-label="Filters"] >> text=tenant acme');
    await page.waitForSelector('[aria-label="Filters"]', { state: 'detached' });
    assert.deepEqual(open.complaints, []);
    await open.close();
  });

  test('the overview says that more are cut than is to be expected, of how many, and what that cost', async () => {
    const open = await openPage(stage.browser, stage.world);
    await open.go('?window=1h');
    const { streams } = await stage.world.gate.admin('GET', '/now');
    assert.equal(streams.length, 1);
    const [{ lost, streams: all }] = streams;
    const text = await open.page.innerText('.findings');
    assert.match(
      text,
      new RegExp(
        `${lost} of ${all} streams \\(.* %\\) were cut by their provider .*, with no usual to compare; ≈\\$[\\d.]+ paid in vain`,
      ),
    );
    await open.shoot('overview-streams');
    await open.close();
  });

  test('streams that go on: read by nobody first, and one is ended after a look at what that does', async () => {
    const { gate } = stage.world;
    const [read, left] = [await silent(), await silent('initech')];
    left.leave();
    await gate.until('nobody reads', async () =>
      (await gate.admin('GET', '/streams')).streams.some(({ readers }: any) => readers === 0),
    );
    const open = await openPage(stage.browser, stage.world);
    const { page } = open;
    await open.go('streams?window=1h');
    const ids = await page
      .locator('[aria-label="Streams that go on"] tbody code')
      .evaluateAll((all) => all.map((one) => one.getAttribute('title')));
    assert.deepEqual(ids, [callIdOf(left), callIdOf(read)]);
    assert.match(await page.innerText('header p'), /2 streams go on, 1 read by nobody\./);
    assert.match(
      await rowOf(page, callIdOf(read)).innerText(),
      /acme\s+search\s+small\s+sse\s+openai\S*\s+[\d.]+ m?s\s+\d+\s+\d KiB\s+1\s+0/,
    );
    for (const looks of [{ colours: 'dark' }, { size: 'phone' }] as const) {
      const other = await openPage(stage.browser, stage.world, looks);
      await other.go('streams?window=1h');
      assert.deepEqual(await violations(other.page), []);
      await other.shoot('streams-live');
      await other.close();
    }
    await open.shoot('streams-live');

    const id = callIdOf(read);
    await rowOf(page, id).locator('button').click();
    await page.waitForSelector('dialog[open]:has-text("Its provider is told at once")');
    assert.match(await page.innerText('dialog'), /Its reader is told that it was cancelled/);
    assert.deepEqual(await violations(page), []);
    await open.shoot('streams-end');
    await page.keyboard.press('Escape');
    assert.equal((await gate.admin('GET', '/streams')).streams.length, 2);
    await rowOf(page, id).locator('button').click();
    await page.click('dialog >> text="End stream"');
    await page.waitForSelector('dialog', { state: 'detached' });
    await page.waitForSelector('[role=status]:has-text("✓ ended")');
    assert.equal(await read.ended, 'broken');
    await rowOf(page, id)
      .waitFor({ state: 'detached', timeout: 10_000 })
      .catch(() => null);
    assert.equal(await page.locator(`[aria-label="Streams that go on"] code[title="${id}"]`).count(), 0);
    const { entries } = await gate.admin('GET', '/audit?limit=5');
    assert.ok(entries.some((one: any) => one.action === 'stream.cancel' && one.subject === id));

    // What ended meanwhile: the refusal stands where the verb does, and the page knows no better than the gate.
    await rowOf(page, callIdOf(left)).locator('button').click();
    await gate.admin('POST', `/streams/${callIdOf(left)}/cancel`);
    await page.click('dialog >> text="End stream"');
    await page.waitForSelector('dialog [role=alert]:has-text("There is no live stream")');
    await page.keyboard.press('Escape');
    assert.deepEqual(
      open.complaints.filter((text) => !/404/.test(text)),
      [],
    );
    await open.close();
  });

  test('a row leads to its call, which says that it goes on and appears when it has ended', async () => {
    const reading = await silent();
    const open = await openPage(stage.browser, stage.world);
    const { page } = open;
    await open.go('streams');
    await rowOf(page, callIdOf(reading)).locator('a').click();
    await page.waitForSelector('text=A call is written when it ends');
    await open.shoot('call-goes-on');
    await stage.world.gate.admin('POST', `/streams/${callIdOf(reading)}/cancel`);
    await page.waitForSelector('svg.waterfall', { timeout: 30_000 });
    await open.close();
  });

  test('nothing there: how a stream comes to stand here, and how to end the search for some', async () => {
    const open = await openPage(stage.browser, stage.world);
    await open.go('streams?tenant=nobody');
    await open.page.click('summary');
    const text = await open.page.innerText('main');
    assert.match(text, /No stream with a log goes on[\s\S]*x-headgate-resume: true[\s\S]*resume: true/);
    assert.match(text, /curl -N http:\/\/127\.0\.0\.1:\d+\/v1\/chat\/completions/);
    assert.match(text, /No streams ended in this window[\s\S]*Leave a filter out/);
    await open.shoot('streams-empty');
    await open.close();
  });
});
