import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { chromium, type Browser } from 'playwright-core';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { startUpstream, stream, type ScriptedUpstream } from '../clients-rules/scripted-upstream.ts';
import { openSocket, socketUrl } from './socket-client.ts';

const CHROMIUM = process.env['HEADGATE_CHROMIUM'] ?? '/usr/bin/chromium';
const noBrowser: string | false = existsSync(CHROMIUM) ? false : `skipped: ${CHROMIUM} is not there`;

const chunk = (content: string): string =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'up', choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n\n`;
const WORDS = Array.from({ length: 30 }, (_, i) => `wörd${i} `);

describe('the WebSocket of Chromium', { skip: noBrowser }, () => {
  const world = {} as { gate: GateProcess; up: ScriptedUpstream; browser: Browser; pages: Server; origin: string };
  before(async () => {
    world.pages = createServer(
      (_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<p>page'),
    );
    await new Promise<void>((resolve) => world.pages.listen(0, '127.0.0.1', resolve));
    world.origin = `http://127.0.0.1:${(world.pages.address() as AddressInfo).port}`;
    world.up = await startUpstream();
    world.gate = await startGate({
      config: `
providers: { chat: { kind: lab-chat, baseUrl: "${world.up.url}/v1" } }
models: { chat: { deployments: [{ provider: chat, model: up }] } }
cors: { origins: ["${world.origin}"] }
stream: { heartbeat: 300ms }
`,
    });
    world.browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: ['--headless', '--no-sandbox', '--disable-gpu'],
    });
  });
  after(async () => {
    await world.browser?.close();
    await world.gate?.stop();
    await world.up?.close();
    world.pages?.close();
  });

  /** What a page gets: its frames until `end` or the close. */
  async function inPage(origin: string, url: string, first: object): Promise<{ frames: any[]; opened: boolean }> {
    const page = await world.browser.newPage();
    await page.goto(origin);
    const got = await page.evaluate(
      ([address, frame]) =>
        new Promise<{ frames: any[]; opened: boolean }>((resolve) => {
          const socket = new WebSocket(address!);
          const [frames, state]: [any[], { opened: boolean }] = [[], { opened: false }];
          socket.onopen = () => {
            state.opened = true;
            socket.send(frame!);
          };
          socket.onmessage = ({ data }) => {
            frames.push(JSON.parse(data));
            if (frames.at(-1).type === 'end' || frames.at(-1).type === 'error') socket.close();
          };
          socket.onclose = () => resolve({ frames, opened: state.opened });
        }),
      [url, JSON.stringify(first)],
    );
    await page.close();
    return got;
  }

  test('a page reads a stream on by its ticket, once, and may do nothing else', async () => {
    world.up.answer(stream([...WORDS.flatMap((word) => [chunk(word), 100]), 'data: [DONE]\n\n']));
    const program = await openSocket(world.gate);
    program.send({
      type: 'start',
      stream: 'a',
      path: '/v1/chat/completions',
      body: { model: 'chat', messages: [{ role: 'user', content: 'hi' }] },
      headers: { 'x-headgate-resume': 'true' },
    });
    const { id, epoch } = await program.frame(({ type }) => type === 'started');
    await program.frame(({ seq }) => seq === 4);
    const ticketUrl = async (): Promise<string> => {
      const response = await fetch(`${world.gate.url}/v1/stream-tickets`, {
        method: 'POST',
        headers: { authorization: `Bearer ${world.gate.key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ stream: id }),
      });
      assert.ok(response.ok, String(response.status));
      const { ticket } = (await response.json()) as { ticket: string };
      return `${socketUrl(world.gate.url)}?ticket=${encodeURIComponent(ticket)}`;
    };
    const url = await ticketUrl();
    const resume = { type: 'resume', stream: 'b', id, after: `${epoch}.4` };
    const { frames } = await inPage(world.origin, url, resume);
    const text = frames
      .filter(({ type }) => type === 'delta')
      .map((frame) => frame.text)
      .join('');
    assert.equal(text, WORDS.slice(5).join(''));
    assert.equal(frames.at(-1).status, 'ok');
    assert.equal((await inPage(world.origin, url, resume)).opened, false, 'a ticket is used once');
    const other = {
      type: 'start',
      stream: 'c',
      path: '/v1/chat/completions',
      body: { model: 'chat', messages: [{ role: 'user', content: 'hi' }] },
    };
    assert.equal((await inPage(world.origin, await ticketUrl(), other)).frames[0].status, 403);
    program.leave();
  });

  test('a page of another origin opens no socket', async () => {
    const foreign = world.origin.replace('127.0.0.1', 'localhost');
    assert.equal((await inPage(foreign, socketUrl(world.gate.url), {})).opened, false);
  });
});
