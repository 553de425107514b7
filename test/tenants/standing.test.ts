import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { parseUsd } from '#kernel/money.ts';
import { tenantsWorld, type TenantsWorld } from '../console/tenants-world.ts';
import { headgate } from '../harness/cli.ts';

const usd = (text: string): bigint => parseUsd(text)!;
const sum = (rows: readonly { readonly amountUsd: string }[]): bigint =>
  rows.reduce((all, { amountUsd }) => all + usd(amountUsd), 0n);

describe('how tenants stand, and what their bills are made of', () => {
  let world: TenantsWorld;
  let get: (path: string) => Promise<any>;
  before(async () => {
    world = await tenantsWorld();
    get = (path) => world.gate.admin('GET', path);
  });
  after(async () => world?.stop());

  /** With nothing that is still being read. */
  async function report(query: string): Promise<any> {
    let found: any;
    await world.gate.until('the whole report', async () => {
      found = await get(`/tenant-report?${query}`);
      return found.reading.length === 0;
    });
    return found;
  }

  test('calls and spend of each tenant are those of the ledger, and the sums those of the rows', async () => {
    const found = await report('limit=200');
    const { rows: spend } = await get('/spend?by=tenant&figures=quantiles');
    assert.equal(found.total, found.rows.length);
    for (const row of found.rows) {
      const own = spend.find(({ by }: any) => by[0] === row.tenant);
      assert.equal(row.calls, world.calls.get(row.tenant) ?? 0, row.tenant);
      assert.deepEqual([row.calls, row.errors, row.costUsd], [own?.calls ?? 0, own?.errors ?? 0, own?.costUsd ?? '0']);
      assert.equal(row.p99Ms, own?.totalMs?.p99 ?? null);
    }
    assert.equal(
      usd(found.sums.costUsd),
      found.rows.reduce((all: bigint, row: any) => all + usd(row.costUsd), 0n),
    );
    assert.equal(
      found.sums.calls,
      [...world.calls.values()].reduce((all, one) => all + one, 0),
    );
  });

  test('revenue and margin are those of the month’s report; who has no price is in neither', async () => {
    const found = await report('limit=200');
    const { lines } = await get('/attribution/margin');
    for (const { tenant, ...line } of lines) {
      const { month } = found.rows.find((row: any) => row.tenant === tenant);
      assert.deepEqual(month, line, tenant);
    }
    const priced = lines.filter(({ pricedBy }: any) => pricedBy !== null);
    assert.equal(found.sums.priced, priced.length);
    assert.equal(
      usd(found.sums.marginUsd),
      priced.reduce((all: bigint, line: any) => all + usd(line.marginUsd), 0n),
    );
    assert.equal(found.rows.find((row: any) => row.tenant === 'umbrella').month.pricedBy, null);
  });

  test('limits, budgets and quality: the fullest, the fullest, the worst', async () => {
    const of = async (tenant: string) => (await report(`search=${tenant}`)).rows[0];
    const acme = await of('acme');
    assert.deepEqual([acme.limit.scope.level, acme.limit.used, acme.limit.limit, acme.limits], ['tenant', 162, 180, 4]);
    assert.equal(acme.quality.verdict, 'fell');
    const globex = await of('globex');
    assert.deepEqual([globex.limit.scope.level, globex.limit.share], ['team', 1]);
    const umbrella = await of('umbrella');
    assert.ok(umbrella.budget.share > 1);
    assert.equal(umbrella.quality, null);
  });

  test('sorted, searched, filtered and cut by the server', async () => {
    const tenants = async (query: string): Promise<string[]> =>
      (await report(query)).rows.map(({ tenant }: any) => tenant);
    assert.deepEqual((await tenants('limit=3')).slice(0, 2), ['acme', 'globex']);
    assert.deepEqual(await tenants('sort=tenant&limit=2&offset=1'), ['demo', 'globex']);
    assert.deepEqual(await tenants('search=ACME%20LTD'), ['acme']);
    assert.deepEqual((await tenants('only=near')).toSorted(), ['acme', 'globex', 'umbrella']);
    assert.deepEqual(await tenants('only=failing'), ['initech']);
    assert.deepEqual(await tenants('only=fell'), ['acme']);
    assert.deepEqual(await tenants('only=loss'), ['globex']);
    assert.deepEqual((await tenants('sort=margin')).slice(0, 1), ['globex'], 'the least first');
    assert.deepEqual((await tenants('sort=limit')).slice(0, 2), ['globex', 'acme']);
    const whole = await tenants('sort=errors&order=asc&limit=200');
    assert.ok(whole.indexOf('acme') < whole.indexOf('initech') && whole.indexOf('initech') < whole.indexOf('idle-00'));
    const empty = await get('/tenant-report?from=1000&to=2000');
    assert.equal(empty.sums.calls, 0);
    for (const query of ['limit=201', 'sort=size', 'from=2000&to=1000', 'limit=0'])
      await assert.rejects(get(`/tenant-report?${query}`), /400/, query);
  });

  test('each level of the bill sums to the line above it, down to the entries', async () => {
    const top = await get('/attribution/level');
    assert.equal(sum(top.groups), usd(top.billedUsd));
    assert.equal(
      top.providers.reduce((all: bigint, one: any) => all + usd(one.billedUsd), 0n),
      usd(top.billedUsd),
    );
    let [leaves, entries] = [0, 0];
    for (const tenant of top.groups) {
      const level = await get(`/attribution/level?tenant=${tenant.name ?? '-'}`);
      assert.equal(level.amountUsd, tenant.amountUsd);
      assert.equal(sum(level.groups), usd(tenant.amountUsd), tenant.name);
      for (const feature of level.groups) {
        const query = `tenant=${tenant.name}&feature=${feature.name ?? '-'}`;
        const { lines, amountUsd } = await get(`/attribution/level?${query}`);
        assert.equal(amountUsd, feature.amountUsd);
        assert.equal(sum(lines), usd(feature.amountUsd), query);
        for (const line of lines.filter((one: any) => one.bucket === null)) {
          const found = await entriesOf(`${query}&purpose=${line.purpose}&provider=${line.provider}`);
          assert.equal(sum(found), usd(line.amountUsd), `${query} ${line.purpose}`);
          leaves++;
          entries += found.length;
        }
      }
    }
    assert.ok(leaves >= 8 && entries > 150, `${leaves} lines, ${entries} entries`);
  });

  test('a shared bucket: its shares are the whole, and the entries behind it are those that went into it', async () => {
    const { buckets } = await get('/attribution/level');
    assert.deepEqual(buckets.map(({ bucket }: any) => bucket).toSorted(), ['gpus', 'operations']);
    const operations = buckets.find(({ bucket }: any) => bucket === 'operations');
    const found = await entriesOf('bucket=operations');
    assert.equal(sum(found), usd(operations.amountUsd));
    assert.deepEqual([...new Set(found.map(({ tenant }: any) => tenant))], ['ops']);
    const { lines } = await get('/attribution/level?tenant=acme&feature=search');
    const share = lines.find(({ bucket }: any) => bucket === 'operations');
    assert.equal(share.ofBucketUsd, operations.amountUsd);
    assert.deepEqual([share.rule, operations.tenants], ['requests', 4]);
  });

  /** All pages of seven. */
  async function entriesOf(query: string): Promise<any[]> {
    const found: any[] = [];
    let before = '';
    for (;;) {
      const page = await get(`/attribution/entries?${query}&limit=7${before}`);
      assert.equal(sum(page.entries), usd(page.amountUsd));
      found.push(...page.entries);
      if (page.next === null) break;
      before = `&before=${page.next}`;
    }
    assert.equal(new Set(found.map(({ call }) => call)).size, found.length, 'each call once');
    return found;
  }

  test('pages of a level: what is left out is said, so that the sum is still that of the level', async () => {
    const page = await get('/attribution/level?limit=2&offset=1');
    assert.equal(page.groups.length, 2);
    assert.equal(sum(page.groups) + usd(page.leftOutUsd), usd(page.amountUsd));
    assert.equal(page.total, 4);
  });

  test('who is near a limit: the fullest first, a limit for each of many by the fullest of them', async () => {
    const all = await get('/limit-use');
    assert.deepEqual([all.limits, all.near, all.full, all.eachEndUser], [5, 2, 1, 1]);
    const shares = all.rows.map(({ share }: any) => share);
    assert.deepEqual(
      shares,
      shares.toSorted((a: number, b: number) => b - a),
    );
    const keys = all.rows.find(({ scope }: any) => scope.level === 'key');
    assert.equal(keys.keyName, 'acme-prod');
    assert.ok(keys.used > 1_000);
    const near = await get('/limit-use?least=0.8');
    assert.deepEqual(
      near.rows.map(({ scope }: any) => scope.level),
      ['team', 'tenant'],
    );
    const own = await get('/limit-use?tenant=globex');
    assert.deepEqual(
      own.rows.map(({ scope }: any) => scope.tenant),
      ['globex'],
    );
  });

  test('a call that a limit refuses is told there, and a new one that it takes moves it', async () => {
    const { key } = await world.gate.admin('POST', '/keys', { tenant: 'globex', team: 'globex.web', name: 'more' });
    const response = await fetch(`${world.gate.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'small', messages: [{ role: 'user', content: 'One more.' }] }),
    });
    assert.equal(response.status, 429);
    await response.text();
    const { rows } = await get('/limit-use?tenant=globex');
    assert.equal(rows[0].refused, 1);
  });

  test('what concerns one tenant of leaks and audits', async () => {
    assert.equal((await get('/cache-audits?tenant=globex')).audits.length, 1);
    assert.equal((await get('/cache-audits?tenant=acme')).audits.length, 1);
    assert.equal((await get('/cache-audits?tenant=initech')).audits.length, 0);
    assert.equal((await get('/leaks?tenant=acme')).leaks.length, 0);
  });

  test('a tenant’s token sees its own limits by their use, and neither the list of tenants nor the bill', async () => {
    const { token } = await world.gate.admin('POST', '/tokens', { name: 'acme own', scope: 'tenant', tenant: 'acme' });
    const as = async (path: string) => {
      const response = await fetch(`${world.gate.url}/admin${path}`, { headers: { authorization: `Bearer ${token}` } });
      return { status: response.status, text: await response.text() };
    };
    const own = await as('/limit-use');
    assert.equal(own.status, 200);
    assert.doesNotMatch(own.text, /globex|"level":"operator"/);
    for (const path of ['/tenant-report', '/attribution/level?tenant=acme', '/attribution/entries?tenant=acme'])
      assert.equal((await as(path)).status, 403, path);
  });

  test('the command line: tenants report, limits near', async () => {
    const report = await headgate(['tenants', 'report', '--only', 'near', '--sort', 'limit'], world.gate);
    assert.equal(report.code, 0, report.err);
    assert.match(report.out, /3 of 66 tenants[\s\S]*globex[\s\S]*100\.0 %[\s\S]*acme[\s\S]*90\.0 %[\s\S]*FELL/);
    const near = await headgate(['limits', 'near'], world.gate);
    assert.match(near.out, /5 limits · 2 at four fifths or more, 1 of them full/);
    assert.match(near.out, /tenant acme +requests a day +90\.0 %/);
    const json = await headgate(['limits', 'near', '--json', '--tenant', 'acme', '--least', '0'], world.gate);
    assert.equal(JSON.parse(json.out).rows.length, 3);
  });
});
