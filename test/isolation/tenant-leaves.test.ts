import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { call, inRulesWorld, newestEntry } from '../clients-rules/rules-world.ts';
import { makeKey } from '../hostile/world.ts';

const CHAT = '/v1/chat/completions';
const USAGE = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 };
const chunk = (delta: object, finish: string | null, usage?: object): string =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'up', choices: [{ index: 0, delta, finish_reason: finish }], ...(usage && { usage }) })}\n\n`;
const WHOLE = JSON.stringify({
  ...{ id: 'c', object: 'chat.completion', created: 1, model: 'up', usage: USAGE },
  choices: [{ index: 0, message: { role: 'assistant', content: 'hi' }, finish_reason: 'stop' }],
});

/** Whole nano-dollars of a decimal text of dollars. */
const nano = (usd: string): number => Math.round(Number(usd) * 1e9);

/** How the upstream ends what it began, once it may. */
type Ending = 'whole' | 'dies';

describe('a tenant that goes while its calls are in flight', () => {
  const world = inRulesWorld();

  test('each ends settled under its name, money and places are given back, and its keys are refused at once', async () => {
    const { gate } = world;
    const key = await makeKey({ gate } as never, 'leaving', {});
    const { id: budget } = await gate.admin('POST', '/budgets', {
      ...{ level: 'tenant', tenant: 'leaving', limitUsd: '100', window: 'total' },
    });
    const limitOf = (unit: string, limit: number) =>
      gate.admin('POST', '/limits', { level: 'tenant', tenant: 'leaving', unit, limit });
    const [requests, flights] = [await limitOf('requests', 1_000), await limitOf('concurrency', 50)];
    const gone = Promise.withResolvers<void>();
    const endings: Ending[] = ['whole', 'dies', 'whole', 'whole'];
    let begun = 0;
    world.first.answer(async (response, { body }) => {
      const ending = endings[begun++]!;
      if (!body.includes('"stream":true')) {
        await gone.promise;
        response.writeHead(200, { 'content-type': 'application/json' }).end(WHOLE);
        return;
      }
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(chunk({ content: 'a' }, null));
      await gone.promise;
      if (ending === 'dies') return void response.destroy();
      response.end(`${chunk({ content: 'b' }, 'stop', USAGE)}data: [DONE]\n\n`);
    });
    const leaver = new AbortController();
    const send = (stream: boolean, signal?: AbortSignal) =>
      fetch(`${gate.url}${CHAT}`, {
        ...{ method: 'POST', ...(signal && { signal }) },
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'm', stream, messages: [{ role: 'user', content: 'hi' }] }),
      });
    const streams = [await send(true), await send(true), await send(true, leaver.signal)];
    const unary = send(false);
    await gate.until('four calls', () => begun === 4);
    const held = await gate.admin('GET', `/budgets/${budget}`);
    assert.notEqual(held.reservedUsd, '0');
    assert.equal((await gate.admin('GET', `/limits/${flights.id}`)).reserved, 4);

    await gate.admin('PATCH', '/tenants/leaving', { disabled: true });
    for (const path of [CHAT, '/v1/messages', '/v1/embeddings'])
      assert.equal((await call(world, path, { model: 'm' }, { key })).status, 403, path);
    assert.equal(begun, 4, 'nothing of it reached a provider');

    leaver.abort();
    await newestEntry(world, streams[2]!.headers.get('x-headgate-call-id')!);
    gone.resolve();
    const texts = await Promise.all(streams.map((response) => response.text().catch(() => 'left')));
    assert.match(texts[0]!, /"b"[\s\S]*\[DONE\]/);
    assert.equal(texts[2], 'left');
    assert.equal((await unary).status, 200);

    const ids = [...streams, await unary].map(({ headers }) => headers.get('x-headgate-call-id')!);
    const entries = [];
    for (const id of ids) entries.push(await newestEntry(world, id));
    assert.deepEqual(new Set(entries.map(({ tenant }) => tenant)), new Set(['leaving']));
    assert.deepEqual([entries[0].status, entries[2].status, entries[3].status], ['ok', 'cancelled', 'ok']);
    assert.ok(['truncated', 'provider_error'].includes(entries[1].status), entries[1].status);
    const spent = entries.reduce((sum, { cost }) => sum + nano(cost.total), 0);
    const after = await gate.admin('GET', `/budgets/${budget}`);
    assert.equal(after.reservedUsd, '0');
    assert.ok(spent > 0);
    assert.equal(nano(after.spentUsd), spent);
    assert.deepEqual(
      [await gate.admin('GET', `/limits/${flights.id}`), await gate.admin('GET', `/limits/${requests.id}`)].map(
        ({ used, reserved }) => [used, reserved],
      ),
      [
        [0, 0],
        [4, 0],
      ],
    );
    const [row] = (await gate.admin('GET', '/spend?tenant=leaving')).rows;
    assert.equal(row.calls, 4);

    // Back again it has what it had: the counts of calls that were refused are not among them.
    await gate.admin('PATCH', '/tenants/leaving', { disabled: false });
    world.first.answer((response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(WHOLE);
    });
    assert.equal((await call(world, CHAT, { model: 'm' }, { key })).status, 200);
  });
});
