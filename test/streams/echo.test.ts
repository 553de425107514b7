import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { WebSocket } from 'ws';
import { startGate, type GateProcess } from '../harness/gate-process.ts';

const CONFIG = `
providers: { lab: { kind: lab, baseUrl: "http://127.0.0.1:9/v1" } }
models: { m: { deployments: [{ provider: lab, model: lab-small }] } }
features: { search: {} }
log: { level: debug }
`;

interface Ticket {
  readonly id: string;
  readonly ticket: string;
}

describe('the echo', () => {
  let gate: GateProcess;
  before(async () => (gate = await startGate({ config: CONFIG })));
  after(() => gate?.stop());

  const issue = (terms: object = {}): Promise<Ticket> => gate.admin('POST', '/streams/echo-tickets', terms);
  const shut = ({ id }: Ticket): Promise<unknown> => gate.admin('DELETE', `/streams/echo-tickets/${id}`);
  const ask = (path: string, ticket: string | null): Promise<Response> =>
    fetch(`${gate.url}/v1/headgate/echo/${path}`, {
      method: 'POST',
      ...(ticket !== null && { headers: { 'x-headgate-echo-ticket': ticket } }),
    });

  /** The head of the answer to an upgrade, as bytes. */
  async function upgraded(path: string, headers: readonly string[]): Promise<string> {
    const socket = connect(Number(new URL(gate.url).port), '127.0.0.1');
    const lines = ['connection: upgrade', 'upgrade: websocket', 'sec-websocket-version: 13', ...headers];
    socket.write(
      `GET ${path} HTTP/1.1\r\nhost: x\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n${lines.join('\r\n')}\r\n\r\n`,
    );
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    return String(chunk).split('\r\n')[0]!;
  }

  test('is not there without a ticket, whether one is open or not', async () => {
    const unknown = await (await ask('../nothing', null)).text();
    const like = async (ticket: string | null): Promise<void> => {
      const answer = await ask('json', ticket);
      assert.equal(answer.status, 404);
      const text = await answer.text();
      assert.equal(text.replace('/echo/json', '/nothing'), unknown);
    };
    await like(null);
    const open = await issue();
    await like(null);
    await like('hge_of-nobody');
    await like(open.id);
    assert.equal((await ask('json', open.ticket)).status, 200);
    assert.equal((await ask('elsewhere', open.ticket)).status, 404);
    await shut(open);
    await like(open.ticket);
  });

  test('an upgrade without a ticket, or elsewhere, is answered 426 as ever: Codex depends on it', async () => {
    const refused = 'HTTP/1.1 426 Upgrade Required';
    const given = (ticket: string): string[] => [`x-headgate-echo-ticket: ${ticket}`];
    assert.equal(await upgraded('/v1/headgate/echo/ws', []), refused);
    const open = await issue();
    assert.equal(await upgraded('/v1/headgate/echo/ws', []), refused);
    assert.equal(await upgraded('/v1/responses', given(open.ticket)), refused);
    assert.equal(await upgraded('/v1/headgate/echo/sse', given(open.ticket)), refused);
    assert.equal(await upgraded('/v1/headgate/echo/ws', given(open.ticket)), 'HTTP/1.1 101 Switching Protocols');
    await shut(open);
    assert.equal(await upgraded('/v1/headgate/echo/ws', given(open.ticket)), refused);
  });

  test('a ticket may stand in the query of these paths, and is nowhere in the log or the audit', async () => {
    const open = await issue();
    const { ticket } = open;
    const answer = await ask(`json?ticket=${ticket}`, null);
    assert.equal(answer.status, 200);
    // Nowhere else, and no path of the echo repeats it.
    for (const path of ['/v1/models', '/v1/nothing', '/admin/status', '/v1/headgate/echo/nothing'])
      assert.doesNotMatch(await (await fetch(`${gate.url}${path}?ticket=${ticket}`)).text(), new RegExp(ticket));
    await (await ask(`sse?count=2&every=1&die=fin&ticket=${ticket}`, null)).text().catch(() => undefined);
    await shut(open);
    const { entries } = await gate.admin('GET', '/audit?limit=100');
    const said = `${gate.stdout()}${gate.stderr()}${JSON.stringify(entries)}`;
    assert.ok(!said.includes(ticket) && !said.includes(ticket.slice(4)), 'its text is a secret');
    assert.ok(JSON.stringify(entries).includes(open.id));
    assert.ok(!JSON.stringify(await gate.admin('GET', '/streams/echo-tickets')).includes(ticket));
  });

  test('a ticket ends with its time, and its streams with it', async () => {
    const { ticket } = await issue({ for: '1s' });
    const from = performance.now();
    const answer = await ask('sse?count=2&gap=60000', ticket);
    assert.equal(answer.status, 200);
    await assert.rejects(answer.text());
    const took = performance.now() - from;
    assert.ok(took > 500 && took < 10_000, `${took} ms`);
    assert.equal((await ask('json', ticket)).status, 404);
  });

  test('its bytes and its open streams are bounded', async () => {
    const few = await issue({ maxOpen: 1 });
    const held = await ask('sse?count=2&gap=60000', few.ticket);
    assert.equal((await ask('sse', few.ticket)).status, 429);
    await shut(few);
    await assert.rejects(held.text(), 'closing a ticket cuts its streams');

    const little = await issue({ maxBytes: 20_000 });
    const answer = await ask('sse?count=1000&every=0&size=4000', little.ticket);
    let bytes = 0;
    await assert.rejects(async () => {
      for await (const chunk of answer.body!) bytes += chunk.length;
    });
    assert.ok(bytes <= 25_000, `${bytes} bytes`);
    assert.equal((await ask('json', little.ticket)).status, 429);
    await shut(little);
  });

  test('no more than eight tickets are open, and what is asked of them is bounded', async () => {
    const open = await Promise.all(Array.from({ length: 8 - (await count()) }, () => issue()));
    await assert.rejects(issue(), / 409 .*8 tickets/);
    const { ticket } = open[0]!;
    for (const wrong of ['count=0', 'count=1001', 'every=x', 'gap=600001', 'die=burn', 'id=a/b', 'beat=5', 'size=-1'])
      assert.equal((await ask(`sse?${wrong}`, ticket)).status, 400, wrong);
    await assert.rejects(issue({ for: '2h' }), / 400 /);
    await Promise.all(open.map(shut));
    assert.equal(await count(), 0);
  });
  const count = async (): Promise<number> => (await gate.admin('GET', '/streams/echo-tickets')).tickets.length;

  test('the origin’s note says what it saw, and when it learnt that the reader had gone', async () => {
    const open = await issue();
    const leave = new AbortController();
    const answer = await fetch(`${gate.url}/v1/headgate/echo/sse?id=mine&count=2&gap=60000`, {
      method: 'POST',
      headers: { 'x-headgate-echo-ticket': open.ticket },
      signal: leave.signal,
    });
    await answer.body!.getReader().read();
    leave.abort();
    await gate.until('the origin knows', async () => (await note()).endedBy === 'client');
    const { seen, written, endedMs } = await note();
    assert.deepEqual([seen.httpVersion, seen.method, written], ['1.1', 'POST', 1]);
    assert.ok(endedMs > 0 && endedMs < 10_000);
    // Another ticket's notes are not seen.
    const other = await issue();
    assert.deepEqual(await (await ask('report?id=mine', other.ticket)).json(), { known: false });
    await Promise.all([open, other].map(shut));

    async function note(): Promise<any> {
      return (await ask('report?id=mine', open.ticket)).json();
    }
  });

  test('a WebSocket sends back what it gets, uncompressed, and no large message', async () => {
    const open = await issue();
    const url = `${gate.url.replace('http', 'ws')}/v1/headgate/echo/ws?count=2&gap=60000&ticket=${open.ticket}`;
    const client = new WebSocket(url);
    const messages: string[] = [];
    client.on('message', (data) => messages.push(String(data)));
    await once(client, 'open');
    assert.equal(client.extensions, '', 'permessage-deflate is not agreed to');
    client.send('hello');
    await gate.until('the echo', () => messages.includes('hello'));
    client.send('x'.repeat(20_000));
    const [code] = (await once(client, 'close')) as [number];
    assert.equal(code, 1009);
    await shut(open);
  });

  test('a drain does not wait for its streams', async () => {
    const own = await startGate({ config: CONFIG });
    const { ticket } = await own.admin('POST', '/streams/echo-tickets', {});
    const headers = { 'x-headgate-echo-ticket': ticket };
    const answer = await fetch(`${own.url}/v1/headgate/echo/sse?count=2&gap=600000`, { method: 'POST', headers });
    const client = new WebSocket(`${own.url.replace('http', 'ws')}/v1/headgate/echo/ws?count=2&gap=600000`, {
      headers,
    });
    await once(client, 'open');
    const closed = once(client, 'close');
    const from = performance.now();
    const [code] = await Promise.all([own.stop(), assert.rejects(answer.text()), closed]);
    assert.equal(code, 0);
    assert.ok(performance.now() - from < 8_000);
  });
});
