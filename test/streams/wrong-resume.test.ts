import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { startUpstream, stream, type ScriptedUpstream } from '../clients-rules/scripted-upstream.ts';
import { makeKey } from '../hostile/world.ts';
import { callIdOf, endOf, lastIdOf, openWith, type Reading } from './stream-client.ts';

const world = {} as { gate: GateProcess; up: ScriptedUpstream; otherTenant: string; otherKey: string };

before(async () => {
  world.up = await startUpstream();
  world.gate = await startGate({
    config: `
providers: { chat: { kind: lab-chat, baseUrl: "${world.up.url}/v1" } }
models: { chat: { deployments: [{ provider: chat, model: up }] } }
stream: { resume: { keep: 60s, streamBytes: 64KB, tenantBytes: 96KB, totalBytes: 1MiB } }
`,
  });
  await world.gate.admin('POST', '/tenants', { id: 'other', name: 'Other' }).catch(() => null);
  world.otherTenant = await makeKey({ gate: world.gate } as never, 'other', {});
  world.otherKey = await makeKey({ gate: world.gate } as never, 'demo', {});
});
after(async () => {
  await world.gate?.stop();
  await world.up?.close();
});

const base = { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'up' };
const chunk = (content: string | null): string =>
  `data: ${JSON.stringify({ ...base, choices: [{ index: 0, delta: content === null ? {} : { content }, finish_reason: content === null ? 'stop' : null }] })}\n\n`;
const END = [chunk(null), 'data: [DONE]\n\n'];
/** Each of another length and other letters, so that the log has to keep it all. */
const kilobytes = (n: number): string[] => Array.from({ length: n }, (_, i) => chunk(`${i}`.padEnd(1_000, `abc${i}`)));

interface Said {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}
async function ask(method: string, path: string, headers: Record<string, string> = {}): Promise<Said> {
  const reading = await openWith(world.gate, { method, path, headers });
  await reading.ended;
  const { error } = JSON.parse(reading.text());
  return { status: reading.response.statusCode!, code: error.code, message: error.message };
}
async function call(parts: readonly (string | number)[]): Promise<Reading> {
  world.up.answer(stream(parts));
  const reading = await openWith(world.gate, {
    ...{ method: 'POST', path: '/v1/chat/completions', headers: { 'x-headgate-resume': 'true' } },
    body: { model: 'chat', stream: true, messages: [{ role: 'user', content: 'hi' }] },
  });
  return reading;
}
async function whole(parts: readonly string[]): Promise<string> {
  const reading = await call([...parts, ...END]);
  assert.equal(await reading.ended, 'clean');
  const id = callIdOf(reading);
  await world.gate.until(
    'the entry',
    async () => (await world.gate.admin('GET', `/calls/${id}`).catch(() => null)) !== null,
  );
  return id;
}

describe('a resume that cannot be', () => {
  test('ids of another tenant, of another key and of no stream get the same words', async () => {
    const id = await whole([chunk('secret')]);
    const none = await ask('GET', '/v1/streams/call_00000000000000000000000000');
    assert.equal(none.status, 404);
    for (const key of [world.otherTenant, world.otherKey])
      for (const [method, path] of [
        ['GET', `/v1/streams/${id}`],
        ['GET', `/v1/streams/${id}?snapshot=true`],
        ['POST', `/v1/streams/${id}/cancel`],
      ] as const)
        assert.deepEqual(await ask(method, path, { authorization: `Bearer ${key}` }), none, `${method} ${path}`);
  });

  test('a position past the end names how far the stream is', async () => {
    const id = await whole([chunk('a'), chunk('b')]);
    const reading = await openWith(world.gate, { method: 'GET', path: `/v1/streams/${id}` });
    await reading.ended;
    const [epoch, last] = lastIdOf(reading.text()).split('.');
    const past = await ask('GET', `/v1/streams/${id}`, { 'last-event-id': `${epoch}.${Number(last) + 2}` });
    assert.equal(past.status, 400);
    assert.match(past.message, /has 4 events/);
    const odd = await ask('GET', `/v1/streams/${id}?starting_after=-1`);
    assert.equal(odd.status, 400);
    const foreign = await ask('GET', `/v1/streams/${id}`, { 'last-event-id': '0000000000.1' });
    assert.deepEqual([foreign.status, foreign.code], [410, 'stream_gone']);
  });

  test('a log that went for want of room is a 410 that names the entry; the newest are kept', async () => {
    const ids = [];
    for (let i = 0; i < 4; i++) ids.push(await whole(kilobytes(28)));
    const gone = await ask('GET', `/v1/streams/${ids[0]}`);
    assert.deepEqual([gone.status, gone.code], [410, 'stream_gone']);
    assert.match(gone.message, new RegExp(`ended as \`ok\`; the entry ${ids[0]} has its usage and cost`));
    const newest = await openWith(world.gate, { method: 'GET', path: `/v1/streams/${ids[3]}` });
    await newest.ended;
    assert.equal(endOf(newest.text()).status, 'ok');
  });

  test('a log that grew too large: its reader has it all, a later one a 410 that says what remains', async () => {
    const live = await call([...kilobytes(90), 1_500, ...END]);
    await world.gate.until('the last of it', () => live.text().includes('"89abc89'));
    const path = `/v1/streams/${callIdOf(live)}`;
    const late = await ask('GET', path);
    assert.equal(late.status, 410);
    assert.match(late.message, /can still be cancelled/);
    assert.equal((await ask('GET', `${path}?snapshot=true`)).status, 410);
    assert.equal(await live.ended, 'clean');
    assert.equal(endOf(live.text()).events, 92);
    const after = await ask('GET', path);
    assert.match(after.message, /grew too large to keep.*ended as `ok`/);
  });

  test('a cancel of a finished stream says how it ended, and changes nothing', async () => {
    const id = await whole([chunk('a')]);
    for (let i = 0; i < 2; i++) {
      const reading = await openWith(world.gate, { method: 'POST', path: `/v1/streams/${id}/cancel` });
      await reading.ended;
      assert.equal(reading.response.statusCode, 200);
      assert.deepEqual(JSON.parse(reading.text()), { id, status: 'ok', events: 3 });
    }
    assert.equal((await world.gate.admin('GET', `/calls/${id}`)).status, 'ok');
  });
});
