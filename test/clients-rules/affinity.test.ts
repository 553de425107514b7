import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';

/** A long prompt of its own for each conversation: the simulated provider caches from 1,024 tokens on. */
const long = (name: string): string => `Case ${name}. ${`The file of ${name} says nothing new. `.repeat(200)}`;
const TURNS = 5;

interface World {
  gate: GateProcess;
  labs: Provider[];
}
const world = {} as World;

before(async () => {
  world.labs = await Promise.all([startProvider({ seed: 1 }), startProvider({ seed: 2 })]);
  const [first, second] = world.labs.map(({ url }) => url);
  world.gate = await startGate({
    config: `
providers:
  first: { kind: lab, baseUrl: "${first}/v1" }
  second: { kind: lab, baseUrl: "${second}/v1" }
models:
  twin: { deployments: [{ provider: first, model: up }, { provider: second, model: up }] }
  alone: { deployments: [{ provider: first, model: up }] }
prices:
  - { provider: "*", model: "*", perMillion: { input: "1000", output: "2000", cachedRead: "100", cacheWrite: "1250" } }
retry: { attempts: 2, backoff: 0ms }
`,
  });
});
after(async () => {
  await world.gate?.stop();
  await Promise.all(world.labs?.map((lab) => lab.close()) ?? []);
});

interface Usage {
  readonly cache_read_input_tokens: number;
  readonly cache_creation_input_tokens: number;
}
interface Turn {
  readonly usage: Usage;
  readonly callId: string;
}

async function messages(body: object, headers: Record<string, string> = {}): Promise<Turn> {
  const answer = await fetch(`${world.gate.url}/v1/messages`, {
    method: 'POST',
    headers: { 'x-api-key': world.gate.key, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model: 'twin', max_tokens: 50, ...body }),
  });
  assert.equal(answer.status, 200, await answer.clone().text());
  const { usage } = (await answer.json()) as { usage: Usage };
  return { usage, callId: answer.headers.get('x-headgate-call-id')! };
}

/** A conversation that grows, each turn marked at its end as agents do. */
async function converse(name: string, headers: Record<string, string>, model = 'twin'): Promise<Turn[]> {
  const history: object[] = [];
  const turns: Turn[] = [];
  for (let n = 0; n < TURNS; n++) {
    const text = n === 0 ? long(name) : `And then, ${n}?`;
    const marked = { role: 'user', content: [{ type: 'text', text, cache_control: { type: 'ephemeral' } }] };
    turns.push(await messages({ model, system: 'Be brief.', messages: [...history, marked] }, headers));
    history.push({ role: 'user', content: [{ type: 'text', text }] }, { role: 'assistant', content: 'So it is.' });
  }
  return turns;
}

async function entryOf(callId: string): Promise<any> {
  let entry: unknown = null;
  await world.gate.until('the entry', async () => {
    entry = await world.gate.admin('GET', `/calls/${callId}`).catch(() => null);
    return entry !== null;
  });
  return entry;
}

const deploymentsOf = async (turns: readonly Turn[]): Promise<string[]> =>
  Promise.all(turns.map(async ({ callId }) => (await entryOf(callId)).deployment as string));

describe('session affinity (clients.md 7)', () => {
  test('a session stays where its prompt is cached: the tokens read are those of a lone deployment', async () => {
    const lone = await converse('lone', {}, 'alone');
    for (const id of ['a1', 'b2', 'c3', 'd4', 'e5', 'f6']) {
      const turns = await converse(id.repeat(2), { 'x-claude-code-session-id': `session-${id}` });
      assert.equal(new Set(await deploymentsOf(turns)).size, 1, `${id} moved`);
      assert.deepEqual(
        turns.map(({ usage }) => usage.cache_read_input_tokens),
        lone.map(({ usage }) => usage.cache_read_input_tokens),
      );
    }
  });

  test('without a session the first blocks name the conversation', async () => {
    const used = new Set<string>();
    for (const name of ['north', 'south', 'inner', 'outer', 'upper', 'lower', 'front', 'after']) {
      const turns = await converse(name, {});
      const deployments = new Set(await deploymentsOf(turns));
      assert.equal(deployments.size, 1, `${name} moved`);
      for (const one of deployments) used.add(one);
    }
    assert.equal(used.size, 2, 'load still spreads over both');
  });

  test('a prompt_cache_key is a session to the other dialect', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 8; n++) {
      const answer = await fetch(`${world.gate.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${world.gate.key}`, 'content-type': 'application/json' },
        body: JSON.stringify({
          model: 'twin',
          prompt_cache_key: 'one-key',
          messages: [{ role: 'user', content: `question ${n}` }],
        }),
      });
      assert.equal(answer.status, 200);
      await answer.text();
      ids.push(answer.headers.get('x-headgate-call-id')!);
    }
    const deployments = await deploymentsOf(ids.map((callId) => ({ callId }) as Turn));
    assert.equal(new Set(deployments).size, 1);
  });

  test('a move and what it cost are in the entry', async () => {
    const headers = { 'x-claude-code-session-id': 'session-mover' };
    const turns = await converse('mover', headers);
    const [held] = await deploymentsOf(turns.slice(-1));
    const heldBy = world.labs[held === 'first/up' ? 0 : 1]!;
    heldBy.setFaults([{ fault: '529' }]);
    const moved = await converse('mover', headers);
    heldBy.setFaults([]);
    const entry = await entryOf(moved[0]!.callId);
    assert.equal(entry.movedFrom, held);
    assert.notEqual(entry.deployment, held);
    const tokens = turns.at(-1)!.usage.cache_read_input_tokens + turns.at(-1)!.usage.cache_creation_input_tokens;
    // A read costs 100 a million; here the prompt was written anew for 1,250, and computed for 1,000 behind the mark.
    const { inputTokens, cacheWriteTokens } = entry.usage as { inputTokens: number; cacheWriteTokens: number };
    const lost = Math.min(tokens, inputTokens);
    const written = Math.min(lost, cacheWriteTokens);
    assert.ok(written > 1_000);
    const more = written * (1_250 - 100) + (lost - written) * (1_000 - 100);
    assert.equal(Number(entry.moveCostUsd).toFixed(6), (more / 1e6).toFixed(6));
    const later = await entryOf(moved[1]!.callId);
    assert.equal(later.movedFrom, null, 'it stays where it is now');
    assert.equal(later.deployment, entry.deployment);
  });
});
