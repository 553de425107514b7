import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request as ask, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { OPERATOR, StreamedAnswer, type AdminApi } from '#capabilities/tenants/routes.ts';
import { serveAdmin } from './admin.ts';

/** An answer that goes on, and what was seen of it on the gate's side. */
interface Going {
  sent: number;
  ended: boolean;
  alive: boolean;
  /** Bytes of one chunk. */
  readonly size: number;
  readonly everyMs: number;
  readonly most: number;
}

describe('an answer of the admin API that goes on', () => {
  let server: Server;
  let going: Going;

  async function* chunks(): AsyncGenerator<string> {
    try {
      for (; going.sent < going.most; going.sent++) {
        await sleep(going.everyMs);
        yield 'x'.repeat(going.size);
      }
    } finally {
      going.ended = true;
    }
  }

  before(async () => {
    const admin: AdminApi = {
      ...{ routes: [], opens: () => [], openApi: () => ({}) },
      handle: async () => ({
        status: 200,
        body: new StreamedAnswer({ chunks: chunks(), contentType: 'text/csv', fileName: 'calls.csv' }),
      }),
    };
    server = createServer((request, response) => {
      const who = { actor: 'ops', access: OPERATOR, isAlive: () => going.alive };
      void serveAdmin(
        { gate: null as never, admin, version: '' },
        { request, response, path: '/admin/export', ...who },
      );
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(() => {
    going.alive = false;
    server.closeAllConnections();
    server.close();
  });

  const open = async (settings: Partial<Going>): Promise<IncomingMessage> => {
    going = { sent: 0, ended: false, alive: true, size: 10, everyMs: 10, most: Infinity, ...settings };
    const { port } = server.address() as AddressInfo;
    const asked = ask({ port, path: '/admin/export' }).end();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    return answer;
  };
  /** How it ended for the reader: whole, or cut. */
  const readOut = async (answer: IncomingMessage): Promise<'whole' | 'cut'> => {
    try {
      for await (const _ of answer);
      return 'whole';
    } catch {
      return 'cut';
    }
  };
  async function within(ms: number, check: () => boolean): Promise<void> {
    for (let i = 0; i < ms / 10 && !check(); i++) await sleep(10);
    assert.ok(check(), `not within ${ms} ms`);
  }

  test('comes whole while its token lives', async () => {
    assert.equal(await readOut(await open({ most: 20 })), 'whole');
    assert.deepEqual([going.sent, going.ended], [20, true]);
  });

  test('is cut as soon as the token or the session is over: no chunk more, and its source is closed', async () => {
    const answer = await open({});
    const ended = readOut(answer);
    await within(2_000, () => going.sent > 5);
    going.alive = false;
    const { sent } = going;
    assert.equal(await ended, 'cut');
    await within(1_000, () => going.ended);
    assert.ok(going.sent <= sent + 1, `${sent} chunks before, ${going.sent} after`);
  });

  test('is cut as well where nobody takes the next chunk, or the store gives none', async () => {
    const unread = await open({ size: 4 * 1024 * 1024, everyMs: 0 });
    unread.pause();
    await sleep(300);
    const { sent } = going;
    going.alive = false;
    await within(2_000, () => going.ended);
    assert.ok(going.sent <= sent + 1);
    unread.destroy();

    const slow = await open({ everyMs: 1_500 });
    const ended = readOut(slow);
    going.alive = false;
    const before = performance.now();
    assert.equal(await ended, 'cut');
    assert.ok(performance.now() - before < 1_200, 'the cut waits for no chunk');
  });
});
