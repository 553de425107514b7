import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page as BrowserPage } from 'playwright-core';
import { startFaultProxy } from '#lab/fault-proxy/fault-proxy.ts';
import { createClient } from '../../src/client/index.ts';
import { launch, noBrowser } from '../console/browser.ts';
import { makeKey } from '../hostile/world.ts';
import { startPage, ticketOf, type Page } from './page.ts';
import { answerOf, CALL, clientWorld, TEXT, type ClientWorld } from './world.ts';

const world = {} as { page: Page; of: ClientWorld; browser: Browser };

/** A blank page of the application's origin, or of another. */
async function opened(origin = world.page.origin): Promise<BrowserPage> {
  const tab = await world.browser.newPage();
  await tab.goto(`${origin}/`);
  return tab;
}

/** A call of the application's own server, left to whoever reads it. */
async function begun(pauseMs: number): Promise<string> {
  world.of.up.answer(answerOf(pauseMs));
  const { gate } = world.of;
  const stream = createClient({ baseURL: gate.url, apiKey: gate.key }).stream(CALL);
  for await (const _ of stream) break;
  return stream.id!;
}

describe('pages of another origin', { skip: noBrowser }, () => {
  before(async () => {
    world.page = await startPage();
    world.of = await clientWorld(`cors: { origins: ["${world.page.origin}"] }`);
    world.page.serve(world.of.gate);
    world.browser = await launch();
  });
  after(async () => {
    await world.browser?.close();
    await world.of?.stop();
    await world.page?.close();
  });

  for (const transport of ['sse', 'ws']) {
    test(`the library reads a stream by tickets over connections that break (${transport})`, async () => {
      const { gate } = world.of;
      const id = await begun(30);
      const plan = [{ toClient: { cutAfterBytes: 3_000 } }, { toClient: { cutAfterBytes: 2_500 } }, {}];
      const proxy = await startFaultProxy({ target: gate.url, plan });
      const tab = await opened();
      const read = await tab.evaluate(
        async ({ baseURL, id, transport }) => {
          const module = '/client.js';
          const { createClient, ws } = await import(module);
          const getTicket = async (of: string): Promise<string> => (await fetch(`/ticket?id=${of}`)).text();
          const more = transport === 'ws' ? { transport: ws() } : {};
          const stream = createClient({ baseURL, getTicket, patience: { waitMs: 20 }, ...more }).read({ id });
          let text = '';
          const seqs = [];
          for await (const { seq, data } of stream) {
            seqs.push(seq);
            if (data !== '[DONE]') text += JSON.parse(data).choices[0]?.delta.content ?? '';
          }
          return { text, seqs, connections: stream.connections, status: stream.end.status };
        },
        { baseURL: proxy.url, id, transport },
      );
      await tab.close();
      await proxy.close();
      assert.equal(read.text, TEXT);
      assert.deepEqual(read.seqs, [...read.seqs.keys()]);
      assert.equal(read.status, 'ok');
      assert.equal(read.connections, 3);
    });
  }

  test('a page calls with a key, reads the call’s id, and resumes', async () => {
    world.of.up.answer(answerOf(0));
    const tab = await opened();
    const { url: baseURL, key: apiKey } = world.of.gate;
    const read = await tab.evaluate(
      async ({ baseURL, apiKey, call }) => {
        const module = '/client.js';
        const { createClient } = await import(module);
        const stream = createClient({ baseURL, apiKey }).stream({ ...call, idempotencyKey: 'once' });
        let events = 0;
        for await (const _ of stream) events++;
        return { id: stream.id, events, end: stream.end };
      },
      { baseURL, apiKey, call: CALL },
    );
    await tab.close();
    assert.match(read.id, /^call_/);
    assert.equal(read.end.status, 'ok');
    assert.ok(read.events > 30);
  });

  test('Chromium’s EventSource reads an existing stream to its end event', async () => {
    const id = await begun(10);
    const ticket = await ticketOf(world.of.gate, id);
    const tab = await opened();
    const read = await tab.evaluate(
      (url) =>
        new Promise<{ text: string; end: any; last: string }>((resolve, reject) => {
          const source = new EventSource(url);
          let [text, last] = ['', ''];
          source.onmessage = ({ data, lastEventId }) => {
            last = lastEventId;
            if (data !== '[DONE]') text += JSON.parse(data).choices[0]?.delta.content ?? '';
          };
          source.addEventListener('headgate.end', (event) => {
            source.close();
            resolve({ text, last, end: JSON.parse((event as Event & { data: string }).data) });
          });
          source.onerror = () => reject(new Error('it failed'));
        }),
      `${world.of.gate.url}/v1/streams/${id}?ticket=${ticket}&end=event`,
    );
    await tab.close();
    assert.equal(read.text, TEXT);
    assert.equal(read.end.status, 'ok');
    assert.equal(read.end.last, read.last);
  });

  test('EventSource on a cut connection comes back once, finds its ticket spent, and stops', async () => {
    const { gate } = world.of;
    const id = await begun(30);
    const ticket = await ticketOf(gate, id);
    const proxy = await startFaultProxy({ target: gate.url, plan: [{ toClient: { cutAfterBytes: 2_500 } }, {}] });
    const tab = await opened();
    const states = await tab.evaluate(
      (url) =>
        new Promise<number[]>((resolve) => {
          const source = new EventSource(url);
          const states: number[] = [];
          source.onerror = () => {
            states.push(source.readyState);
            if (source.readyState === EventSource.CLOSED) resolve(states);
          };
        }),
      `${proxy.url}/v1/streams/${id}?ticket=${ticket}&end=event`,
    );
    await tab.close();
    assert.deepEqual(states, [0, 2], 'connecting again, then closed');
    assert.equal(proxy.connections.length, 2);
    await proxy.close();
  });

  test('a page of an origin that is not listed reads nothing and opens no socket', async () => {
    const other = await startPage();
    const id = await begun(0);
    const { url, key } = world.of.gate;
    const tab = await opened(other.origin);
    const tickets = await Promise.all([ticketOf(world.of.gate, id), ticketOf(world.of.gate, id)]);
    const read = await tab.evaluate(
      async ({ url, key, id, tickets }) => {
        const failed = (promise: Promise<unknown>) =>
          promise.then(
            () => 'read',
            () => 'refused',
          );
        const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/stream?ticket=${tickets[0]}`);
        return Promise.all([
          failed(fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${key}` } })),
          failed(fetch(`${url}/v1/streams/${id}?ticket=${tickets[1]}`)),
          new Promise((resolve) => {
            socket.onopen = () => resolve('read');
            socket.onerror = () => resolve('refused');
          }),
        ]);
      },
      { url, key, id, tickets },
    );
    await tab.close();
    await other.close();
    assert.deepEqual(read, ['refused', 'refused', 'refused']);
  });

  test('without a list, no page of another origin reads anything', async () => {
    const of = await clientWorld();
    const { url, key } = of.gate;
    const tab = await opened();
    const read = await tab.evaluate(
      ({ url, key }) =>
        fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${key}` } }).then(
          () => 'read',
          () => 'refused',
        ),
      { url, key },
    );
    await tab.close();
    await of.stop();
    assert.equal(read, 'refused');
  });

  test('another key of the same tenant gets no ticket', async () => {
    const id = await begun(0);
    const key = await makeKey({ gate: world.of.gate } as never, 'demo', {});
    await assert.rejects(ticketOf({ ...world.of.gate, key }, id), /^Error: 404/);
  });
});
