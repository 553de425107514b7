import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { EVENTS, json, stream } from '../clients-rules/scripted-upstream.ts';
import { ANSWER, ask, CHAT, EMBEDDINGS, SECRET_WORDS, type Asked } from './asking.ts';
import { unknownNames } from './conventions.ts';
import { allSpans, judgeSkip, resourceIn, type JudgedSpan } from './judge.ts';
import { COLLECTOR_KEY, inTelemetryWorld, type TelemetryWorld } from './telemetry-world.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';

const call = (world: TelemetryWorld, asked: Asked = {}) => ask(world.gate, asked);

/** Spans of the trace, once the collector has one of the server's. */
async function traceOf(world: TelemetryWorld, find: (span: JudgedSpan) => boolean): Promise<JudgedSpan[]> {
  let spans: JudgedSpan[] = [];
  await world.gate.until('the trace', () => {
    const all = allSpans(world.collector);
    const server = all.find((span) => span.kind === 2 && find(span));
    if (!server) return false;
    spans = all.filter(({ traceId }) => traceId === server.traceId);
    return true;
  });
  return spans;
}

describe('traces by OTLP, read by the official decoder', { skip: judgeSkip }, () => {
  const world = inTelemetryWorld();

  test('one span of a server a call, and under it one of a client an attempt', async () => {
    world.first.answer(json(ANSWER));
    await call(world, { headers: { traceparent: `00-${TRACE}-${PARENT}-01`, tracestate: 'vendor=abc' } });
    const spans = await traceOf(world, ({ traceId }) => traceId === TRACE);
    assert.equal(spans.length, 2);
    const [server, client] = [spans.find(({ kind }) => kind === 2)!, spans.find(({ kind }) => kind === 3)!];
    assert.equal(server.parentSpanId, PARENT);
    assert.equal(server.traceState, 'vendor=abc');
    assert.equal(client.parentSpanId, server.spanId);
    assert.equal(server.name, 'chat m');
    assert.equal(client.name, 'chat up');
    assert.ok(client.startMs >= server.startMs && client.endMs <= server.endMs + 1 && client.endMs > client.startMs);
    assert.equal(server.flags, 0x301);
    const entry = await world.gate.admin('GET', `/calls/${String(server.attributes['headgate.call.id'])}`);
    assert.equal(entry.traceId, TRACE);
    assert.equal(server.attributes['headgate.tenant'], entry.tenant);
    assert.equal(server.attributes['headgate.cost.usd'], 0.0214);
    const expected = {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'lab',
      'gen_ai.request.model': 'up',
      'gen_ai.response.model': 'up-2026',
      'gen_ai.usage.input_tokens': 11,
      'gen_ai.usage.output_tokens': 7,
      'gen_ai.usage.cache_read.input_tokens': 4,
      'server.address': '127.0.0.1',
      'server.port': Number(new URL(world.first.url).port),
      'http.response.status_code': 200,
      'headgate.attempt': 1,
      'headgate.outcome': 'ok',
    };
    for (const [name, value] of Object.entries(expected)) assert.equal(client.attributes[name], value, name);
    assert.deepEqual(client.attributes['gen_ai.response.finish_reasons'], ['stop']);
    assert.equal(client.statusCode, 0);
    assert.equal(server.attributes['gen_ai.usage.input_tokens'], undefined, 'tokens count once');
  });

  test('every name of an attribute is one of the dated list', async () => {
    world.first.answer(json(ANSWER));
    await call(world, { headers: { 'x-headgate-feature': 'search', 'x-headgate-session': 's-1' } });
    await traceOf(world, ({ attributes }) => attributes['gen_ai.conversation.id'] === 's-1');
    const names = allSpans(world.collector).flatMap(({ attributes }) => Object.keys(attributes));
    assert.deepEqual(unknownNames(names), []);
  });

  test('the resource says who sends, and the secret header is there', async () => {
    const first = world.collector.received[0]!;
    assert.equal(first.path, '/v1/traces');
    assert.equal(first.headers['content-type'], 'application/x-protobuf');
    assert.equal(first.headers['x-collector'], COLLECTOR_KEY);
    const resource = resourceIn(first);
    assert.equal(resource['service.name'], 'headgate');
    assert.equal(resource['deployment.environment.name'], 'staging');
    assert.match(String(resource['service.instance.id']), /^own_/);
  });

  test('a failed attempt and the one that answered are two spans', async () => {
    world.first.answer(json('{"error":{"message":"overloaded","type":"server_error","code":"busy"}}', 503));
    world.second.answer(json(ANSWER));
    await call(world, { model: 'pair', headers: { traceparent: `00-${'a'.repeat(32)}-${PARENT}-01` } });
    const spans = await traceOf(world, ({ traceId }) => traceId === 'a'.repeat(32));
    const clients = spans.filter(({ kind }) => kind === 3).toSorted((a, b) => a.startMs - b.startMs);
    assert.equal(clients.length, 2);
    assert.notEqual(clients[0]!.spanId, clients[1]!.spanId);
    assert.deepEqual(
      clients.map(({ attributes, statusCode }) => [attributes['error.type'], statusCode]),
      [
        ['busy', 2],
        [undefined, 0],
      ],
    );
    assert.equal(clients[1]!.attributes['gen_ai.provider.name'], 'vllm');
    assert.equal(spans.find(({ kind }) => kind === 2)!.statusCode, 0);
  });

  test('the context goes to a server of one’s own, and a vendor hears nothing of it', async () => {
    world.first.answer(json('{"error":{"message":"no"}}', 503));
    world.second.answer(json(ANSWER));
    const trace = 'b'.repeat(32);
    await call(world, { model: 'pair', headers: { traceparent: `00-${trace}-${PARENT}-01`, tracestate: 'v=1' } });
    const spans = await traceOf(world, ({ traceId }) => traceId === trace);
    const clients = spans.filter(({ kind }) => kind === 3).toSorted((a, b) => a.startMs - b.startMs);
    const [own, vllm] = [world.first.seen.at(-1)!, world.second.seen.at(-1)!];
    assert.equal(own.headers.traceparent, `00-${trace}-${clients[0]!.spanId}-01`);
    assert.equal(own.headers['tracestate'], 'v=1', 'allowed by `traceContext: all`');
    assert.equal(vllm.headers.traceparent, `00-${trace}-${clients[1]!.spanId}-01`);
    assert.equal(vllm.headers['tracestate'], undefined);
    world.first.answer(json(ANSWER));
    await call(world, { model: 'vendor', headers: { traceparent: `00-${trace}-${PARENT}-01`, tracestate: 'v=1' } });
    const seen = world.first.seen.at(-1)!;
    assert.equal(seen.headers.traceparent, undefined);
    assert.equal(seen.headers['tracestate'], undefined);
  });

  test('a caller who samples the trace out is obeyed, and the provider is told so', async () => {
    world.first.answer(json(ANSWER));
    const trace = 'c'.repeat(32);
    await call(world, { headers: { traceparent: `00-${trace}-${PARENT}-00` } });
    assert.match(world.first.seen.at(-1)!.headers.traceparent as string, new RegExp(`^00-${trace}-[0-9a-f]{16}-00$`));
    await call(world, { headers: { traceparent: `00-${'d'.repeat(32)}-${PARENT}-01` } });
    await traceOf(world, ({ traceId }) => traceId === 'd'.repeat(32));
    assert.ok(!allSpans(world.collector).some(({ traceId }) => traceId === trace));
  });

  test('without a context the trace is the call’s own, and an invalid one counts as none', async () => {
    world.first.answer(json(ANSWER));
    for (const traceparent of ['', `00-${'0'.repeat(32)}-${PARENT}-01`, `ff-${TRACE}-${PARENT}-01`, 'nonsense']) {
      const answer = await call(world, { headers: traceparent ? { traceparent } : {} });
      const id = answer.headers['x-headgate-call-id'] ?? answer.headers['x-request-id'];
      const spans = await traceOf(world, ({ attributes }) => attributes['headgate.call.id'] === id);
      assert.equal(spans.length, 2);
      assert.match(spans[0]!.traceId, /^[0-9a-f]{32}$/);
      assert.equal(spans.find(({ kind }) => kind === 2)!.parentSpanId, '');
    }
  });

  test('a stream: time to the first chunk; a caller who leaves ends the span at settlement', async () => {
    const { start, text, finish, usage, end } = EVENTS[CHAT];
    world.first.answer(stream([start, 30, text, 10, text, finish, usage, end]));
    await call(world, { headers: { traceparent: `00-${'e'.repeat(32)}-${PARENT}-01` }, body: { stream: true } });
    const whole = await traceOf(world, ({ traceId }) => traceId === 'e'.repeat(32));
    const client = whole.find(({ kind }) => kind === 3)!;
    assert.equal(client.attributes['gen_ai.request.stream'], true);
    assert.ok((client.attributes['gen_ai.response.time_to_first_chunk'] as number) >= 0.02);
    world.first.answer(stream([start, text, 5_000, text, finish, usage, end]));
    const headers = { traceparent: `00-${'f'.repeat(32)}-${PARENT}-01` };
    await call(world, { headers, body: { stream: true }, patienceMs: 300 }).catch(() => null);
    const spans = await traceOf(world, ({ traceId }) => traceId === 'f'.repeat(32));
    const server = spans.find(({ kind }) => kind === 2)!;
    assert.equal(server.attributes['headgate.outcome'], 'cancelled');
    assert.equal(server.attributes['headgate.cancelled_by'], 'client');
    assert.equal(server.statusCode, 0, 'a caller who left is no error');
    assert.ok(server.endMs - server.startMs >= 200);
    assert.equal(spans.length, 2);
  });

  test('embeddings are embeddings', async () => {
    world.first.answer(json(EMBEDDINGS));
    await call(world, { path: '/v1/embeddings', headers: { traceparent: `00-${'1'.repeat(32)}-${PARENT}-01` } });
    const spans = await traceOf(world, ({ traceId }) => traceId === '1'.repeat(32));
    assert.equal(spans.find(({ kind }) => kind === 3)!.name, 'embeddings up');
  });

  test('no word of a prompt or an answer is in any byte that was sent', () => {
    for (const { body } of world.collector.received) assert.ok(!body.includes(SECRET_WORDS));
  });
});

describe('traces in JSON, compressed, by share', { skip: judgeSkip }, () => {
  const world = inTelemetryWorld({
    otlp: '    protocol: json\n    compression: gzip\n    traces: { sample: 0.25, parent: ignore }',
  });

  test('the official decoder takes the JSON form, and the share of the ids is exported', async () => {
    world.first.answer(json(ANSWER));
    const low = `00-${'2'.repeat(19)}${'0'.repeat(13)}-${PARENT}-01`;
    const high = `00-${'3'.repeat(19)}${'f'.repeat(13)}-${PARENT}-00`;
    await call(world, { headers: { traceparent: low } });
    await call(world, { headers: { traceparent: high } });
    const spans = await traceOf(world, ({ traceId }) => traceId.startsWith('3'));
    assert.equal(spans.length, 2);
    assert.equal(allSpans(world.collector).length, 2, 'the low id is below the threshold, whatever its flag says');
    const [first] = world.collector.received;
    assert.equal(first!.headers['content-type'], 'application/json');
    assert.equal(first!.headers['content-encoding'], 'gzip');
    assert.deepEqual(unknownNames(spans.flatMap(({ attributes }) => Object.keys(attributes))), []);
  });
});
