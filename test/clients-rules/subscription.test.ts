import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { json, startUpstream, stream, type ScriptedUpstream } from './scripted-upstream.ts';

const LOGIN = 'sk-ant-oat01-theLoginOfAPerson';
const ANSWER = JSON.stringify({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'up',
  content: [{ type: 'text', text: 'hi' }],
  stop_reason: 'end_turn',
  usage: { input_tokens: 1000, output_tokens: 20 },
});
const world = {} as { gate: GateProcess; login: ScriptedUpstream; other: ScriptedUpstream };

before(async () => {
  [world.login, world.other] = await Promise.all([startUpstream(), startUpstream()]);
  world.gate = await startGate({
    env: { OWN_KEY: 'sk-operators-own-key' },
    config: `
providers:
  people: { kind: lab, baseUrl: "${world.login.url}/v1", subscription: true, apiKey: "\${env:OWN_KEY}" }
  firm: { kind: lab, baseUrl: "${world.other.url}/v1", apiKey: "\${env:OWN_KEY}" }
models:
  both: { deployments: [{ provider: people, model: up, order: 0 }, { provider: firm, model: up, order: 1 }] }
  firm: { deployments: [{ provider: firm, model: up }] }
prices: [{ provider: "*", model: "*", perMillion: { input: "1000", output: "2000" } }]
retry: { attempts: 3, backoff: 0ms }
`,
  });
});
after(async () => {
  await world.gate?.stop();
  await Promise.all([world.login?.close(), world.other?.close()]);
});

const post = (model: string, headers: Record<string, string>, more: object = {}): Promise<Response> =>
  fetch(`${world.gate.url}/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model, max_tokens: 50, messages: [{ role: 'user', content: 'hi' }], ...more }),
  });
const withLogin = () => ({ authorization: `Bearer ${LOGIN}`, 'x-headgate-key': world.gate.key });

async function entryOf(answer: Response): Promise<any> {
  const id = answer.headers.get('x-headgate-call-id')!;
  let entry: unknown = null;
  await world.gate.until('the entry', async () => {
    entry = await world.gate.admin('GET', `/calls/${id}`).catch(() => null);
    return entry !== null;
  });
  return entry;
}

describe('two credentials (clients.md 10)', () => {
  test('a login goes to the provider that takes one; tokens count, the cost is the subscription’s', async () => {
    world.login.answer(json(ANSWER));
    const answer = await post('both', withLogin());
    assert.equal(answer.status, 200);
    const { headers } = world.login.seen.at(-1)!;
    assert.equal(headers.authorization, `Bearer ${LOGIN}`);
    assert.ok(!JSON.stringify(headers).includes('operators-own'), 'no second credential beside it');
    assert.equal(headers['x-headgate-key'], undefined);
    const entry = await entryOf(answer);
    assert.equal(entry.usage.inputTokens, 1000);
    assert.equal(entry.cost.total, '0');
    assert.equal(entry.priceVersion, 'subscription');
    assert.equal(entry.reservedUsd, '0');
  });

  test('a stream that is cut counts its estimate, and costs nothing here either', async () => {
    const start = { type: 'message_start', message: { ...JSON.parse(ANSWER), content: [], stop_reason: null } };
    const text = (type: string, more: object): string =>
      `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`;
    world.login.answer(
      stream([
        text('message_start', start),
        text('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
        text('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'some words' } }),
        'cut',
      ]),
    );
    const answer = await post('both', withLogin(), { stream: true });
    await answer.text().catch(() => '');
    const entry = await entryOf(answer);
    assert.equal(entry.status, 'truncated');
    assert.equal(entry.cost.total, '0');
    assert.equal(entry.usageSource, 'estimated');
  });

  test('never for a fallback: its refusal is the answer, and nobody else sees a thing', async () => {
    world.login.answer(json('{"type":"error","error":{"type":"rate_limit_error","message":"plan used up"}}', 429));
    const before = world.other.seen.length;
    const answer = await post('both', withLogin());
    assert.equal(answer.status, 429);
    assert.match(await answer.text(), /plan used up/);
    assert.equal(world.other.seen.length, before);
  });

  test('a provider that takes no logins gets the operator’s credential', async () => {
    world.other.answer(json(ANSWER));
    const answer = await post('firm', withLogin());
    assert.equal(answer.status, 200);
    assert.equal(world.other.seen.at(-1)!.headers.authorization, 'Bearer sk-operators-own-key');
    assert.notEqual((await entryOf(answer)).cost.total, '0');
  });

  test('without a login the operator’s credential pays; a key alone in authorization is no login', async () => {
    world.login.answer(json(ANSWER));
    const answer = await post('both', { authorization: `Bearer ${world.gate.key}` });
    assert.equal(answer.status, 200);
    assert.equal(world.login.seen.at(-1)!.headers.authorization, 'Bearer sk-operators-own-key');
    assert.notEqual((await entryOf(answer)).cost.total, '0');
  });

  test('the login is on no disk and in no log', () => {
    const files = readdirSync(world.gate.dataDir, { recursive: true, withFileTypes: true }).filter((one) =>
      one.isFile(),
    );
    assert.ok(files.length > 3);
    for (const one of files) {
      assert.ok(!readFileSync(join(one.parentPath, one.name)).includes('theLoginOfAPerson'), one.name);
    }
    assert.ok(!(world.gate.stdout() + world.gate.stderr()).includes('theLoginOfAPerson'));
  });
});
