import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { makeKey } from '../hostile/world.ts';
import { call, inRulesWorld } from '../clients-rules/rules-world.ts';
import { json } from '../clients-rules/scripted-upstream.ts';

const CHAT = '/v1/chat/completions';
const ANSWER =
  '{"id":"c1","object":"chat.completion","created":1,"model":"up","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18}}';

describe('a burst at the edge of a minute', () => {
  const world = inRulesWorld();
  const until = (at: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, at - Date.now()));

  test('gets its limit once, and again when a minute is over', { timeout: 150_000 }, async () => {
    const key = await makeKey({ gate: world.gate } as never, 'edge', {});
    await world.gate.admin('POST', '/limits', { level: 'tenant', tenant: 'edge', limit: 10 });
    world.first.answer(json(ANSWER));
    const burst = async (count: number): Promise<number> => {
      const answers = await Promise.all(
        Array.from({ length: count }, () => call(world, CHAT, { model: 'm' }, { key, patienceMs: 30_000 })),
      );
      return answers.filter(({ status }) => status === 200).length;
    };
    const edge = Math.ceil((Date.now() + 1_000) / 60_000) * 60_000;
    await until(edge - 500);
    assert.equal(await burst(15), 10);
    await until(edge + 300);
    assert.equal(await burst(15), 0, 'counters that begin anew each minute let ten more through here');
    const refused = await call(world, CHAT, { model: 'm' }, { key });
    await until(Date.now() + Number(refused.headers['retry-after-ms']));
    const again = await burst(15);
    // On a slow machine the first ten were of two seconds, and leave one after the other.
    assert.ok(again >= 1 && again <= 10, `${again} when room was promised`);
  });
});
