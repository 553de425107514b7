import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { Counts, sharedCounts } from './counts.ts';
import { leftOutOf, Poster, type Payload } from './post.ts';
import { Sender } from './sender.ts';
import type { OtlpSettings } from './settings.ts';

async function collectorOf(t: TestContext, answer: (response: ServerResponse) => void) {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    request.on('data', (chunk: Buffer) => bodies.push(chunk.toString()));
    request.on('end', () => answer(response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const settings: OtlpSettings = {
    ...{ endpoint, protocol: 'protobuf', compression: 'none', headers: {}, timeoutMs: 60_000, resource: {} },
    ...{ traces: null, metrics: null },
  };
  return { bodies, settings };
}

const payload = (text: string): Payload => ({ path: '/v1/traces', body: Buffer.from(text), spans: 1 });

function senderOf(settings: OtlpSettings, mostBytes: number): { sender: Sender; counts: Counts } {
  const counts = new Counts(sharedCounts());
  const sender = new Sender(new Poster(settings), { counts, mostBytes, now: () => Date.now(), random: () => 0 });
  return { sender, counts };
}

test('beyond the bound the oldest go, and each is counted once', async (t) => {
  const waiting: ServerResponse[] = [];
  const { bodies, settings } = await collectorOf(t, (response) => waiting.push(response));
  const { sender, counts } = senderOf(settings, 40);
  for (let i = 0; i < 10; i++) sender.send(payload(`span-${i}___`));
  assert.equal(counts.get('queuedBytes'), 36);
  assert.equal(counts.get('droppedSpans'), 6);
  while (waiting.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  // The first was under way and is gone from the queue: its late answer counts no span twice.
  const closing = sender.close(200);
  waiting[0]!.end();
  assert.equal(await closing, false);
  assert.equal(bodies[0], 'span-0___');
  assert.equal(counts.get('droppedSpans') + counts.get('sentSpans'), 10);
});

test('of sums the newest alone waits', async (t) => {
  const waiting: ServerResponse[] = [];
  const { bodies, settings } = await collectorOf(t, (response) => waiting.push(response));
  const { sender } = senderOf(settings, 0);
  for (const text of ['a', 'b', 'c', 'd']) sender.send({ ...payload(text), spans: 0 });
  const answering = setInterval(() => waiting.splice(0).forEach((response) => response.end()), 5);
  t.after(() => clearInterval(answering));
  assert.equal(await sender.close(5_000), true);
  assert.deepEqual(bodies, ['a', 'd']);
});

test('the count of a partial success, and nothing of an answer that is none', () => {
  // 0x08 1 and 0x08 300 in field 1.
  assert.equal(leftOutOf(Buffer.from([0x0a, 0x02, 0x08, 0x01]), 'protobuf'), 1);
  assert.equal(leftOutOf(Buffer.from([0x0a, 0x03, 0x08, 0xac, 0x02]), 'protobuf'), 300);
  for (const bytes of [
    [],
    [0x0a],
    [0x0a, 0x00],
    [1, 2, 3, 4, 5, 6, 7, 8, 9],
    [0x0a, 0x09, 0x08, 0xff, 0xff, 0xff, 0xff, 0xff],
  ])
    assert.equal(leftOutOf(Buffer.from(bytes), 'protobuf'), 0);
  assert.equal(leftOutOf(Buffer.from('{"partialSuccess":{"rejectedSpans":"7"}}'), 'json'), 7);
  for (const text of ['', '{}', 'no', '[]', '{"partialSuccess":{"rejectedSpans":-1}}'])
    assert.equal(leftOutOf(Buffer.from(text), 'json'), 0);
});
