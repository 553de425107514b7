import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { call, inRulesWorld, newestEntry } from '../clients-rules/rules-world.ts';
import { json } from '../clients-rules/scripted-upstream.ts';
import { makeKey } from '../hostile/world.ts';

const CHAT = '/v1/chat/completions';
const ANSWER = JSON.stringify({
  ...{ id: 'c', object: 'chat.completion', created: 1, model: 'up' },
  choices: [{ index: 0, message: { role: 'assistant', content: 'hi' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 },
});

describe('guesses and forged names', () => {
  const world = inRulesWorld();
  const keyFor = (tenant: string, settings: object = {}) => makeKey({ gate: world.gate } as never, tenant, settings);
  const told = ({ status, headers, body }: Awaited<ReturnType<typeof call>>) => ({
    status,
    text: body.toString().replace(/call_\w+/g, ''),
    names: Object.keys(headers).toSorted().join(),
  });

  test('a guess near a key, one of another shape, an id and a hint read alike', async () => {
    const key = await keyFor('guessed');
    const { keys } = await world.gate.admin('GET', '/keys?tenant=guessed');
    const [{ id, hint }] = keys;
    const last = key.at(-1) === 'A' ? 'B' : 'A';
    const guesses = [
      `${key.slice(0, -1)}${last}`,
      key.slice(0, -1),
      `${key}A`,
      key.toUpperCase(),
      `hg_${randomBytes(32).toString('base64url')}`,
      ...[
        id,
        hint.replace('…', ''),
        'guessed',
        'sk-guess',
        'a'.repeat(500),
        `${key} `.repeat(2).trim().replace(' ', '-'),
      ],
    ];
    for (const path of [CHAT, '/v1/messages', '/v1/embeddings']) {
      const all = [];
      for (const guess of guesses) all.push(told(await call(world, path, {}, { key: guess })));
      assert.equal(all[0]!.status, 401, all[0]!.text);
      for (const [i, one] of all.entries()) assert.deepEqual(one, all[0], `${path}: ${guesses[i]!.slice(0, 20)}`);
    }
  });

  test('thousands of guesses cost the gate nothing that stays, and hold up no known key', async () => {
    world.first.answer(json(ANSWER));
    const key = await keyFor('patient');
    const rss = (): number =>
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${world.gate.child.pid}/status`, 'utf8'))![1]) * 1024;
    const metrics = async (): Promise<string> =>
      (
        await fetch(`${world.gate.url}/metrics`, { headers: { authorization: `Bearer ${world.gate.adminToken}` } })
      ).text();
    const series = (text: string): number => text.split('\n').filter((line) => line && !line.startsWith('#')).length;
    const guess = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i += 50)
        await Promise.all(
          Array.from({ length: 50 }, async () => {
            const answer = await fetch(`${world.gate.url}${CHAT}`, {
              method: 'POST',
              headers: {
                authorization: `Bearer hg_${randomBytes(32).toString('base64url')}`,
                'x-headgate-tenant': randomBytes(4).toString('hex'),
                'x-headgate-feature': randomBytes(4).toString('hex'),
              },
              body: '{}',
            });
            assert.equal(answer.status, 401);
            await answer.arrayBuffer();
          }),
        );
    };
    assert.equal((await call(world, CHAT, { model: 'm' }, { key })).status, 200);
    await guess(500);
    const [before, seriesBefore] = [rss(), series(await metrics())];
    const guessing = guess(3_000);
    const waits: number[] = [];
    while (waits.length < 40) {
      const start = performance.now();
      assert.equal((await call(world, CHAT, { model: 'm' }, { key })).status, 200);
      waits.push(performance.now() - start);
    }
    await guessing;
    const median = waits.toSorted((a, b) => a - b)[20]!;
    assert.ok(median < 1_000, `a known key waits ${median} ms`);
    assert.equal(series(await metrics()), seriesBefore, 'guesses and forged names make no series');
    const grown = rss() - before;
    assert.ok(grown < 60e6, `${(grown / 1e6).toFixed(1)} MB`);
  });

  test('whose a call is, and what it is for, its key alone says', async () => {
    world.first.answer(json(ANSWER));
    await keyFor('victim');
    const budget = await world.gate.admin('POST', '/budgets', {
      ...{ level: 'tenant', tenant: 'victim', limitUsd: '1', window: 'total' },
    });
    const limit = await world.gate.admin('POST', '/limits', { level: 'tenant', tenant: 'victim', limit: 5 });
    const key = await keyFor('thief', { rights: { features: ['chat'], session: true } });
    const forged = [
      ...['x-headgate-tenant', 'x-tenant', 'x-tenant-id', 'x-headgate-team', 'x-headgate-plan'],
      ...['openai-organization', 'openai-project', 'x-forwarded-user', 'x-litellm-team-id', 'helicone-auth'],
    ];
    for (const name of forged) {
      const answer = await call(world, CHAT, { model: 'm' }, { key, headers: { [name]: 'victim' } });
      assert.equal(answer.status, 200, name);
      const entry = await newestEntry(world, String(answer.headers['x-headgate-call-id']));
      assert.deepEqual([entry.tenant, entry.feature], ['thief', null], name);
    }
    for (const body of [{ tenant: 'victim' }, { metadata: { tenant: 'victim', headgate_tenant: 'victim' } }]) {
      const answer = await call(world, CHAT, { model: 'm', ...body }, { key });
      if (answer.status !== 200) continue;
      const entry = await newestEntry(world, String(answer.headers['x-headgate-call-id']));
      assert.equal(entry.tenant, 'thief');
    }
    for (const feature of ['search', 'victim', '*', 'chat,search', 'chat/../search', 'CHAT'])
      assert.equal(
        (await call(world, CHAT, { model: 'm' }, { key, headers: { 'x-headgate-feature': feature } })).status,
        400,
        feature,
      );
    const untouched = await world.gate.admin('GET', `/budgets/${budget.id}`);
    assert.deepEqual([untouched.spentUsd, untouched.reservedUsd], ['0', '0']);
    const { used, reserved } = await world.gate.admin('GET', `/limits/${limit.id}`);
    assert.deepEqual([used, reserved], [0, 0]);
    assert.deepEqual((await world.gate.admin('GET', '/spend?tenant=victim')).rows, []);
  });
});
