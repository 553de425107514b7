import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { startUpstream, stream, type ScriptedUpstream, type StreamPart } from '../clients-rules/scripted-upstream.ts';
import { makeKey } from '../hostile/world.ts';
import { openSocket, said, SHAPES, shapeOf, textOf, type SocketClient } from './socket-client.ts';

const world = {} as { gate: GateProcess; up: ScriptedUpstream; other: string };

before(async () => {
  world.up = await startUpstream();
  world.gate = await startGate({
    config: `
providers:
  chat: { kind: lab-chat, baseUrl: "${world.up.url}/v1" }
  messages: { kind: lab-messages, baseUrl: "${world.up.url}/v1" }
models:
  chat: { deployments: [{ provider: chat, model: up }] }
  crossed: { deployments: [{ provider: messages, model: up }] }
prices: [{ provider: "*", model: "*", perMillion: { input: "1000", output: "2000" } }]
stream:
  heartbeat: 300ms
  resume: { grace: 600ms, keep: 2s }
  webSocket: { frameBytes: 64KB, framesPerSecond: 100, streamsPerSocket: 4, socketsPerKey: 12 }
  slowReader: { bytes: 64KB, age: 2s }
retry: { attempts: 1 }
`,
  });
  world.other = await makeKey({ gate: world.gate } as never, 'demo', {});
});
after(async () => {
  await world.gate?.stop();
  await world.up?.close();
});

const chunk = (content: string | null, finish: string | null = null): string =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'up', choices: [{ index: 0, delta: content === null ? {} : { content }, finish_reason: finish }] })}\n\n`;
const USAGE = `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'up', choices: [], usage: { prompt_tokens: 10, completion_tokens: 20, total_tokens: 30 } })}\n\n`;
const WORDS = Array.from({ length: 20 }, (_, i) => `wörd${i} `);
const TEXT = WORDS.join('');
const whole = (pauseMs: number): StreamPart[] => [
  ...WORDS.flatMap((word) => (pauseMs > 0 ? [chunk(word), pauseMs] : [chunk(word)])),
  chunk(null, 'stop'),
  USAGE,
  'data: [DONE]\n\n',
];
const BODY = { model: 'chat', messages: [{ role: 'user', content: 'hi' }] };
const start = (name: string, more: object = {}): object => ({
  ...{ type: 'start', stream: name, path: '/v1/chat/completions', body: BODY },
  ...more,
});
const RESUME = { headers: { 'x-headgate-resume': 'true' } };

const open = (more: object = {}): Promise<SocketClient> =>
  openSocket({ url: world.gate.url, key: world.gate.key, ...more });
const terminal = (name: string) => (frame: any) =>
  frame.stream === name &&
  (frame.type === 'end' || (frame.type === 'error' && frame.seq === undefined) || frame.type === 'lagging');
const sha = (text: string): string => createHash('sha256').update(text).digest('hex');

async function entryOf(id: string): Promise<any> {
  let entry: any = null;
  await world.gate.until('the entry', async () => {
    entry = await world.gate.admin('GET', `/calls/${id}`).catch(() => null);
    return entry !== null;
  });
  return entry;
}

async function sse(
  path: string,
  headers: Record<string, string> = {},
  body?: object,
): Promise<{ id: string; text: string; status: number }> {
  const response = await fetch(world.gate.url + path, {
    method: body ? 'POST' : 'GET',
    headers: { authorization: `Bearer ${world.gate.key}`, 'content-type': 'application/json', ...headers },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text().catch(() => '');
  return { id: response.headers.get('x-headgate-call-id') ?? '', text, status: response.status };
}

describe('calls on /v1/stream', () => {
  test('a started call is frames of one form, numbered, with an end that proves the text', async () => {
    world.up.answer(stream(whole(1)));
    const client = await open();
    client.send({ type: 'ping', nonce: '7' });
    client.send(start('a'));
    const end = await client.frame(terminal('a'));
    const started = client.frames.find(({ type }) => type === 'started');
    assert.equal(started.model, 'chat');
    assert.equal(started.resumable, false);
    assert.equal(textOf(client.frames, 'a'), TEXT);
    assert.deepEqual([end.status, end.finish, end.textSha256], ['ok', 'stop', sha(TEXT)]);
    assert.equal(end.usage.outputTokens, 20);
    assert.equal(end.lastSeq, 22);
    const seqs = client.frames.filter(({ seq }) => seq !== undefined).map(({ seq }) => seq);
    assert.deepEqual(
      seqs,
      [...new Set(seqs)].sort((x, y) => x - y),
    );
    assert.ok(said(client.frames, 'a').some(({ type, model }) => type === 'message' && model === 'up'));
    const entry = await entryOf(started.id);
    assert.deepEqual([entry.protocol, entry.status, entry.usage.outputTokens], ['ws', 'ok', 20]);
    client.leave();
  });

  test('the native form has names and data of the events as they came', async () => {
    world.up.answer(stream(whole(0)));
    const client = await open();
    client.send(
      start('n', { form: 'native', body: { ...BODY, stream: true, stream_options: { include_usage: true } } }),
    );
    await client.frame(terminal('n'));
    const datas = client.frames.filter(({ type }) => type === 'event').map(({ data }) => `data: ${data}\n\n`);
    const sent = whole(0).filter((part) => typeof part === 'string') as string[];
    assert.deepEqual(
      datas.filter((data) => !data.includes('usage')),
      sent.filter((data) => !data.includes('usage')),
    );
    client.leave();
  });

  test('several streams share a socket, over other APIs and translations', async () => {
    const client = await open();
    world.up.answer(stream(whole(5)));
    client.send(start('one'));
    client.send(start('two', { path: '/v1/messages', body: { ...BODY, max_tokens: 100 } }));
    client.send(
      start('three', {
        path: '/v1beta/models/chat:streamGenerateContent',
        body: { contents: [{ role: 'user', parts: [{ text: 'hi' }] }] },
      }),
    );
    client.send(start('four', { path: '/v1/responses', body: { model: 'chat', input: 'hi' } }));
    for (const name of ['one', 'two', 'three', 'four']) {
      const end = await client.frame(terminal(name));
      assert.equal(end.status, 'ok', JSON.stringify(end));
      assert.equal(textOf(client.frames, name), TEXT, name);
      assert.equal(end.textSha256, sha(TEXT));
    }
    client.send(
      start('bedrock', {
        path: '/model/chat/converse-stream',
        body: { messages: [{ role: 'user', content: [{ text: 'hi' }] }] },
      }),
    );
    assert.equal((await client.frame(terminal('bedrock'))).status, 'ok');
    assert.equal(textOf(client.frames, 'bedrock'), TEXT);
    client.leave();
  });

  test('tool calls begin with their name and go on in pieces', async () => {
    const tool = (call: object, finish: string | null = null): string =>
      `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'up', choices: [{ index: 0, delta: { tool_calls: [{ index: 0, ...call }] }, finish_reason: finish }] })}\n\n`;
    world.up.answer(
      stream([
        tool({ id: 't1', type: 'function', function: { name: 'find', arguments: '' } }),
        tool({ function: { arguments: '{"q":' } }),
        tool({ function: { arguments: '"x"}' } }),
        chunk(null, 'tool_calls'),
        'data: [DONE]\n\n',
      ]),
    );
    const client = await open();
    client.send(start('t', RESUME));
    const end = await client.frame(terminal('t'));
    const calls = said(client.frames, 't').filter(({ type }) => type === 'tool_call');
    assert.deepEqual([calls[0].id, calls[0].name], ['t1', 'find']);
    assert.equal(calls.map((call) => call.arguments ?? '').join(''), '{"q":"x"}');
    assert.equal(end.finish, 'tool_calls');
    client.send({ type: 'resume', stream: 'again', id: end.id, snapshot: true });
    const snapshot = await client.frame(({ type }) => type === 'snapshot');
    assert.deepEqual(snapshot.said.choices[0].tools, [
      { id: 't1', name: 'find', arguments: '{"q":"x"}', custom: false },
    ]);
    client.leave();
  });

  test('a refusal is an error frame with status and the body of the path’s family', async () => {
    const client = await open();
    client.send(start('r', { body: { ...BODY, model: 'none' } }));
    const openai = await client.frame(terminal('r'));
    assert.deepEqual([openai.type, openai.status, openai.body.error.code], ['error', 404, 'model_not_found']);
    client.send(start('m', { path: '/v1/messages', body: { model: 'none', max_tokens: 1, messages: [] } }));
    const anthropic = await client.frame(terminal('m'));
    assert.equal(anthropic.body.type, 'error');
    world.up.answer(
      (response) =>
        void response
          .writeHead(429, { 'content-type': 'application/json', 'retry-after': '7' })
          .end('{"error":{"message":"slow down"}}'),
    );
    client.send(start('l'));
    const limited = await client.frame(terminal('l'));
    assert.deepEqual([limited.status, limited.retryAfterMs, limited.body.error.message], [429, 7_000, 'slow down']);
    assert.match(limited.id, /^call_/);
    client.leave();
  });

  test('a stream that breaks upstream says so and ends as truncated', async () => {
    world.up.answer(stream([chunk('one '), 50, 'cut']));
    const client = await open();
    client.send(start('b'));
    const end = await client.frame(terminal('b'));
    assert.equal(end.status, 'truncated');
    assert.ok(
      said(client.frames, 'b').some(
        ({ type, body }) => type === 'error' && JSON.stringify(body).includes('stream_truncated'),
      ),
    );
    client.leave();
  });
});

describe('resume, cancel and leaving', () => {
  test('a socket that breaks goes on behind its last frame on another: no token twice, none missing', async () => {
    world.up.answer(stream(whole(20)));
    const first = await open();
    first.send(start('a', RESUME));
    await first.frame(({ text }) => text === WORDS[5]);
    first.leave();
    await first.closed;
    const started = first.frames.find(({ type }) => type === 'started');
    const last = first.frames.filter(({ seq }) => seq !== undefined).at(-1);
    const second = await open();
    second.send({ type: 'resume', stream: 'b', id: started.id, after: `${started.epoch}.${last.seq}` });
    const end = await second.frame(terminal('b'));
    assert.equal(textOf(first.frames, 'a') + textOf(second.frames, 'b'), TEXT);
    assert.deepEqual([end.status, end.textSha256], ['ok', sha(TEXT)]);
    const entry = await entryOf(started.id);
    assert.deepEqual([entry.status, entry.resumes, entry.protocol], ['ok', 1, 'ws']);
    second.leave();
  });

  test('a stream made over SSE is read on over WebSocket, and the reverse, exactly', async () => {
    world.up.answer(stream(whole(1)));
    const made = await sse('/v1/chat/completions', { 'x-headgate-resume': 'true' }, { ...BODY, stream: true });
    const ids = [...made.text.matchAll(/^id: (.+)$/gm)].map((match) => match[1]!);
    const client = await open();
    client.send({ type: 'resume', stream: 's', id: made.id, after: ids[6] });
    await client.frame(terminal('s'));
    assert.equal(textOf(client.frames, 's'), WORDS.slice(7).join(''));
    client.send({ type: 'resume', stream: 'n', id: made.id, form: 'native' });
    await client.frame(terminal('n'));
    const native = said(client.frames, 'n')
      .filter(({ type }) => type === 'event')
      .map(({ data }) => data);
    assert.deepEqual(
      native,
      [...made.text.matchAll(/^data: (.+)$/gm)].map((match) => match[1]),
    );
    client.send(start('w', RESUME));
    const end = await client.frame(terminal('w'));
    const { epoch } = client.frames.find(({ type, stream: name }) => type === 'started' && name === 'w');
    const again = await sse(`/v1/streams/${end.id}?starting_after=${epoch}.9`);
    const words = [...again.text.matchAll(/"content":"([^"]*)"/g)].map((match) => match[1]).join('');
    assert.equal(words, WORDS.slice(10).join(''));
    client.leave();
  });

  test('a snapshot has what was said, and the suffix follows', async () => {
    world.up.answer(stream(whole(20)));
    const first = await open();
    first.send(start('a', RESUME));
    const { id } = await first.frame(({ type }) => type === 'started');
    await first.frame(({ text }) => text === WORDS[3]);
    const second = await open();
    second.send({ type: 'resume', stream: 'b', id, snapshot: true });
    await second.frame(terminal('b'));
    const snapshot = second.frames.find(({ type }) => type === 'snapshot');
    assert.ok(snapshot.said.choices[0].text.startsWith(WORDS.slice(0, 4).join('')));
    assert.equal(snapshot.said.choices[0].text + textOf(second.frames, 'b'), TEXT);
    first.leave();
    second.leave();
  });

  test('without the wish to resume a closed socket stops the provider at once', async () => {
    world.up.answer(stream([chunk('one '), 10_000]));
    const client = await open();
    client.send(start('a'));
    const { id } = await client.frame(({ type }) => type === 'started');
    await client.frame(({ type }) => type === 'delta' || type === 'batch');
    const left = performance.now();
    client.leave();
    const entry = await entryOf(id);
    assert.deepEqual([entry.status, entry.errorCode], ['cancelled', 'client_closed']);
    assert.ok(world.up.seen.at(-1)!.closedAtMs! - left < 500);
  });

  test('with it, nobody comes back within the grace: abandoned', async () => {
    world.up.answer(stream([chunk('one '), 10_000]));
    const client = await open();
    client.send(start('a', RESUME));
    const { id } = await client.frame(({ type }) => type === 'started');
    await client.frame(({ type }) => type === 'delta' || type === 'batch');
    client.leave();
    assert.equal((await entryOf(id)).errorCode, 'abandoned');
  });

  test('a cancel right behind its resume is not lost while the stream is looked for', async () => {
    world.up.answer(stream(whole(100)));
    const client = await open();
    client.send(start('a', RESUME));
    const { id } = await client.frame((frame) => frame.type === 'started');
    const second = await open();
    const { _socket: wire } = second.socket as unknown as { _socket: Socket };
    wire.cork();
    second.send({ type: 'resume', stream: 'b', id });
    second.send({ type: 'cancel', stream: 'b' });
    wire.uncork();
    assert.equal((await second.frame(terminal('b'))).status, 'cancelled');
    assert.equal((await entryOf(id)).errorCode, 'client_cancelled');
    second.leave();
    client.leave();
  });

  test('cancel works before the first event, in the middle and after a resume; of what has ended it says so', async () => {
    const client = await open();
    world.up.answer(stream([5_000, chunk('late ')]));
    client.send(start('early'));
    await sleep(100);
    client.send({ type: 'cancel', stream: 'early' });
    const early = await client.frame(terminal('early'));
    assert.equal(early.status, 'cancelled');
    assert.equal((await entryOf(early.id)).errorCode, 'client_cancelled');
    world.up.answer(stream([chunk('one '), 10_000]));
    client.send(start('a', RESUME));
    const { id } = await client.frame(({ type, stream: name }) => type === 'started' && name === 'a');
    await client.frame(({ type, stream: name }) => type === 'ping' && name === 'a');
    const second = await open();
    second.send({ type: 'resume', stream: 'b', id });
    await second.frame(({ type }) => type === 'delta' || type === 'batch');
    const asked = performance.now();
    second.send({ type: 'cancel', stream: 'b' });
    assert.equal((await second.frame(terminal('b'))).status, 'cancelled');
    assert.equal((await client.frame(terminal('a'))).status, 'cancelled');
    assert.ok(world.up.seen.at(-1)!.closedAtMs! - asked < 500);
    assert.equal((await entryOf(id)).errorCode, 'client_cancelled');
    second.send({ type: 'cancel', stream: 'b' });
    assert.equal((await second.frame(({ type, status }) => type === 'error' && status === 404)).stream, 'b');
    client.leave();
    second.leave();
  });

  test('only the key that made a stream reads it; past its end, of another log and an expired one are told apart', async () => {
    world.up.answer(stream(whole(0)));
    const client = await open();
    client.send(start('a', RESUME));
    const { id } = await client.frame(terminal('a'));
    const { epoch } = client.frames.find(({ type }) => type === 'started');
    const stranger = await open({ key: world.other });
    stranger.send({ type: 'resume', stream: 'x', id });
    stranger.send({ type: 'resume', stream: 'y', id: 'call_00000000000000000000000000' });
    const [hers, none] = [await stranger.frame(terminal('x')), await stranger.frame(terminal('y'))];
    assert.deepEqual([hers.status, hers.body], [404, none.body]);
    const asked = async (name: string, more: object): Promise<any> => {
      client.send({ type: 'resume', stream: name, id, ...more });
      return client.frame(terminal(name));
    };
    assert.equal((await asked('past', { after: `${epoch}.999` })).status, 400);
    assert.equal((await asked('epoch', { after: '0000000000.1' })).status, 410);
    await sleep(7_500);
    const gone = await asked('gone', {});
    assert.equal(gone.status, 410);
    assert.match(gone.body.error.message, new RegExp(`the entry ${id} has its usage`));
    client.leave();
    stranger.leave();
  });
});

test('the reference shows server frames with the members that came', () => {
  const text = readFileSync(join(import.meta.dirname, '../../docs/reference/stream-protocol.md'), 'utf8');
  const shown = [...text.matchAll(/```json server\n(.+)\n```/g)].map(
    (match) => JSON.parse(match[1]!) as { type: string },
  );
  // These come in the tests of faults alone, and the third where a gate dies (redrive.test.ts).
  const here = shown.filter(({ type }) => !['lagging', 'draining', 'redriven'].includes(type));
  for (const frame of here) assert.ok(SHAPES.has(shapeOf(frame)), `${shapeOf(frame)}; came: ${[...SHAPES].join('; ')}`);
});
