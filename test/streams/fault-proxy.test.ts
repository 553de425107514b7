import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startFaultProxy } from '#lab/fault-proxy/fault-proxy.ts';
import type { ConnectionPlan } from '#lab/fault-proxy/plan.ts';
import type { Measured } from '../../src/capabilities/streams/doctor/core/measured.ts';
import { SHORT, startEchoGate, type EchoGate } from './echo-gate.ts';

const PLAN = { ...SHORT, gapsMs: [500, 1_500], beatMs: 400, silenceMs: 3_000, watchMs: 1_500 };

describe('verdicts on a way with one fault', { concurrency: 4 }, () => {
  let echo: EchoGate;
  before(async () => (echo = await startEchoGate()));
  after(() => echo?.gate.stop());

  async function through(toClient: ConnectionPlan['toClient']): Promise<Measured> {
    const proxy = await startFaultProxy({ target: echo.gate.url, plan: { toClient } });
    try {
      return await echo.measured(proxy.url, PLAN);
    } finally {
      await proxy.close();
    }
  }

  test('no fault: nothing is found', async () => {
    const { sse, websocket } = await through({});
    assert.equal(sse.delivery.kind, 'streams');
    assert.equal(websocket.upgrade.kind, 'opens');
    assert.equal(sse.cancel.kind, 'at_once');
  });

  test('bytes that are held until the end: whole, and no header cures it', async () => {
    const { sse, websocket } = await through({ holdBytes: 100_000 });
    assert.deepEqual([sse.delivery.kind, sse.withHeader.kind, sse.heartbeat.kind], ['whole', 'whole', 'held']);
    // The 101 is held as well.
    assert.equal(websocket.upgrade.kind, 'unreachable');
  });

  test('a cut half-way: streams are cut, and truncation is not judged by it', async () => {
    const { sse } = await through({ cutAfterBytes: 480 });
    assert.equal(sse.delivery.kind, 'cut');
    assert.deepEqual(sse.truncation, { reset: 'unknown', close: 'unknown' });
  });

  test('a stall half-way: streams stop and nothing says so', async () => {
    const { sse } = await through({ blackHoleAfterBytes: 480 });
    assert.equal(sse.delivery.kind, 'stalls');
    assert.deepEqual(sse.truncation, { reset: 'unknown', close: 'unknown' });
  });

  test('a long way is no finding: a small answer takes as long', async () => {
    const { http, sse } = await through({ delayMs: 300 });
    assert.ok(http.roundTripMs! >= 290, `${http.roundTripMs}`);
    assert.equal(sse.delivery.kind, 'streams');
  });

  test('letters torn apart are put together again', async () => {
    const { sse } = await through({ chunkBytes: 7 });
    assert.equal(sse.delivery.kind, 'streams');
    assert.equal(sse.compression.kind, 'none');
  });
});
