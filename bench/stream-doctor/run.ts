/**
 * What does the stream doctor say of five proxies as Debian ships them, with the idle times that they have?
 * `node bench/stream-doctor/run.ts`, 70 s. The suite (test/streams/real-proxies.test.ts) shortens those times. Figures
 * go to bench/results/stream-doctor.json with date and commit.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Measured } from '../../src/capabilities/streams/doctor/core/measured.ts';
import { FULL } from '../../src/capabilities/streams/doctor/plan.ts';
import { apache } from '../../test/streams/apache.ts';
import { caddy } from '../../test/streams/caddy.ts';
import { startEchoGate, type EchoGate } from '../../test/streams/echo-gate.ts';
import { haproxy } from '../../test/streams/haproxy.ts';
import { nginx } from '../../test/streams/nginx.ts';
import { binaryOf, startProxy, versionOf, type ProxyProgram } from '../../test/streams/proxies.ts';
import { varnish } from '../../test/streams/varnish.ts';
import { commitOf } from '../gateway/targets.ts';

/** HAProxy has no idle time of its own: Debian's file sets 50 s. */
const SHIPPED: readonly (readonly [ProxyProgram, string])[] = [
  [nginx(''), '-v'],
  [haproxy('50s'), '-v'],
  [apache(''), '-v'],
  [varnish(''), '-V'],
  [caddy(''), 'version'],
];

const rounded = (measured: Measured): unknown =>
  JSON.parse(JSON.stringify(measured, (_, value: unknown) => (typeof value === 'number' ? Math.round(value) : value)));

async function verdicts(echo: EchoGate, [program, flag]: (typeof SHIPPED)[number]) {
  const proxy = await startProxy(program, echo.gate.url);
  try {
    const measured = await echo.measured(proxy.url, FULL);
    return { product: program.product, version: versionOf(program.binary, flag), measured: rounded(measured) };
  } finally {
    await proxy.stop();
  }
}

const echo = await startEchoGate();
const there = SHIPPED.filter(([{ binary }]) => binaryOf(binary) !== null);
const ways = await Promise.all(there.map((one) => verdicts(echo, one)));
await echo.gate.stop();
const result = { date: new Date().toISOString(), commit: commitOf(), node: process.version, plan: FULL, ways };
writeFileSync(join(import.meta.dirname, '../results/stream-doctor.json'), `${JSON.stringify(result, null, 2)}\n`);
for (const { product, measured } of ways) {
  const { sse, websocket } = measured as Measured;
  const figures = [
    sse.delivery.kind,
    sse.idle.cutAtMs,
    sse.cancel.kind,
    websocket.upgrade.kind,
    websocket.idle?.cutAtMs,
  ];
  console.log(product, ...figures);
}
