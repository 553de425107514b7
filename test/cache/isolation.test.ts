import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { openSocket } from '../streams/socket-client.ts';
import { answerFor, ask, chat, entryOf, inCacheWorld, keyFor, numbered, type CacheWorld } from './cache-world.ts';

const CHAT = '/v1/chat/completions';
const CANARY = 'ZX-4471-aurora-canary';

const metric = async ({ gate }: CacheWorld, name: string): Promise<number> => {
  const response = await fetch(`${gate.url}/metrics`, { headers: { authorization: `Bearer ${gate.adminToken}` } });
  const line = (await response.text()).split('\n').find((one) => one.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1) ?? NaN);
};

describe('whose answers', () => {
  const world = inCacheWorld(
    `
tenants: { byok: {} }
layers: { acme-keys: { level: tenant, tenant: byok, ownKeys: { lab: "\${env:CACHE_TEST_KEY}" } } }
leakWatch: { action: stop, canaries: { owner: ["${CANARY}"] } }
`,
    { env: { CACHE_TEST_KEY: 'sk-of-the-tenant-itself' } },
  );

  test('two tenants with the same bytes never share, in one piece or as a stream', async () => {
    const [a, b] = [await keyFor(world, 'one'), await keyFor(world, 'two')];
    for (const body of [chat('same'), chat('same', { stream: true })]) {
      const [ofA, ofB] = [await ask(world, a, body), await ask(world, b, body)];
      assert.deepEqual([ofA.cache, ofB.cache, ofB.asked], ['miss', 'miss', 1]);
      assert.notEqual(ofA.text, ofB.text);
      assert.equal((await ask(world, a, body)).text, ofA.text);
      assert.equal((await ask(world, b, body)).text, ofB.text);
    }
    const { tenants } = await world.gate.admin('GET', '/cache');
    const own = tenants.filter(({ tenant }: any) => ['one', 'two'].includes(tenant));
    assert.deepEqual(own.map(({ tenant, answers }: any) => [tenant, answers]).toSorted(), [
      ['one', 2],
      ['two', 2],
    ]);
  });

  test('nor two features of a tenant', async () => {
    const key = await keyFor(world, 'features');
    await ask(world, key, chat('same'));
    assert.equal((await ask(world, key, chat('same'), { feature: 'support' })).cache, 'miss');
  });

  test('another key of the tenant gets the answer where it may use model and feature, and else its refusal', async () => {
    const [first, second] = [await keyFor(world, 'team'), await keyFor(world, 'team')];
    const body = chat('team');
    const made = await ask(world, first, body);
    assert.deepEqual([made.cache, (await ask(world, second, body)).cache], ['miss', 'hit']);
    const noModel = await keyFor(world, 'team', { models: ['other'] });
    const refused = await ask(world, noModel, body);
    assert.ok(refused.status === 403 || refused.status === 404, refused.text);
    assert.ok(!refused.text.includes('answer '), refused.text);
    const noFeature = await keyFor(world, 'team', { rights: { features: ['support'] } });
    const kept = await ask(world, noFeature, body);
    assert.ok(kept.status >= 400 && !kept.text.includes('answer '), kept.text);
    const { id } = await world.gate.admin('POST', '/keys', { tenant: 'team', name: 'gone' });
    await world.gate.admin('POST', `/keys/${id}/revoke`, {});
    assert.equal((await ask(world, 'hg_not_a_key_at_all_000000', body)).status, 401);
  });

  test('a template, a value, an alias or a parameter of a layer that changes is another request', async () => {
    const key = await keyFor(world, 'layered');
    const body = chat('layered');
    const cacheOf = async (headers = {}) => (await ask(world, key, body, { headers })).cache;
    assert.deepEqual([await cacheOf(), await cacheOf()], ['miss', 'hit']);
    const layer = { level: 'tenant', tenant: 'layered' };
    const variables = { guest: { from: 'call', default: 'them' } };
    const { id } = await world.gate.admin('POST', '/layers', {
      ...layer,
      template: { text: 'Be kind to {{guest}}.', variables },
    });
    assert.deepEqual([await cacheOf(), await cacheOf()], ['miss', 'hit']);
    const ada = { 'x-headgate-variables': 'guest=Ada' };
    assert.deepEqual([await cacheOf(ada), await cacheOf(ada), await cacheOf()], ['miss', 'hit', 'hit']);
    for (const change of [
      { template: { text: 'Be very kind to {{guest}}.', variables } },
      { parameters: { temperature: { default: 0.2 } } },
      { aliases: { m: 'other' } },
    ]) {
      await world.gate.admin('PATCH', `/layers/${id}`, change);
      assert.deepEqual([await cacheOf(), await cacheOf()], ['miss', 'hit'], JSON.stringify(change));
    }
  });

  test('a tenant that calls with its own key at the provider has answers of its own', async () => {
    const key = await keyFor(world, 'byok');
    assert.deepEqual(
      [(await ask(world, key, chat('own'))).cache, (await ask(world, key, chat('own'))).cache],
      ['miss', 'hit'],
    );
  });

  test('a spent budget refuses a hit as well; a hit takes nothing of budgets and of limits of tokens', async () => {
    const key = await keyFor(world, 'money');
    await world.gate.admin('POST', '/budgets', { level: 'tenant', tenant: 'money', limitUsd: '100' });
    const body = chat('money', { max_tokens: 7 });
    await ask(world, key, body);
    await world.gate.admin('POST', '/limits', { level: 'tenant', tenant: 'money', unit: 'total_tokens', limit: 90 });
    const spent = async (): Promise<string> =>
      (await world.gate.admin('GET', '/budgets?tenant=money')).budgets[0].spentUsd;
    await world.gate.until('the first call', async () => (await spent()) === '0.025');
    for (let i = 0; i < 10; i++) assert.equal((await ask(world, key, body)).cache, 'hit');
    assert.equal(await spent(), '0.025');
    const { budgets } = await world.gate.admin('GET', '/budgets?tenant=money');
    await world.gate.admin('PATCH', `/budgets/${budgets[0].id}`, { limitUsd: '0.02' });
    assert.equal((await ask(world, key, body)).status, 402);
  });

  test('an answer in which a text is now protected is made anew', async () => {
    const key = await keyFor(world, 'reader');
    let n = 0;
    const secret =
      'You never offer more than a twelve percent discount without the code of the night manager of the house';
    world.upstream.answer((response) => {
      const answer: any = answerFor(CHAT, ++n);
      if (n === 1) answer.choices[0].message.content = `Well: ${secret}, and that is all.`;
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    });
    await ask(world, key, chat('leak'));
    assert.equal((await ask(world, key, chat('leak'))).cache, 'hit');
    await world.gate.admin('POST', '/tenants', { id: 'aurora' });
    await world.gate.admin('POST', '/layers', { level: 'tenant', tenant: 'aurora', template: { text: secret } });
    const anew = await ask(world, key, chat('leak'));
    assert.deepEqual([anew.status, anew.cache, anew.asked], [200, 'miss', 1]);
    assert.doesNotMatch(anew.text, /discount/);
    const again = await ask(world, key, chat('leak'));
    numbered(world.upstream);
    assert.deepEqual([again.cache, again.text], ['hit', anew.text]);
  });

  test('an answer that was withheld is not kept', async () => {
    const key = await keyFor(world, 'reader');
    let n = 0;
    world.upstream.answer((response) => {
      const answer: any = answerFor(CHAT, ++n);
      if (n === 1) answer.choices[0].message.content = `It is ${CANARY}.`;
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    });
    assert.equal((await ask(world, key, chat('withheld'))).status, 403);
    const next = await ask(world, key, chat('withheld'));
    numbered(world.upstream);
    assert.deepEqual([next.status, next.cache], [200, 'miss']);
  });

  test('over a WebSocket a hit is a stream like any other, with numbers by which it is read again', async () => {
    const key = await keyFor(world, 'socket');
    const client = await openSocket({ url: world.gate.url, key });
    const frames = async (stream: string): Promise<any[]> => {
      const headers = { 'x-headgate-feature': 'search', 'x-headgate-resume': 'true' };
      client.send({ type: 'start', stream, path: CHAT, headers, body: chat('socket') });
      await client.frame((one) => one.stream === stream && (one.type === 'end' || one.type === 'error'));
      return client.frames.filter((one) => one.stream === stream);
    };
    const [first, second] = [await frames('a'), await frames('b')];
    assert.deepEqual(
      [first, second].map(([started]) => started.headers['x-headgate-cache']),
      ['miss', 'hit'],
    );
    const said = (of: any[]): any[] => of.slice(1, -1).map(({ stream: _, ...frame }) => frame);
    assert.ok(said(first).length >= 3);
    assert.deepEqual(said(second), said(first));
    client.send({ type: 'resume', stream: 'c', id: second[0].id, after: `${second[0].epoch}.0` });
    await client.frame((one) => one.stream === 'c' && one.type === 'end');
    const rest = client.frames.filter((one) => one.stream === 'c' && one.seq !== undefined);
    assert.deepEqual(
      rest.map(({ seq }) => seq),
      said(first)
        .slice(1)
        .map(({ seq }) => seq),
    );
    client.leave();
    const entry = await entryOf(world, second[0].id);
    assert.deepEqual([entry.protocol, entry.cost.total, entry.cacheHit.call], ['ws', '0', first[0].id]);
    assert.ok((await metric(world, 'headgate_cache_calls_total{result="hit"}')) > 0);
  });

  test('answers of one tenant are let go by an operator’s word, and nobody else’s', async () => {
    const [a, b] = [await keyFor(world, 'let-go'), await keyFor(world, 'stays')];
    for (const key of [a, b]) await ask(world, key, chat('clear'));
    await assert.rejects(world.gate.admin('POST', '/cache/clear', {}), / 400 /);
    await assert.rejects(world.gate.admin('POST', '/cache/clear', { tenant: 'no-such' }), / 404 /);
    const { answers } = await world.gate.admin('POST', '/cache/clear', { tenant: 'let-go' });
    assert.equal(answers, 1);
    assert.deepEqual(
      [(await ask(world, a, chat('clear'))).cache, (await ask(world, b, chat('clear'))).cache],
      ['miss', 'hit'],
    );
  });
});

describe('bounds and the end of a process', () => {
  const world = inCacheWorld('cache: { totalBytes: 32KB, tenantBytes: 16KB }');

  test('a tenant that asks for much lets its own oldest go, and another’s stay', async () => {
    const [busy, quiet] = [await keyFor(world, 'busy'), await keyFor(world, 'quiet')];
    await ask(world, quiet, chat('quiet'));
    for (let i = 0; i < 40; i++) await ask(world, busy, chat(`busy ${i}`));
    assert.equal((await ask(world, quiet, chat('quiet'))).cache, 'hit');
    assert.equal((await ask(world, busy, chat('busy 39'))).cache, 'hit');
    assert.equal((await ask(world, busy, chat('busy 0'))).cache, 'miss');
    const { bytes, evicted, tenants } = await world.gate.admin('GET', '/cache');
    assert.ok(bytes <= 32 * 1024 && evicted > 0, `${bytes} ${evicted}`);
    for (const { tenant, bytes: own } of tenants) assert.ok(own <= 16 * 1024, `${tenant} ${own}`);
    assert.equal(await metric(world, 'headgate_cache_bytes'), bytes);
    assert.equal(await metric(world, 'headgate_cache_evictions_total'), evicted);
  });

  test('a changed model is asked anew: its deployments are part of the request', async () => {
    const key = await keyFor(world, 'reloads');
    const body = chat('reload', { model: 'pair' });
    await ask(world, key, body);
    assert.equal((await ask(world, key, body)).cache, 'hit');
    const path = join(world.gate.dataDir, 'headgate.yaml');
    writeFileSync(path, readFileSync(path, 'utf8').replace('model: first', 'model: second'));
    const { hash } = await world.gate.admin('GET', '/configuration').catch(() => ({ hash: null }));
    world.gate.child.kill('SIGHUP');
    await world.gate.until(
      'the reload',
      async () =>
        /reload|configuration/i.test(world.gate.stderr() + world.gate.stdout()) &&
        (await ask(world, key, body)).cache !== 'hit',
    );
    assert.equal(JSON.parse(world.upstream.seen.at(-1)!.body.toString()).model, 'second', String(hash));
    assert.equal((await ask(world, key, body)).cache, 'hit');
  });
});
