import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { json } from '../clients-rules/scripted-upstream.ts';
import { readExposition } from '../operate/exposition.ts';
import { ANSWER, ask } from './asking.ts';
import { accept, never, startCollector, status, type Collector } from './collector.ts';
import { allSpans, judgeSkip, spansIn } from './judge.ts';
import { inTelemetryWorld, type TelemetryWorld } from './telemetry-world.ts';

const SPANS = 'headgate_telemetry_spans_total';
const REQUESTS = 'headgate_telemetry_requests_total';

async function figure({ gate }: TelemetryWorld, name: string, result?: string): Promise<number> {
  const response = await fetch(`${gate.url}/metrics`, { headers: { authorization: `Bearer ${gate.adminToken}` } });
  const samples = readExposition(await response.text()).find((family) => family.name === name)!.samples;
  return samples.find(({ labels }) => result === undefined || labels['result'] === result)!.value;
}

const answerOk = (world: TelemetryWorld): void => world.first.answer(json(ANSWER));

describe('a collector that says no', { skip: judgeSkip }, () => {
  const world = inTelemetryWorld({ otlp: '    metrics: { enabled: false }' });

  test('429 with retry-after: sent again after that time, and counted once', async () => {
    answerOk(world);
    let refused = 0;
    world.collector.answer((response, received) => {
      if (refused++ > 0) return accept(response, received);
      return status(429, { 'retry-after': '2' })(response, received);
    });
    await ask(world.gate);
    await world.gate.until('the second try', () => world.collector.received.length >= 2);
    const [first, second] = world.collector.received;
    assert.ok(second!.atMs - first!.atMs >= 1_950, 'as long as it was asked for');
    assert.deepEqual(second!.body, first!.body);
    await world.gate.until('the count', async () => (await figure(world, SPANS, 'sent')) === 2);
    assert.equal(await figure(world, REQUESTS, 'retried'), 1);
    assert.equal(await figure(world, SPANS, 'dropped'), 0);
  });

  test('400: given up at once, counted, and the next batch goes its way', async () => {
    answerOk(world);
    const before = world.collector.received.length;
    world.collector.answer(status(400, {}, 'no'));
    await ask(world.gate);
    await world.gate.until('the refusal', async () => (await figure(world, SPANS, 'rejected')) === 2);
    assert.equal(world.collector.received.length, before + 1);
    world.collector.answer(accept);
    await ask(world.gate);
    await world.gate.until('the next', async () => (await figure(world, SPANS, 'sent')) === 4);
    assert.equal(await figure(world, REQUESTS, 'rejected'), 1);
  });

  test('a partial success counts what was left out', async () => {
    answerOk(world);
    // ExportTraceServiceResponse { partial_success { rejected_spans: 1, error_message: "no" } } as the judge writes it.
    world.collector.answer((response) => {
      response.writeHead(200, { 'content-type': 'application/x-protobuf' });
      response.end(Buffer.from([0x0a, 0x06, 0x08, 0x01, 0x12, 0x02, 0x6e, 0x6f]));
    });
    await ask(world.gate);
    await world.gate.until('the count', async () => (await figure(world, SPANS, 'rejected')) === 3);
    assert.equal(await figure(world, SPANS, 'sent'), 5);
  });

  test('a redirect is not followed', async () => {
    answerOk(world);
    const elsewhere = await startCollector();
    try {
      world.collector.answer(status(307, { location: `${elsewhere.url}/v1/traces` }));
      await ask(world.gate);
      await world.gate.until('the refusal', async () => (await figure(world, SPANS, 'rejected')) === 5);
      assert.equal(elsewhere.received.length, 0);
    } finally {
      await elsewhere.close();
    }
  });

  test('what waits is sent by a drain, and the status says how the exporter is', async () => {
    answerOk(world);
    world.collector.answer(accept);
    const { telemetry } = await world.gate.admin('GET', '/status');
    assert.equal(telemetry.on, true);
    assert.equal(telemetry.rejectedSpans, 5);
    const before = allSpans(world.collector).length;
    await ask(world.gate);
    assert.equal(await world.gate.stop(), 0);
    assert.equal(allSpans(world.collector).length, before + 2);
  });
});

describe('a collector that never answers', { skip: judgeSkip }, () => {
  const world = inTelemetryWorld({ otlp: '    timeout: 500ms' });

  test('calls are as quick as ever, and the spans arrive when it is back', async () => {
    answerOk(world);
    world.collector.answer(never);
    await ask(world.gate);
    await world.gate.until('a timeout', async () => (await figure(world, REQUESTS, 'retried')) >= 1);
    const times: number[] = [];
    for (let i = 0; i < 40; i++) times.push((await ask(world.gate)).ms);
    times.sort((a, b) => a - b);
    assert.ok(times[20]! < 50, `median of ${times[20]} ms with a collector that never answers`);
    assert.ok((await figure(world, 'headgate_telemetry_queued_bytes')) > 0);
    world.collector.answer(accept);
    await world.gate.until('all spans', async () => (await figure(world, SPANS, 'sent')) === 82);
    assert.equal(await figure(world, 'headgate_telemetry_queued_bytes'), 0);
    assert.equal(await figure(world, SPANS, 'dropped'), 0);
  });

  test('a drain does not wait for it beyond its limit', async () => {
    world.collector.answer(never);
    await ask(world.gate);
    const start = performance.now();
    assert.equal(await world.gate.stop(), 0);
    assert.ok(performance.now() - start < 8_000);
  });
});

describe('a collector that is not there', { skip: judgeSkip }, () => {
  let port = 0;
  let late: Collector | null = null;
  before(async () => {
    // A port that was free a moment ago: nobody listens.
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
  const world = inTelemetryWorld({ collectorUrl: () => `http://127.0.0.1:${port}` });
  after(() => late?.close());

  test('calls go on, and what waited is sent once it is there', async () => {
    answerOk(world);
    for (let i = 0; i < 5; i++) assert.equal((await ask(world.gate)).status, 200);
    await world.gate.until('a try', async () => (await figure(world, REQUESTS, 'retried')) >= 1);
    late = await startCollector(port);
    await world.gate.until('the spans', () => allSpans(late!).length === 10);
    assert.equal(
      new Set(
        late.received.flatMap((one) => (one.path === '/v1/traces' ? spansIn(one) : []).map(({ spanId }) => spanId)),
      ).size,
      10,
    );
  });
});
