import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { connect as connectH2, type ClientHttp2Session } from 'node:http2';
import { connect } from 'node:net';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { json, startUpstream, stream, type ScriptedUpstream } from '../clients-rules/scripted-upstream.ts';

const world = {} as { gate: GateProcess; up: ScriptedUpstream };

before(async () => {
  world.up = await startUpstream();
  world.gate = await startGate({
    config: `
providers: { chat: { kind: lab-chat, baseUrl: "${world.up.url}/v1" } }
models: { chat: { deployments: [{ provider: chat, model: up }] } }
drain: { limit: 5s }
`,
  });
});
after(async () => {
  await world.gate?.stop();
  await world.up?.close();
});

const ANSWER =
  '{"id":"c1","object":"chat.completion","created":1,"model":"up","choices":[{"index":0,"message":{"role":"assistant","content":"ok"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}';
const chunk = (content: string): string =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'up', choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n\n`;

function ask(session: ClientHttp2Session, path: string, body?: object): Promise<{ status: number; text: string }> {
  const request = session.request({
    ':method': body ? 'POST' : 'GET',
    ':path': path,
    authorization: `Bearer ${world.gate.key}`,
    'content-type': 'application/json',
  });
  request.end(body && JSON.stringify(body));
  return new Promise((resolve, reject) => {
    let status = 0;
    let text = '';
    request.on('response', (headers) => (status = Number(headers[':status'])));
    request.on('data', (data) => (text += data));
    request.on('end', () => resolve({ status, text }));
    request.on('error', reject);
  });
}
const chat = (more: object = {}) => ({ model: 'chat', messages: [{ role: 'user', content: 'hi' }], ...more });

const CLIENT = `
  const stream = require('node:http2').connect(url).request({ ':method': 'POST', ':path': '/v1/chat/completions',
    authorization: 'Bearer ' + key, 'content-type': 'application/json' });
  stream.on('data', () => console.log('one'));
  stream.end(body);`;

/** What a connection gets that sends these bytes, each piece in a packet of its own. */
async function raw(pieces: readonly string[]): Promise<string> {
  const { hostname, port } = new URL(world.gate.url);
  const socket = connect({ port: Number(port), host: hostname, noDelay: true });
  socket.on('error', () => {});
  let text = '';
  socket.on('data', (data) => (text += data.toString('latin1')));
  for (const piece of pieces) {
    socket.write(piece);
    await sleep(20);
  }
  await Promise.race([once(socket, 'close'), sleep(1_000)]);
  socket.destroy();
  return text;
}

describe('one port without TLS', () => {
  test('a client of HTTP/2 whose process dies has left, with no reset and no goodbye: the provider is told', async () => {
    world.up.answer(stream([chunk('one'), 8_000, chunk('two')]));
    const child = spawn(process.execPath, [
      ...['-e', 'const [url, key, body] = process.argv.slice(1);' + CLIENT],
      ...[world.gate.url, world.gate.key, JSON.stringify(chat({ stream: true }))],
    ]);
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    const seen = world.up.seen.at(-1)!;
    await world.gate.until('the provider is told', () => seen.closedAtMs !== null);
    await world.gate.until('the entry', async () => {
      const [newest] = (await world.gate.admin('GET', '/calls?limit=1')).calls;
      return newest?.errorCode === 'client_closed';
    });
    assert.ok(!seen.response.writableEnded, 'it was told, and had not ended by itself');
  });

  test('a flood of pings whose answers nobody reads ends its session, and nobody else notices', async (t) => {
    const { hostname, port } = new URL(world.gate.url);
    const socket = connect({ port: Number(port), host: hostname });
    socket.on('error', () => undefined);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.pause();
    const frame = (type: number, payload: number): Buffer => Buffer.from([0, 0, payload, type, 0, 0, 0, 0, 0]);
    const [SETTINGS, PING] = [4, 6];
    socket.write(Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(SETTINGS, 0)]));
    const ping = Buffer.concat([frame(PING, 8), Buffer.alloc(8)]);
    const pings = Buffer.concat(Array.from({ length: 10_000 }, () => ping));
    const rss = (): number =>
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${world.gate.child.pid}/status`, 'utf8'))![1]);
    socket.write(pings.subarray(0, 20 * ping.length));
    await sleep(200);
    assert.ok(!socket.destroyed, 'a few are nothing');
    const before = rss();
    let sent = 0;
    // A paused socket sees its end by a write that fails.
    while (!socket.destroyed && sent < 20_000_000) {
      sent += 10_000;
      if (!socket.write(pings))
        await Promise.race([new Promise((go) => socket.once('drain', go)), closed, sleep(5_000)]);
    }
    const grown = (rss() - before) / 1024;
    t.diagnostic(`ended after at most ${sent} pings; the gate grew by ${grown.toFixed(0)} MB`);
    assert.ok(socket.destroyed, 'the session was ended');
    assert.ok(grown < 64, `${grown} MB`);
    const session = connectH2(world.gate.url);
    world.up.answer(json(ANSWER));
    assert.equal((await ask(session, '/v1/chat/completions', chat())).status, 200);
    session.close();
  });

  test('serves the same paths over HTTP/2 with prior knowledge: answers, streams, refusals, health', async () => {
    const session = connectH2(world.gate.url);
    world.up.answer(json(ANSWER));
    const whole = await ask(session, '/v1/chat/completions', chat());
    assert.equal(whole.status, 200);
    assert.equal(whole.text, ANSWER);
    world.up.answer(stream([chunk('one'), 20, chunk('two'), 'data: [DONE]\n\n']));
    const streamed = await ask(session, '/v1/chat/completions', chat({ stream: true }));
    assert.equal(streamed.status, 200);
    assert.match(streamed.text, /one[^]*two[^]*\[DONE\]/);
    assert.equal((await ask(session, '/v1/nothing')).status, 404);
    assert.equal((await ask(session, '/health/live')).status, 200);
    session.close();
  });

  test('HTTP/1 whose first bytes come one by one, and what begins like the preface and is not', async () => {
    const head = `ET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`;
    assert.match(await raw(['G', head]), /^HTTP\/1\.1 200/);
    assert.match(
      await raw(['P', 'O', `ST /nothing HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`]),
      /^HTTP\/1\.1 404/,
    );
    assert.doesNotMatch(await raw(['PRI', ' * HTTP/2.0\r\n\r\nXX\r\n\r\n']), /HTTP\/1\.1 200/);
  });

  test('a client that leaves over HTTP/2 stops the provider', async (t) => {
    world.up.answer(stream([chunk('one'), 5_000, 'data: [DONE]\n\n']));
    const session = connectH2(world.gate.url);
    const request = session.request({
      ':method': 'POST',
      ':path': '/v1/chat/completions',
      authorization: `Bearer ${world.gate.key}`,
      'content-type': 'application/json',
    });
    request.end(JSON.stringify(chat({ stream: true })));
    await once(request, 'data');
    const seen = world.up.seen.at(-1)!;
    const at = performance.now();
    request.close(8);
    await world.gate.until('the provider is told', () => seen.closedAtMs !== null);
    t.diagnostic(`provider told after ${(seen.closedAtMs! - at).toFixed(1)} ms`);
    assert.ok(seen.closedAtMs! - at < 500);
    session.close();
  });

  test('a stop says GOAWAY, lets streams end, and does not wait for silent connections', async () => {
    const { hostname, port } = new URL(world.gate.url);
    const silent = connect(Number(port), hostname);
    silent.on('error', () => {});
    await once(silent, 'connect');
    world.up.answer(stream([chunk('one'), 600, chunk('two'), 'data: [DONE]\n\n']));
    const session = connectH2(world.gate.url);
    const away = once(session, 'goaway');
    const answer = ask(session, '/v1/chat/completions', chat({ stream: true }));
    await world.gate.until('the provider is asked', () => world.up.seen.at(-1)?.closedAtMs === null);
    await sleep(100);
    const stopped = world.gate.stop();
    await away;
    assert.match((await answer).text, /one[^]*two[^]*\[DONE\]/);
    await stopped;
  });
});
