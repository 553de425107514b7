import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { after, afterEach, before, describe, test } from 'node:test';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { startUpstream, type ScriptedUpstream } from '../clients-rules/scripted-upstream.ts';
import { layCable } from './cable.ts';
import { endOf, eventsOf, lastIdOf, openWith } from './stream-client.ts';

const AGE_MS = 2_000;
const GRACE_MS = 3_000;
/** Looks at the kernel's table are a sixth of the age apart, and one more is needed to begin; the rest is for a busy machine. */
const LATEST_MS = AGE_MS * 1.5 + 5_000;
const cable = layCable();

const event = (content: string, finish: string | null = null): string =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'up', choices: [{ index: 0, delta: { content }, finish_reason: finish }] })}\n\n`;
const BODY = { model: 'chat', stream: true, messages: [{ role: 'user', content: 'hi' }] };

/** Reads until its cable is cut, and says what it got. */
const CLIENTS = {
  http1: `
    const [url, key, body, resume] = process.argv.slice(1);
    const headers = { authorization: 'Bearer ' + key, 'content-type': 'application/json', 'x-headgate-resume': resume };
    require('node:http').request(url + '/v1/chat/completions', { method: 'POST', headers }, (answer) =>
      answer.on('data', (bytes) => process.stdout.write(bytes))).on('error', () => {}).end(body);`,
  http2: `
    const [url, key, body, resume] = process.argv.slice(1);
    const stream = require('node:http2').connect(url).request({ ':method': 'POST', ':path': '/v1/chat/completions',
      authorization: 'Bearer ' + key, 'content-type': 'application/json', 'x-headgate-resume': resume });
    stream.on('data', (bytes) => process.stdout.write(bytes));
    stream.on('error', () => {}).end(body);`,
};

describe('a client that vanishes in mid-stream without a word', { skip: cable.skip }, () => {
  const world = {} as { gate: GateProcess; up: ScriptedUpstream };
  let child: ChildProcess | null = null;

  before(async () => {
    assert.ok(cable.lay());
    world.up = await startUpstream();
    world.gate = await startGate({
      host: cable.here,
      config: `
providers: { chat: { kind: lab-chat, baseUrl: "${world.up.url}/v1" } }
models: { chat: { deployments: [{ provider: chat, model: up }] } }
stream: { heartbeat: 500ms, slowReader: { age: ${AGE_MS}ms }, resume: { grace: ${GRACE_MS}ms } }
retry: { attempts: 1 }
`,
    });
  });
  afterEach(() => child?.kill('SIGKILL'));
  after(async () => {
    await world.gate?.stop();
    await world.up?.close();
    cable.remove();
  });

  /** An event each tenth of a second for as long as somebody pays, or so many. */
  const talks = (most = Infinity): void =>
    world.up.answer(async (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (let i = 0; i < most && !response.destroyed; i++) {
        response.write(event(`${i} `));
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      response.end(event('', 'stop') + 'data: [DONE]\n\n');
    });

  /** Cuts the cable of a client that reads; resolves to what the client had by then. */
  async function vanishing(kind: keyof typeof CLIENTS, resume: boolean): Promise<{ text: string; cutAtMs: number }> {
    cable.remove();
    assert.ok(cable.lay());
    let text = '';
    child = cable.run(CLIENTS[kind], world.gate.url, world.gate.key, JSON.stringify(BODY), String(resume));
    child.stdout!.on('data', (bytes: Buffer) => (text += bytes));
    await world.gate.until('it reads', () => text.includes('"5 "'));
    cable.cut();
    return { text, cutAtMs: performance.now() };
  }
  const newest = async (): Promise<any> => (await world.gate.admin('GET', '/calls?limit=1')).calls[0];

  for (const kind of ['http1', 'http2'] as const)
    test(`${kind}: the provider is told when the kernel has heard nothing for the age, and the entry says why`, async (t) => {
      talks();
      const { cutAtMs } = await vanishing(kind, false);
      const seen = world.up.seen.at(-1)!;
      await world.gate.until('the provider is told', () => seen.closedAtMs !== null);
      const tookMs = seen.closedAtMs! - cutAtMs;
      t.diagnostic(`told after ${Math.round(tookMs)} ms, the age being ${AGE_MS}`);
      assert.ok(tookMs > AGE_MS / 2 && tookMs < LATEST_MS, `${tookMs} ms`);
      await world.gate.until('the entry', async () => (await newest())?.status === 'cancelled');
      assert.equal((await newest()).errorCode, 'client_closed');
      assert.match(world.gate.stderr(), /"why":"silent"/);
    });

  test('a stream that can be resumed waits for somebody else, who gets the exact rest', async () => {
    talks(60);
    const { text } = await vanishing('http1', true);
    const whole = text.slice(0, text.lastIndexOf('\n\n') + 2);
    let live: any = null;
    await world.gate.until('nobody reads', async () => {
      [live] = (await world.gate.admin('GET', '/streams')).streams;
      return live?.readers === 0;
    });
    const rest = await openWith(world.gate, {
      ...{ method: 'GET', path: `/v1/streams/${live.id}`, headers: { 'last-event-id': lastIdOf(whole) } },
    });
    assert.equal(await rest.ended, 'clean');
    const all = Array.from({ length: 60 }, (_, i) => event(`${i} `)).join('');
    assert.equal(eventsOf(whole) + eventsOf(rest.text()), `${all}${event('', 'stop')}data: [DONE]\n\n`);
    assert.equal(endOf(rest.text()).status, 'ok');
    assert.equal(world.up.seen.at(-1)!.closedAtMs, null, 'the provider was read to its end');
  });

  test('nobody comes back: the stream is abandoned when the grace is over', async () => {
    talks();
    const { cutAtMs } = await vanishing('http1', true);
    const seen = world.up.seen.at(-1)!;
    await world.gate.until('the provider is told', () => seen.closedAtMs !== null);
    const tookMs = seen.closedAtMs! - cutAtMs;
    assert.ok(tookMs > GRACE_MS && tookMs < GRACE_MS + LATEST_MS, `${tookMs} ms`);
    await world.gate.until('the entry', async () => (await newest())?.errorCode === 'abandoned');
  });
});
