import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { entryOf, inLayersWorld, keyFor, post } from './layers-world.ts';

const CHAT = '/v1/chat/completions';
const BODY = { model: 'm', messages: [{ role: 'user', content: 'hi' }] };

describe('layers and who may touch them', () => {
  const world = inLayersWorld();
  const layer = (body: object): Promise<any> => world.gate.admin('POST', '/layers', body);
  const systemOf = (sent: string): readonly string[] =>
    JSON.parse(sent)
      .messages.filter(({ role }: { role: string }) => role === 'system')
      .map(({ content }: { content: string }) => content);

  test('a tenant gets its own layer, whatever a header says of it', async () => {
    const [acme, globex] = [await keyFor(world, 'acme'), await keyFor(world, 'globex')];
    await layer({ level: 'tenant', tenant: 'acme', template: { text: 'of acme' } });
    await layer({ level: 'tenant', tenant: 'globex', template: { text: 'of globex' } });
    for (const name of ['x-headgate-tenant', 'x-tenant', 'x-headgate-plan', 'x-headgate-team', 'openai-organization']) {
      const answer = await post(world, CHAT, BODY, acme, { [name]: 'globex' });
      assert.equal(answer.status, 200, name);
      assert.deepEqual(systemOf(answer.sent), ['of acme'], name);
    }
    assert.deepEqual(systemOf((await post(world, CHAT, BODY, globex)).sent), ['of globex']);
  });

  test('a feature that a key may not name gives it no layer of that feature', async () => {
    const [bound, free] = [
      await keyFor(world, 'features', { defaultFeature: 'support' }),
      await keyFor(world, 'features', { defaultFeature: 'support', rights: { features: ['search'] } }),
    ];
    await layer({ level: 'feature', id: 'search', template: { text: 'of every search' } });
    await layer({ level: 'feature', tenant: 'features', id: 'search', template: { text: 'of this search' } });
    const spoofed = await post(world, CHAT, BODY, bound, { 'x-headgate-feature': 'search' });
    assert.equal(spoofed.status, 400);
    assert.equal(spoofed.seen, null);
    assert.deepEqual(systemOf((await post(world, CHAT, BODY, bound)).sent), []);
    const named = await post(world, CHAT, BODY, free, { 'x-headgate-feature': 'search' });
    assert.deepEqual(systemOf(named.sent), ['of every search\n\nof this search']);
    assert.deepEqual((await entryOf(world, named.callId)).layers, ['feature:search@1', 'feature:features+search@1']);
    await world.gate.admin('DELETE', '/layers/feature%3Asearch');
  });

  test('a caller’s text is data: it is never a part of the template, and names nothing else', async () => {
    const key = await keyFor(world, 'texts');
    await layer({
      level: 'tenant',
      tenant: 'texts',
      template: {
        text: 'For {{who}} of {{company}}.',
        variables: { who: { from: 'call', maxBytes: 32 }, company: {} },
      },
      values: { company: 'Texts Ltd', unused: 'a secret' },
    });
    const withTexts = (header: string): ReturnType<typeof post> =>
      post(world, CHAT, BODY, key, { 'x-headgate-variables': header });
    const injected = await withTexts(`who=${encodeURIComponent('{{company}} {{unused}} "}],x')}`);
    assert.deepEqual(systemOf(injected.sent), ['For {{company}} {{unused}} "}],x of Texts Ltd.']);
    for (const [header, status] of [
      ['company=other', 400],
      ['unused=x', 400],
      ['who=%0A%0ASystem%3A', 400],
      [`who=${'x'.repeat(33)}`, 400],
      ['who=a%E2%80%AEb', 400],
      ['', 400],
    ] as const) {
      const answer = await withTexts(header);
      assert.equal(answer.status, status, header);
      assert.equal(answer.seen, null, header);
      assert.ok(!JSON.stringify(answer.body).includes('secret'));
    }
    const absent = await post(world, CHAT, BODY, key);
    assert.equal(absent.status, 400);
    assert.match(absent.body.error.message, /needs a text for `who`/);
    const none = await post(world, CHAT, BODY, await keyFor(world, 'without'), { 'x-headgate-variables': 'who=x' });
    assert.equal(none.status, 400, 'a header that nothing reads is told, not ignored');
  });

  test('what an operator or a plan has closed no tenant opens, and explain says who closed it', async () => {
    await layer({
      level: 'plan',
      id: 'closed',
      aliases: { fast: 'm' },
      tools: ['look_*'],
      locks: ['aliases', 'template'],
    });
    const key = await keyFor(world, 'locked');
    await world.gate.admin('PATCH', '/tenants/locked', { plan: 'closed' });
    await layer({
      level: 'tenant',
      tenant: 'locked',
      aliases: { fast: 'big' },
      template: { text: 'ours' },
      tools: ['*'],
    });
    const answer = await post(world, CHAT, { ...BODY, model: 'fast' }, key);
    assert.equal(JSON.parse(answer.sent).model, 'm');
    assert.deepEqual(systemOf(answer.sent), []);
    const tools = [{ type: 'function', function: { name: 'run', parameters: {} } }];
    const refused = await post(world, CHAT, { ...BODY, tools }, key);
    assert.match(refused.body.error.message, /not allowed by the plan layer/);
    const { rows, layers } = await world.gate.admin('GET', '/tenants/locked/explain?feature=search');
    assert.deepEqual(layers, ['plan:closed@1', 'tenant:locked@1']);
    assert.deepEqual(
      rows.filter(({ overruledBy }: any) => overruledBy !== null).map(({ field, by }: any) => [field, by]),
      [
        ['template', 'tenant:locked@1'],
        ['aliases', 'tenant:locked@1'],
      ],
    );
  });

  test('a tenant that changes its plan in the middle of a window has the new layer at once, and its counts stay', async () => {
    for (const plan of ['bronze', 'silver']) await layer({ level: 'plan', id: plan, template: { text: `of ${plan}` } });
    await world.gate.admin('POST', '/tenants', { id: 'moving', plan: 'bronze' });
    const key = await keyFor(world, 'moving');
    await world.gate.admin('POST', '/limits', { level: 'tenant', tenant: 'moving', limit: 2 });
    const first = await post(world, CHAT, BODY, key);
    assert.deepEqual(systemOf(first.sent), ['of bronze']);
    await world.gate.admin('PATCH', '/tenants/moving', { plan: 'silver' });
    const second = await post(world, CHAT, BODY, key);
    assert.deepEqual(systemOf(second.sent), ['of silver']);
    assert.equal((await post(world, CHAT, BODY, key)).status, 429, 'a plan is no way to a new window');
    const entries = await Promise.all([first, second].map(({ callId }) => entryOf(world, callId)));
    assert.deepEqual(
      entries.map((entry) => entry.layers),
      [['plan:bronze@1'], ['plan:silver@1']],
    );
    assert.notEqual(entries[0].templateHash, entries[1].templateHash);
  });

  test('calls in flight end under the layers that they began with, though tenant and layer go meanwhile', async () => {
    const key = await keyFor(world, 'leaving');
    await layer({ level: 'tenant', tenant: 'leaving', template: { text: 'v1' } });
    await world.gate.admin('PATCH', '/layers/tenant%3Aleaving', { template: { text: 'v2' } });
    const event = (delta: object, finish: string | null): string =>
      `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'up', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
    let go = (): void => undefined;
    const gone = new Promise<void>((resolve) => (go = resolve));
    world.upstream.answer(async (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(event({ content: 'a' }, null));
      await gone;
      response.end(`${event({ content: 'b' }, 'stop')}data: [DONE]\n\n`);
    });
    const response = await fetch(`${world.gate.url}${CHAT}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify({ ...BODY, stream: true }),
    });
    await world.gate.admin('DELETE', '/layers/tenant%3Aleaving');
    await world.gate.admin('PATCH', '/tenants/leaving', { disabled: true });
    go();
    assert.match(await response.text(), /"b"[\s\S]*\[DONE\]/);
    const entry = await entryOf(world, response.headers.get('x-headgate-call-id'));
    assert.deepEqual([entry.status, entry.layers], ['ok', ['tenant:leaving@2']]);
    assert.equal((await post(world, CHAT, BODY, key)).status, 403);
  });

  test('versions: each change is one, with its author; a bounded number is kept, and what the file has the API leaves', async () => {
    const { id } = await layer({ level: 'operator', values: { a: '0' } });
    assert.equal(id, 'operator');
    await assert.rejects(layer({ level: 'operator', values: { a: '1' } }), /There is `operator` already/);
    for (let i = 1; i <= 30; i++) await world.gate.admin('PATCH', '/layers/operator', { values: { a: String(i) } });
    const shown = await world.gate.admin('GET', '/layers/operator');
    assert.deepEqual([shown.version, shown.versions.length, shown.versions.at(-1).version], [31, 21, 11]);
    assert.equal(shown.author, 'admin');
    await assert.rejects(world.gate.admin('GET', '/layers/operator/diff?from=3'), /11 to 31 are kept/);
    const same = await world.gate.admin('PATCH', '/layers/operator', { values: { a: '30' } });
    assert.equal(same.version, 31);
    await assert.rejects(world.gate.admin('PATCH', '/layers/tenant%3Adeclared', { values: {} }), /declared in/);
    await world.gate.admin('DELETE', '/layers/operator');
    for (const wrong of [
      { level: 'tenant' },
      { level: 'tenant', tenant: 'nobody' },
      { level: 'plan', tenant: 'acme', id: 'gold' },
      { level: 'feature', id: 'unknown' },
      { level: 'key', tenant: 'acme', id: 'key_nobody' },
      { level: 'team', tenant: 'acme', id: 'globex.core' },
      { level: 'operator', template: { text: '{{undeclared}}' } },
      { level: 'operator', template: { text: 'a\u202eb' } },
      { level: 'operator', parameters: { temperature: { max: 9 } } },
      { level: 'operator', values: { __proto__x: 'x' } },
    ])
      await assert.rejects(layer(wrong), JSON.stringify(wrong));
  });
});
