import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openWith, type Reading } from '../streams/stream-client.ts';
import { answerFor, ask, chat, entryOf, eventsFor, inCacheWorld, keyFor } from './cache-world.ts';
import { begin, fail, finish, held, inOrder, nextAnswer, say, sees, until } from './held-upstream.ts';

const CHAT = '/v1/chat/completions';

describe('an answer in one piece, asked for by several at once', () => {
  const world = inCacheWorld();

  test('is asked for once; each has its entry, free and with the leader’s name', async () => {
    const key = await keyFor(world, 'acme');
    const waiting = held(world);
    const { leader, followed } = await inOrder(world, waiting, () => ask(world, key, chat('one')), 8);
    finish(waiting[0]!);
    const [first, ...rest] = await Promise.all([leader, ...followed]);
    assert.equal(waiting.length, 1);
    assert.equal(first!.cache, 'miss');
    for (const one of rest) {
      assert.deepEqual([one.status, one.cache, one.text], [200, 'collapsed', first!.text]);
      const entry = await entryOf(world, one.callId);
      assert.deepEqual(
        [entry.cost.total, entry.savedCostUsd, entry.cacheHit.call, entry.cacheHit.collapsed, entry.attempts],
        ['0', '0.025', first!.callId, true, []],
      );
      assert.deepEqual([entry.status, entry.finish, entry.usage.inputTokens], ['ok', 'stop', null]);
    }
    assert.equal((await entryOf(world, first!.callId)).cost.total, '0.025');
    assert.equal((await ask(world, key, chat('one'))).cache, 'hit');
  });

  for (const [name, path, body] of [
    ['embeddings', '/v1/embeddings', { model: 'm', input: ['d', 'e'] }],
    ['messages, translated', '/v1/messages', chat('d', { model: 'chat', max_tokens: 9 })],
    ['an answer that is too large to be kept', CHAT, chat('large')],
  ] as const)
    test(`the same of ${name}`, async () => {
      const key = await keyFor(world, 'dialects');
      const waiting = held(world);
      const feature = name.includes('large') ? 'small' : 'search';
      const { leader, followed } = await inOrder(world, waiting, () => ask(world, key, body, { path, feature }), 2);
      const answer: any = answerFor(waiting[0]!.path, nextAnswer());
      if (feature === 'small') answer.choices[0].message.content = 'x'.repeat(100_000);
      waiting[0]!.response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
      const [first, ...rest] = await Promise.all([leader, ...followed]);
      assert.deepEqual(
        rest.map(({ cache, text }) => [cache, text === first!.text]),
        [
          ['collapsed', true],
          ['collapsed', true],
        ],
      );
      assert.equal(waiting.length, 1);
    });

  test('the leader’s client leaves: the others get the answer, and its entry has the bill', async () => {
    const key = await keyFor(world, 'acme');
    const waiting = held(world);
    const opening = { method: 'POST', path: CHAT, headers: { 'x-headgate-feature': 'search' }, body: chat('left') };
    const leaving = new AbortController();
    const leader = fetch(`${world.gate.url}${CHAT}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...opening.headers },
      body: JSON.stringify(opening.body),
      signal: leaving.signal,
    }).catch(() => null);
    await until('the leader’s request', () => waiting.length === 1);
    const followed = ask(world, key, chat('left'));
    await until('the follower', () => sees(world, 1));
    leaving.abort();
    await leader;
    await sleep(100);
    assert.equal(waiting[0]!.closedAtMs, null, 'the upstream call goes on');
    finish(waiting[0]!);
    const { cache, callId, status } = await followed;
    assert.deepEqual([status, cache, waiting.length], [200, 'collapsed', 1]);
    const { cacheHit, savedCostUsd } = await entryOf(world, callId);
    assert.equal(savedCostUsd, '0.025');
    const paid = await entryOf(world, cacheHit.call);
    assert.deepEqual([paid.status, paid.cancelledBy, paid.cost.total], ['cancelled', 'client', '0.025']);
  });

  test('all leave: the upstream call ends', async () => {
    const key = await keyFor(world, 'acme');
    const waiting = held(world);
    const leaving = new AbortController();
    const leave = () =>
      fetch(`${world.gate.url}${CHAT}`, {
        method: 'POST',
        headers: {
          ...{ authorization: `Bearer ${key}`, 'content-type': 'application/json', 'x-headgate-feature': 'search' },
        },
        body: JSON.stringify(chat('all left')),
        signal: leaving.signal,
      }).catch(() => null);
    await inOrder(world, waiting, leave, 3);
    leaving.abort();
    await until('the end of the upstream call', () => waiting[0]!.closedAtMs !== null);
    await until('no follower', () => sees(world, 0));
    assert.equal((await world.gate.admin('GET', '/cache')).flights, 0);
    assert.equal(waiting.length, 1);
  });

  test('the leader fails: one after the other tries, and after the third all get the failure', async () => {
    const key = await keyFor(world, 'acme');
    const waiting = held(world);
    const { leader, followed } = await inOrder(world, waiting, () => ask(world, key, chat('fails')), 6);
    // Two attempts a call.
    for (let request = 0; request < 6; request++) {
      await until(`request ${request + 1}`, () => waiting.length === request + 1);
      await sleep(50);
      assert.equal(waiting.length, request + 1, 'one at a time');
      fail(waiting[request]!, 503);
    }
    const all = await Promise.all([leader, ...followed]);
    assert.deepEqual(
      all.map(({ status }) => status),
      all.map(() => 503),
    );
    assert.equal(waiting.length, 6);
    const entries = await Promise.all(all.map(({ callId }) => entryOf(world, callId)));
    assert.deepEqual(entries.map(({ attempts }) => attempts.length).toSorted(), [0, 0, 0, 0, 2, 2, 2]);
    for (const { cost, status, savedCostUsd } of entries)
      assert.deepEqual([cost.total, status, savedCostUsd], ['0', 'provider_error', null]);
  });

  test('the second leader has an answer for all others', async () => {
    const key = await keyFor(world, 'acme');
    const waiting = held(world);
    const { leader, followed } = await inOrder(world, waiting, () => ask(world, key, chat('recovers')), 4);
    fail(waiting[0]!, 503);
    await until('the second attempt', () => waiting.length === 2);
    fail(waiting[1]!, 503);
    await until('the second leader', () => waiting.length === 3);
    finish(waiting[2]!);
    assert.equal((await leader).status, 503);
    const rest = await Promise.all(followed);
    const [paid, ...more] = rest.filter(({ cache }) => cache === 'miss');
    assert.deepEqual([rest.length, more.length, waiting.length], [4, 0, 3]);
    for (const one of rest.filter(({ cache }) => cache !== 'miss')) {
      assert.deepEqual([one.cache, one.text], ['collapsed', paid!.text]);
      assert.equal((await entryOf(world, one.callId)).cacheHit.call, paid!.callId);
    }
  });

  test('what the provider refuses as it was asked, it refuses all; nobody tries again', async () => {
    const key = await keyFor(world, 'acme');
    const waiting = held(world);
    const { leader, followed } = await inOrder(world, waiting, () => ask(world, key, chat('refused')), 3);
    fail(waiting[0]!, 400);
    const all = await Promise.all([leader, ...followed]);
    assert.deepEqual(
      all.map(({ status, text }) => [status, /no 400/.test(text)]),
      all.map(() => [400, true]),
    );
    assert.equal(waiting.length, 1);
  });

  test('limits of requests count each of them, and budgets none but the one that is paid', async () => {
    const key = await keyFor(world, 'counted');
    await world.gate.admin('POST', '/budgets', { level: 'tenant', tenant: 'counted', limitUsd: '100' });
    await world.gate.admin('POST', '/limits', { level: 'tenant', tenant: 'counted', unit: 'requests', limit: 4 });
    const waiting = held(world);
    const body = chat('counted', { max_tokens: 7 });
    const { leader, followed } = await inOrder(world, waiting, () => ask(world, key, body), 3);
    assert.equal((await ask(world, key, body)).status, 429);
    finish(waiting[0]!);
    await Promise.all([leader, ...followed]);
    await world.gate.until('the bill', async () => {
      const { budgets } = await world.gate.admin('GET', '/budgets?tenant=counted');
      return budgets[0].spentUsd === '0.025' && (budgets[0].reservedUsd ?? '0') === '0';
    });
  });

  test('two tenants, two features, and who wants a new answer, wait for nobody', async () => {
    const [a, b] = [await keyFor(world, 'apart-a'), await keyFor(world, 'apart-b')];
    const waiting = held(world);
    const body = chat('apart');
    const all = [ask(world, a, body)];
    const others = [
      () => ask(world, b, body),
      () => ask(world, a, body, { feature: 'support' }),
      () => ask(world, a, body, { headers: { 'cache-control': 'no-cache' } }),
      () => ask(world, a, body, { headers: { 'cache-control': 'no-store' } }),
      () => ask(world, a, body, { feature: 'alone' }),
      () => ask(world, a, body, { feature: 'alone' }),
    ];
    await until('the first', () => waiting.length === 1);
    for (const [i, other] of others.entries()) {
      all.push(other());
      await until(`request ${i + 2}`, () => waiting.length === i + 2);
    }
    for (const one of waiting) finish(one);
    const texts = (await Promise.all(all)).map(({ text, cache }) => (assert.notEqual(cache, 'collapsed'), text));
    assert.equal(new Set(texts).size, all.length);
  });

  test('a follower’s own deadline is its own', async () => {
    const key = await keyFor(world, 'acme');
    const waiting = held(world);
    const leader = ask(world, key, chat('late'));
    await until('the leader’s request', () => waiting.length === 1);
    const late = await ask(world, key, chat('late'), { headers: { 'x-headgate-deadline-ms': '150' } });
    assert.equal(late.status, 504);
    assert.match(late.text, /deadline/);
    assert.deepEqual([(await entryOf(world, late.callId)).status, waiting.length], ['timeout', 1]);
    finish(waiting[0]!);
    assert.equal((await leader).status, 200);
  });

  test('who has less patience than the others leads nobody', async () => {
    const key = await keyFor(world, 'acme');
    const waiting = held(world);
    const hasty = ask(world, key, chat('hasty'), { headers: { 'x-headgate-deadline-ms': '10000' } });
    await until('its request', () => waiting.length === 1);
    const other = ask(world, key, chat('hasty'));
    await until('the other’s request', () => waiting.length === 2);
    for (const one of waiting) finish(one);
    assert.deepEqual([(await hasty).cache, (await other).cache], ['miss', 'miss']);
  });
});

describe('a stream, asked for by several at once', () => {
  const world = inCacheWorld();
  const body = (text: string, more: object = {}): object => chat(text, { stream: true, ...more });

  const open = (key: string, content: string, more: Record<string, string> = {}): Promise<Reading> =>
    openWith(
      { url: world.gate.url, key },
      { method: 'POST', path: CHAT, headers: { 'x-headgate-feature': 'search', ...more }, body: body(content) },
    );
  const callOf = ({ response }: Reading): string => String(response.headers['x-headgate-call-id']);
  const cacheOf = ({ response }: Reading): unknown => response.headers['x-headgate-cache'];

  /** The leader has had the first two events. */
  async function started(key: string, content: string, headers: Record<string, string> = {}) {
    const waiting = held(world);
    const opening = open(key, content, headers);
    await until('the leader’s request', () => waiting.length === 1);
    const upstream = waiting[0]!;
    const events = eventsFor(CHAT, nextAnswer());
    begin(upstream);
    say(upstream, events.slice(0, 2));
    const leader = await opening;
    await until('the first events', () => leader.text().includes('answer'));
    return { waiting, upstream, events, leader };
  }

  test('goes to each as it comes, from its start, byte for byte', async () => {
    const key = await keyFor(world, 'acme');
    const { waiting, upstream, events, leader } = await started(key, 'live');
    const followers = [await open(key, 'live'), await open(key, 'live')];
    for (const one of followers) await until('what there is', () => one.text() === leader.text());
    assert.notEqual(leader.text(), '');
    assert.equal(leader.response.complete, false, 'the leader’s stream goes on');
    say(upstream, events.slice(2));
    upstream.response.end();
    const all = [leader, ...followers];
    assert.deepEqual(await Promise.all(all.map(({ ended }) => ended)), ['clean', 'clean', 'clean']);
    assert.deepEqual(all.map(cacheOf), ['miss', 'collapsed', 'collapsed']);
    assert.equal(new Set(all.map((one) => one.text())).size, 1);
    assert.equal(waiting.length, 1);
    for (const one of followers) {
      const entry = await entryOf(world, callOf(one));
      assert.deepEqual(
        [entry.status, entry.stream, entry.cost.total, entry.savedCostUsd, entry.cacheHit.call],
        ['ok', true, '0', '0.025', callOf(leader)],
      );
      assert.equal(entry.bytesOut, Buffer.byteLength(one.text()));
    }
    assert.equal(cacheOf(await open(key, 'live')), 'hit');
  });

  for (const [name, resume] of [
    ['closes its connection', false],
    ['cancels its stream that could be read again', true],
  ] as const)
    test(`the leader ${name}: the others have the rest, and the answer is kept`, async () => {
      const key = await keyFor(world, 'acme');
      const content = `leader ${name}`;
      const headers: Record<string, string> = resume ? { 'x-headgate-resume': 'true' } : {};
      const { waiting, upstream, events, leader } = await started(key, content, headers);
      const follower = await open(key, content);
      await until('what there is', () => follower.text().includes('answer'));
      if (resume) {
        await fetch(`${world.gate.url}/v1/streams/${callOf(leader)}/cancel`, {
          method: 'POST',
          headers: { authorization: `Bearer ${key}` },
        });
        assert.equal(await leader.ended, 'broken');
      } else leader.leave();
      await sleep(100);
      assert.equal(upstream.closedAtMs, null, 'the upstream call goes on');
      say(upstream, events.slice(2));
      upstream.response.end();
      assert.equal(await follower.ended, 'clean');
      assert.match(follower.text(), /\[DONE\]/);
      const paid = await entryOf(world, callOf(leader));
      assert.deepEqual([paid.status, paid.cancelledBy, paid.cost.total], ['cancelled', 'client', '0.025']);
      const free = await entryOf(world, callOf(follower));
      assert.deepEqual([free.status, free.savedCostUsd, free.cacheHit.call], ['ok', '0.025', callOf(leader)]);
      const hit = await open(key, content);
      await hit.ended;
      assert.deepEqual([cacheOf(hit), hit.text() === follower.text(), waiting.length], ['hit', true, 1]);
    });

  test('a stream that breaks breaks for each, and nothing is said to be saved', async () => {
    const key = await keyFor(world, 'acme');
    const { upstream, leader } = await started(key, 'breaks');
    const follower = await open(key, 'breaks');
    await until('what there is', () => follower.text().includes('answer'));
    upstream.response.destroy();
    assert.deepEqual([await leader.ended, await follower.ended], ['broken', 'broken']);
    assert.match(follower.text(), /stream_truncated/);
    const [paid, other] = [await entryOf(world, callOf(leader)), await entryOf(world, callOf(follower))];
    assert.deepEqual([paid.status, other.status], ['truncated', 'truncated']);
    assert.deepEqual([other.cost.total, other.savedCostUsd, other.cacheHit.call], ['0', null, callOf(leader)]);
  });

  test('before its first event a broken one is another’s to try', async () => {
    const key = await keyFor(world, 'acme');
    const waiting = held(world);
    const opening = open(key, 'early');
    await until('the leader’s request', () => waiting.length === 1);
    const following = [open(key, 'early'), open(key, 'early')];
    await until('the followers', () => sees(world, 2));
    fail(waiting[0]!, 503);
    await until('its second attempt', () => waiting.length === 2);
    fail(waiting[1]!, 503);
    await until('the next leader', () => waiting.length === 3);
    begin(waiting[2]!);
    say(waiting[2]!, eventsFor(CHAT, nextAnswer()));
    waiting[2]!.response.end();
    const [first, ...rest] = await Promise.all([opening, ...following]);
    await Promise.all(rest.map(({ ended }) => ended));
    assert.equal(first!.response.statusCode, 503);
    assert.deepEqual(rest.map(cacheOf).toSorted(), ['collapsed', 'miss']);
    assert.equal(rest[0]!.text(), rest[1]!.text());
    assert.match(rest[0]!.text(), /\[DONE\]/);
  });

  test('a follower with a log is read again from its middle, under its own id', async () => {
    const key = await keyFor(world, 'acme');
    const { upstream, events, leader } = await started(key, 'logged');
    const follower = await open(key, 'logged', { 'x-headgate-resume': 'true' });
    await until('what there is', () => follower.text().includes('answer'));
    follower.leave();
    say(upstream, events.slice(2));
    upstream.response.end();
    await leader.ended;
    const again = await openWith(
      { url: world.gate.url, key },
      { method: 'GET', path: `/v1/streams/${callOf(follower)}` },
    );
    assert.equal(await again.ended, 'clean');
    assert.equal(again.text().replaceAll(/^(id: .*\n|: .*\n\n)/gm, ''), leader.text());
    assert.notEqual(callOf(follower), callOf(leader));
    assert.equal((await entryOf(world, callOf(follower))).status, 'ok');
  });

  test('a client that reads nothing holds up nobody', async () => {
    const key = await keyFor(world, 'acme');
    const { upstream, events, leader } = await started(key, 'slow');
    const follower = await open(key, 'slow');
    leader.response.pause();
    await until('what there is', () => follower.text().includes('answer'));
    const filler = events[1]!.replace(/answer \d+/, 'x'.repeat(10_000));
    for (let i = 0; i < 400; i++) say(upstream, [filler]);
    say(upstream, events.slice(2));
    upstream.response.end();
    assert.equal(await follower.ended, 'clean');
    assert.ok(follower.text().length > 4_000_000, String(follower.text().length));
    leader.leave();
  });

  test('a tenant that is shown what calls cost sees that this one cost nothing', async () => {
    await world.gate.admin('POST', '/tenants', { id: 'shown', costExpose: 'cost' });
    const key = await keyFor(world, 'shown');
    const shown = { stream_options: { include_usage: true } };
    const waiting = held(world);
    const ways = () => ask(world, key, body('cost', shown));
    const { leader, followed } = await inOrder(world, waiting, ways, 1);
    begin(waiting[0]!);
    say(waiting[0]!, eventsFor(CHAT, nextAnswer()));
    waiting[0]!.response.end();
    const [first, second] = await Promise.all([leader, followed[0]!]);
    assert.match(first.text, /"cost":0\.025/);
    assert.equal(second.text, first.text.replaceAll('"cost":0.025', '"cost":0'));
  });
});
