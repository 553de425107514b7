import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { EVENTS, json, stream } from '../clients-rules/scripted-upstream.ts';
import { ANSWER, ask, CHAT, EMBEDDINGS } from './asking.ts';
import { METRICS, unknownNames } from './conventions.ts';
import { judgeSkip, newestMetrics, resourceIn, type Attributes, type JudgedMetric } from './judge.ts';
import { inTelemetryWorld } from './telemetry-world.ts';

const SKETCH_ERROR = 0.02;

describe('metrics by OTLP, read by the official decoder', { skip: judgeSkip }, () => {
  const world = inTelemetryWorld({ otlp: '    metrics: { interval: 1s }\n    traces: { enabled: false }' });
  const { start, text, finish, usage, end } = EVENTS[CHAT];

  const point = (metrics: Map<string, JudgedMetric>, name: string, labels: Attributes = {}) =>
    metrics
      .get(name)
      ?.points.find(({ attributes }) => Object.entries(labels).every(([key, value]) => attributes[key] === value));

  /** Metrics once so many calls are in them. */
  async function metricsOf(calls: number): Promise<Map<string, JudgedMetric>> {
    let metrics = new Map<string, JudgedMetric>();
    await world.gate.until('the metrics', () => {
      metrics = newestMetrics(world.collector);
      const points = metrics.get('headgate.call.duration')?.points ?? [];
      return points.reduce((sum, { count }) => sum + count!, 0) === calls;
    });
    return metrics;
  }

  test('each of the conventions’ metrics with its unit, type, bounds and names', async () => {
    world.first.answer(json(ANSWER));
    for (let i = 0; i < 3; i++) await ask(world.gate);
    world.first.answer(json(EMBEDDINGS));
    await ask(world.gate, { path: '/v1/embeddings' });
    world.first.answer(stream([start, text, 100, text, 100, text, finish, usage, end]));
    await ask(world.gate, { body: { stream: true } });
    world.first.answer(json('{"error":{"message":"no","type":"invalid_request_error","code":"bad"}}', 400));
    await ask(world.gate);
    const metrics = await metricsOf(6);
    assert.deepEqual(
      [...metrics.keys()].filter((name) => !METRICS.has(name)),
      [],
    );
    assert.deepEqual(
      [...METRICS.keys()].filter((name) => !metrics.has(name)),
      [],
    );
    for (const [name, { type, unit, points, temporality, monotonic }] of metrics) {
      const convention = METRICS.get(name)!;
      assert.equal(type, convention.type, name);
      assert.equal(unit, convention.unit, name);
      assert.equal(temporality, 2, 'cumulative');
      if (type === 'sum') assert.equal(monotonic, true);
      for (const { attributes, bounds, buckets, count } of points) {
        assert.deepEqual(unknownNames(Object.keys(attributes)), [], name);
        assert.deepEqual(bounds, convention.bounds, name);
        if (type === 'histogram')
          assert.equal(
            buckets.reduce((a, b) => a + b, 0),
            count,
            name,
          );
      }
    }
  });

  test('the figures are those of the calls', async () => {
    const metrics = await metricsOf(6);
    const chat = { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'lab', 'gen_ai.request.model': 'up' };
    const answered = { ...chat, 'gen_ai.response.model': 'up-2026' };
    assert.equal(point(metrics, 'gen_ai.client.inference.duration', answered)!.count, 3);
    assert.equal(point(metrics, 'gen_ai.client.inference.duration', { ...chat, 'error.type': 'bad' })!.count, 1);
    assert.equal(point(metrics, 'gen_ai.client.operation.duration')!.attributes['gen_ai.operation.name'], 'embeddings');
    assert.equal(metrics.get('gen_ai.client.operation.duration')!.points.length, 1, 'no inference in it');
    const unknown = { ...answered, 'gen_ai.token.modality': 'unknown' };
    assert.equal(point(metrics, 'gen_ai.client.inference.usage.input_tokens', unknown)!.value, 33);
    assert.equal(point(metrics, 'gen_ai.client.inference.usage.output_tokens', unknown)!.value, 21);
    assert.equal(point(metrics, 'gen_ai.client.inference.usage.cache_read.input_tokens', unknown)!.value, 12);
    const failed = point(metrics, 'gen_ai.client.inference.operation.output_tokens', { 'error.type': 'bad' })!;
    assert.deepEqual([failed.count, failed.sum], [1, 0], 'a failed one counts, with no token');
    const chunks = metrics.get('gen_ai.client.inference.time_per_output_chunk')!.points;
    assert.equal(chunks.length, 1);
    assert.ok(chunks[0]!.count! >= 2 && Math.abs(chunks[0]!.sum! - 0.2) < 0.1 + SKETCH_ERROR);
    assert.equal(metrics.get('gen_ai.client.inference.time_to_first_chunk')!.points[0]!.count, 1);
    const cost = metrics.get('headgate.cost')!.points.reduce((sum, { value }) => sum + value!, 0);
    const { rows } = await world.gate.admin('GET', '/spend?figures=sums');
    assert.equal(rows.length, 1);
    assert.ok(Math.abs(cost - Number(rows[0].costUsd)) < 1e-9, `${cost} and ${JSON.stringify(rows)}`);
    assert.equal(resourceIn(world.collector.received.at(-1)!)['service.name'], 'headgate');
  });

  test('no traces where they are off, and the sums go on with the next call', async () => {
    assert.ok(world.collector.received.every(({ path }) => path === '/v1/metrics'));
    world.first.answer(json(ANSWER));
    await ask(world.gate);
    const metrics = await metricsOf(7);
    assert.equal(
      point(metrics, 'gen_ai.client.inference.usage.input_tokens', { 'gen_ai.response.model': 'up-2026' })!.value,
      44,
    );
  });
});
