import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient as createRedis } from '@redis/client';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { redisSkip } from '../harness/redis-server.ts';
import { callIdOf, type Reading } from './stream-client.ts';
import { at, call, chargedOf, died, entryOf, redriveWorld, revive, TEXT, textOf, type Asked } from './redrive-world.ts';

/** All of one gate that dies; the last one is charged anew last, and by then the others are decided. */
const CASES: Readonly<Record<string, Asked & { readonly anew: boolean }>> = {
  'a strict budget paid the worst case': { feature: 'strictly', anew: false },
  'its log is gone': { anew: false },
  'it thinks, and what is shown of that may be a summary': {
    ...{ api: 'claude', text: `[[lab think=200]]${TEXT}`, anew: false },
    body: { thinking: { type: 'enabled', budget_tokens: 1024 }, max_tokens: 2_000 },
  },
  'its model thinks out of sight': { model: 'o3', anew: false },
  'its provider writes on behind a connection that is gone': { model: 'readOut', anew: false },
  'nobody wanted to read it again': { headers: { 'x-headgate-resume': 'false' }, anew: false },
  'a public tokenizer counts it': { model: 'gpt', anew: true },
  'its provider said what the prompt was': { api: 'claude', anew: true },
  'it is a chat': { anew: true },
};

describe('what is charged for streams that died, by what their logs say', { skip: redisSkip }, () => {
  const w = redriveWorld({
    models: `
  gpt: { deployments: [{ provider: chat, model: gpt-4o-lab-echo }] }
  o3: { deployments: [{ provider: chat, model: o3-lab-echo }] }
  readOut: { deployments: [{ provider: readOut, model: lab-echo }] }`,
  });

  test('its text and nothing more; or what was reserved, where the text is not all', async () => {
    const body = { level: 'feature', tenant: 'demo', id: 'strictly', limitUsd: '1000', mode: 'strict' };
    await w.gates.a.admin('POST', '/budgets', body);
    const live: (readonly [string, Reading])[] = [];
    for (const [name, asked] of Object.entries(CASES)) live.push([name, await call(at(w, 'a'), asked)]);
    for (const [, reading] of live)
      await w.gates.a.until('it has begun', () => reading.text().split('data: ').length > 20);
    const log = w.provider.log.slice(-live.length);
    await w.gates.a.kill();
    for (const [, { ended }] of live) await ended;
    const redis = createRedis({ url: w.redis.url });
    await redis.connect();
    const idOf = (wanted: string): string => callIdOf(live.find(([name]) => name === wanted)![1]);
    const [gone] = (await redis.keys(`*${idOf('its log is gone')}`)) as [string];
    await redis.del([gone, `${gone}:events`]);
    await redis.close();
    await revive(w);
    await chargedOf(w, idOf('it is a chat'));
    const { calls } = await w.gates.a.admin('GET', '/calls?counted=true&limit=100');
    for (const [i, [name]] of live.entries()) {
      const first = await entryOf(w.gates.a, idOf(name));
      const row = calls.find((entry: any) => entry.id === first.id || entry.corrects === first.id);
      assert.equal(row.corrects !== null, CASES[name]!.anew, name);
      assert.equal(row.errorCode, CASES[name]!.anew ? 'charged_by_log' : null, name);
      assert.equal(row.usageSource, 'estimated');
      if (!CASES[name]!.anew) continue;
      assert.ok(Number(row.cost.total) < Number(first.cost.total), name);
      const had = textOf(live[i]![1].text());
      const [asked] = log.slice(i);
      if (name.includes('tokenizer')) {
        // The simulator counts bytes: of this one the tokenizer is the judge. An event more may be in the log.
        const exact = countTokens(had);
        assert.ok(row.usage.outputTokens >= exact && row.usage.outputTokens <= exact + 4, `${row.usage.outputTokens}`);
        continue;
      }
      const billed = (asked!.inputTokens! * 1_000 + asked!.outputTokensSent * 2_000) / 1e6;
      assert.ok(Math.abs(Number(row.cost.total) / billed - 1) < 0.25, `${name}: ${row.cost.total} for ${billed}`);
      if (name.includes('prompt')) assert.equal(row.usage.inputTokens, asked!.inputTokens, name);
    }
  });

  test('a gate that dies over it, with Valkey away, leaves it to its next start; and it is done once', async () => {
    const id = await died(w, await call(at(w, 'a')));
    w.redis.child.kill('SIGSTOP');
    await revive(w);
    const first = await entryOf(w.gates.a, id);
    assert.deepEqual([first.status, first.errorCode], ['interrupted', null]);
    await w.gates.a.kill();
    w.redis.child.kill('SIGCONT');
    await revive(w);
    await chargedOf(w, id);
    await w.gates.a.kill();
    await revive(w);
    await sleep(1_000);
    const { calls } = await w.gates.a.admin('GET', '/calls?limit=100');
    assert.equal(calls.filter(({ corrects }: any) => corrects === id).length, 1);
  });
});
