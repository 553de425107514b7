import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { probeGrpc, probeGrpcWeb } from '../../src/capabilities/streams/doctor/probe-grpc.ts';
import { probeGrpcStream } from '../../src/capabilities/streams/doctor/probe-grpc-stream.ts';
import type { GrpcFacts, GrpcReach } from '../../src/capabilities/streams/doctor/core/measured.ts';
import type { Way } from '../../src/capabilities/streams/doctor/way.ts';
import { apache } from './apache.ts';
import { caddy } from './caddy.ts';
import { IDLE_S, startEchoGate, type EchoGate } from './echo-gate.ts';
import { haproxy } from './haproxy.ts';
import { nginx } from './nginx.ts';
import { binaryOf, startProxy, type ProxyProgram } from './proxies.ts';
import { varnish } from './varnish.ts';

const replaced = (
  program: ProxyProgram,
  file: string,
  edits: readonly (readonly [RegExp, string])[],
): ProxyProgram => ({
  ...program,
  files: (site) => {
    const files = program.files(site);
    const text = edits.reduce((all, [from, to]) => all.replace(from, to), files[file]!);
    return { ...files, [file]: text };
  },
});
const nginxGrpc = (location: string): ProxyProgram =>
  replaced(nginx(location), 'nginx.conf', [
    [/listen ([\d.:]+);/, 'listen $1 http2;'],
    [/proxy_pass http:/, 'grpc_pass grpc:'],
  ]);
const haproxyH2 = (idle: string): ProxyProgram =>
  replaced(haproxy(idle), 'haproxy.cfg', [
    [/bind (\S+)/, 'bind $1 proto h2'],
    [/server gate (\S+)/, 'server gate $1 proto h2'],
  ]);
const [NGINX_GRPC, HAPROXY_H2] = [nginxGrpc(''), haproxyH2('50s')];

const CASES: readonly (readonly [string, ProxyProgram, GrpcReach['kind'], GrpcReach['kind']])[] = [
  ['nginx, default', nginx(''), 'no_http2', 'reaches'],
  ['nginx with grpc_pass', NGINX_GRPC, 'reaches', 'no_answer'],
  // It takes HTTP/2 from whoever speaks it, and goes on in HTTP/1.1.
  ['haproxy, default', haproxy('50s'), 'no_status', 'reaches'],
  ['haproxy with proto h2', HAPROXY_H2, 'reaches', 'no_answer'],
  ['apache, default', apache(''), 'no_http2', 'reaches'],
  ['varnish, default', varnish(''), 'no_http2', 'reaches'],
  ['caddy, default', caddy(''), 'no_http2', 'reaches'],
];

/** Of a stream: buffering without and with `x-accel-buffering: no`, idle cut, heartbeats, cancel; null: none passes. */
type StreamVerdicts = readonly [delivery: string, header: string, idle: string, beats: string, cancel: string] | null;
const UNTOUCHED: StreamVerdicts = ['streams', 'streams', 'open', 'reach', 'at_once'];
const verdicts = ({ stream }: GrpcFacts): StreamVerdicts =>
  stream && [stream.delivery.kind, stream.withHeader.kind, stream.idle.kind, stream.heartbeat.kind, stream.cancel.kind];

/** What each hop does to streams of gRPC and of gRPC-Web, with idle times of {@link IDLE_S}. */
const STREAMS: readonly (readonly [string, ProxyProgram, StreamVerdicts, StreamVerdicts])[] = [
  ['nginx, default', nginx(`proxy_read_timeout ${IDLE_S}s;`), null, ['whole', 'streams', 'cut', 'held', 'at_once']],
  [
    'nginx with grpc_pass',
    nginxGrpc(`grpc_read_timeout ${IDLE_S}s;`),
    ['streams', 'streams', 'cut', 'reach', 'at_once'],
    null,
  ],
  ['haproxy, default', haproxy(`${IDLE_S}s`), null, ['offset', 'offset', 'cut', 'reach', 'at_a_write']],
  ['haproxy with proto h2', haproxyH2(`${IDLE_S}s`), ['streams', 'streams', 'cut', 'reach', 'at_once'], null],
  [
    'apache, default',
    apache('', [`ProxyTimeout ${IDLE_S}`]),
    null,
    ['streams', 'streams', 'cut', 'reach', 'at_a_write'],
  ],
  ['caddy, default', caddy(''), null, ['streams', 'streams', 'open', 'reach', 'at_once']],
];

describe('what a hop does to streams of gRPC and gRPC-Web', { concurrency: 8 }, () => {
  let echo: EchoGate;
  before(async () => (echo = await startEchoGate()));
  after(() => echo?.gate.stop());

  test('none between', async () => {
    const { grpc, grpcWeb } = await echo.measured(echo.gate.url);
    assert.deepEqual([verdicts(grpc), verdicts(grpcWeb)], [UNTOUCHED, UNTOUCHED], JSON.stringify([grpc, grpcWeb]));
    assert.ok(grpc.stream!.cancel.silent.afterMs! < 1_000);
  });
  for (const [name, program, grpc, web] of STREAMS) {
    const skip = binaryOf(program.binary) === null ? `${program.product} is not installed` : false;
    test(name, { skip }, async () => {
      const proxy = await startProxy(program, echo.gate.url);
      try {
        const seen = await Promise.all([echo.grpc(proxy.url), echo.grpcWeb(proxy.url)]);
        assert.deepEqual(seen.map(verdicts), [grpc, web], JSON.stringify(seen));
        for (const { stream } of seen)
          if (stream?.idle.kind === 'cut')
            assert.ok(Math.abs(stream.idle.cutAtMs! - IDLE_S * 1_000) < 1_000, `cut at ${stream.idle.cutAtMs}`);
      } finally {
        await proxy.stop();
      }
    });
  }

  test('the echo over gRPC is an unknown method without a ticket', async () => {
    const none = await probeGrpcStream({ ...echo.way(echo.gate.url), ticket: 'hge_none' }, ASK);
    assert.deepEqual([none.end, none.code], ['refused', 'grpc-status 12']);
    const sample = await probeGrpcStream(echo.way(echo.gate.url), ASK);
    assert.deepEqual([sample.end, sample.events.length, sample.status], ['complete', 3, 200]);
    const dies = await probeGrpcStream(echo.way(echo.gate.url), { ...ASK, query: { ...ASK.query, die: 'rst' } });
    assert.equal(dies.end, 'aborted');
  });
});
const ASK = { query: { count: 3, every: 10 }, boundMs: 5_000 };

describe('whether gRPC and gRPC-Web pass a hop', () => {
  let echo: EchoGate;
  before(async () => (echo = await startEchoGate()));
  after(() => echo?.gate.stop());
  const way = (url: string): Way => echo.way(url);

  test('none between', async () => {
    assert.equal((await probeGrpc(way(echo.gate.url))).kind, 'reaches');
    assert.equal((await probeGrpcWeb(way(echo.gate.url))).kind, 'reaches');
  });

  for (const [name, program, grpc, web] of CASES) {
    const skip = binaryOf(program.binary) === null ? `${program.product} is not installed` : false;
    test(name, { skip }, async () => {
      const proxy = await startProxy(program, echo.gate.url);
      try {
        const [call, overWeb] = [await probeGrpc(way(proxy.url)), await probeGrpcWeb(way(proxy.url))];
        assert.deepEqual([call.kind, overWeb.kind], [grpc, web], JSON.stringify([call, overWeb]));
      } finally {
        await proxy.stop();
      }
    });
  }
});
