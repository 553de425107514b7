import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { FIXES } from '../../src/capabilities/streams/cli.ts';
import type { GrpcFacts, Measured, SseFacts } from '../../src/capabilities/streams/doctor/core/measured.ts';
import { differencesOf } from '../../src/capabilities/streams/doctor/core/versions.ts';
import { measure, measureGrpc } from '../../src/capabilities/streams/doctor/measure.ts';
import { probeGrpc } from '../../src/capabilities/streams/doctor/probe-grpc.ts';
import { probeGrpcStream } from '../../src/capabilities/streams/doctor/probe-grpc-stream.ts';
import type { Way } from '../../src/capabilities/streams/doctor/way.ts';
import { apache } from './apache.ts';
import { caddy } from './caddy.ts';
import { hasOpenssl, makeCertificate, type Certificate } from './certificate.ts';
import { IDLE_S, SHORT, startEchoGate, type EchoGate } from './echo-gate.ts';
import { haproxy } from './haproxy.ts';
import { nginx } from './nginx.ts';
import { binaryOf, startProxy, type ProxyProgram } from './proxies.ts';
import { startUnnamedTls } from './unnamed-tls.ts';

/** What one version of HTTP to the first hop makes of streams. */
interface Facts {
  readonly http: string;
  readonly delivery: string;
  /** With `x-accel-buffering: no`. */
  readonly header: string;
  readonly compression: string;
  /** And what the reader sees of a cut. */
  readonly idle: string;
  readonly beats: string;
  /** An origin that resets, and one that closes in order. */
  readonly dies: string;
  readonly cancel: string;
}

const NOTHING: Facts = {
  ...{ http: '1.1', delivery: 'streams', header: 'streams', compression: 'none', idle: 'open', beats: 'reach' },
  ...{ dies: 'seen seen', cancel: 'at_once' },
};
const factsOf = (http: string | null, sse: SseFacts): Facts => ({
  ...{ http: http!, delivery: sse.delivery.kind, header: sse.withHeader.kind, beats: sse.heartbeat.kind },
  compression: sse.compression.encoding ?? sse.compression.kind,
  idle: sse.idle.kind === 'cut' ? `cut ${sse.idle.seenAs}` : sse.idle.kind,
  ...{ dies: `${sse.truncation.reset} ${sse.truncation.close}`, cancel: sse.cancel.kind },
});

interface Case {
  readonly program: ProxyProgram;
  readonly over1: Facts;
  readonly over2: Facts;
  /** A WebSocket over HTTP/1.1, and over HTTP/2 by extended CONNECT. */
  readonly sockets: readonly [string, string];
  /** Topics in which the two versions differ. */
  readonly differ: readonly string[];
}

const { buffering, upgrade, offset, cancel, idle: idleFix, http2: http2Fix } = FIXES;
const linesOf = ({ setting }: { readonly setting: string | null }): string => setting!;
const MAP = 'map $http_upgrade $connection_upgrade { default upgrade; "" ""; }';
const CUT = 'cut aborted';
const HIDES = { ...NOTHING, dies: 'hidden hidden' };
const NGINX: Facts = { ...NOTHING, http: '1.0', delivery: 'whole', idle: CUT, beats: 'held', dies: 'seen hidden' };
const COMPRESSES = 'gzip on; gzip_types text/event-stream; gzip_proxied any;';

const CASES: Readonly<Record<string, Case>> = {
  'nginx, default': {
    program: nginx(`proxy_read_timeout ${IDLE_S}s;`),
    ...{ over1: NGINX, over2: NGINX, sockets: ['stripped', 'not offered'], differ: [] },
  },
  'haproxy, default': {
    program: haproxy(`${IDLE_S}s`),
    over1: { ...NOTHING, idle: CUT, cancel: 'at_a_write' },
    // An end in order (END_STREAM) is all that it says of a dead origin, and of its own timer: curl takes both for whole.
    over2: { ...HIDES, idle: 'cut clean' },
    ...{ sockets: ['opens', 'opens'], differ: ['reset', 'close', 'cancel', 'idle'] },
  },
  'apache, default': {
    program: apache('', [`ProxyTimeout ${IDLE_S}`]),
    over1: { ...NOTHING, idle: CUT, cancel: 'at_a_write' },
    over2: { ...NOTHING, idle: CUT, cancel: 'at_a_write' },
    ...{ sockets: ['stripped', 'not offered'], differ: [] },
  },
  'caddy, default': {
    program: caddy(''),
    ...{ over1: HIDES, over2: HIDES, sockets: ['opens', 'not offered'], differ: [] },
  },
  'nginx, fixed': {
    program: nginx([buffering.nginx, upgrade.nginx, idleFix.nginx].map(linesOf).join(' '), MAP),
    ...{ over1: NOTHING, over2: NOTHING, sockets: ['opens', 'not offered'], differ: [] },
  },
  'haproxy, fixed': {
    program: haproxy('1h', [offset.haproxy, cancel.haproxy, idleFix.haproxy].map(linesOf)),
    ...{ over1: NOTHING, over2: HIDES, sockets: ['opens', 'opens'], differ: ['reset', 'close'] },
  },
  'apache, fixed': {
    program: apache(linesOf(upgrade.apache).split(' ').at(-1)!, [linesOf(idleFix.apache), 'H2WebSockets on']),
    over1: { ...NOTHING, cancel: 'at_a_write' },
    over2: { ...NOTHING, cancel: 'at_a_write' },
    ...{ sockets: ['opens', 'opens'], differ: [] },
  },
  'nginx that compresses': {
    program: nginx(`proxy_buffering off; proxy_http_version 1.1; ${COMPRESSES}`),
    over1: { ...NOTHING, compression: 'gzip' },
    over2: { ...NOTHING, compression: 'gzip' },
    ...{ sockets: ['stripped', 'not offered'], differ: [] },
  },
};

describe('the same proxy over HTTP/1.1 and HTTP/2', { concurrency: 4, skip: hasOpenssl ? false : 'no openssl' }, () => {
  let echo: EchoGate;
  let certificate: Certificate;
  before(async () => {
    certificate = makeCertificate();
    echo = await startEchoGate();
  });
  after(async () => {
    await echo?.gate.stop();
    certificate?.remove();
  });

  const skipOf = ({ binary, product }: ProxyProgram): string | false =>
    binaryOf(binary) === null ? `${product} is not installed` : false;
  const wayTo = (url: string): Way => ({ ...echo.way(url), trust: { ca: certificate.text } });

  async function checked({ program, over1, over2, sockets, differ }: Case, unnamed: boolean): Promise<void> {
    const proxy = await startProxy(program, echo.gate.url, certificate);
    const relay = unnamed ? await startUnnamedTls(proxy.url, certificate) : null;
    try {
      const measured = await measure(wayTo(relay?.url ?? proxy.url), SHORT, () => undefined);
      const { http, sse, websocket, http2 } = measured;
      if (unnamed) assert.deepEqual([http.server, http.via], [null, null]);
      assert.deepEqual([http.secure, http.offersHttp2], [true, true]);
      const why = JSON.stringify(measured);
      assert.deepEqual(factsOf(http.originVersion, sse), over1, why);
      assert.deepEqual(factsOf(http2!.originVersion, http2!.sse), over2, why);
      assert.deepEqual([websocket.upgrade.kind, connectOf(http2!)], sockets, why);
      assert.deepEqual(
        differencesOf(measured).map(({ what }) => what),
        differ,
      );
      for (const { idle } of [sse, http2!.sse])
        if (idle.kind === 'cut') assert.ok(Math.abs(idle.cutAtMs! - IDLE_S * 1_000) < 1_000, `cut at ${idle.cutAtMs}`);
    } finally {
      await relay?.stop();
      await proxy.stop();
    }
  }

  for (const [name, one] of Object.entries(CASES)) {
    test(name, { skip: skipOf(one.program) }, () => checked(one, false));
    if (name.endsWith('default'))
      test(`${name}, its name stripped`, { skip: skipOf(one.program) }, () => checked(one, true));
  }

  test('what offers HTTP/2 here is what the page of fixes names', () => {
    const site = { port: 443, target: 1, dir: '/nowhere', tls: certificate };
    const text = (program: ProxyProgram): string => Object.values(program.files(site)).join('\n');
    assert.ok(text(nginx('')).includes(linesOf(http2Fix.nginx).match(/ssl http2;/)![0]));
    assert.ok(text(haproxy('1s')).includes(linesOf(http2Fix.haproxy).match(/alpn \S+/)![0]));
    assert.ok(text(apache('')).includes(linesOf(http2Fix.apache)));
  });

  const replaced = (program: ProxyProgram, from: RegExp, to: string): ProxyProgram => ({
    ...program,
    files: (site) =>
      Object.fromEntries(Object.entries(program.files(site)).map(([name, text]) => [name, text.replace(from, to)])),
  });
  const GRPC: Readonly<Record<string, readonly [ProxyProgram, string]>> = {
    'nginx, default': [nginx(''), 'no_status'],
    'nginx with grpc_pass': [replaced(nginx(''), /proxy_pass http:/, 'grpc_pass grpc:'), 'streams open reach at_once'],
    'haproxy with proto h2 to the gate': [
      replaced(haproxy('1h'), /server gate (\S+)/, 'server gate $1 proto h2'),
      'streams open reach at_once',
    ],
    'caddy with h2c to the gate': [caddy('transport http {\n versions h2c 2\n }'), 'streams open reach at_once'],
  };
  for (const [name, [program, verdicts]] of Object.entries(GRPC))
    test(`gRPC over TLS: ${name}`, { skip: skipOf(program) }, async () => {
      const proxy = await startProxy(program, echo.gate.url, certificate);
      try {
        const way = wayTo(proxy.url);
        const measuring = { way, plan: SHORT, roundTripMs: 5, step: () => undefined };
        const facts = await measureGrpc(measuring, probeGrpc(way), (ask) => probeGrpcStream(way, ask));
        assert.equal(verdictsOf(facts), verdicts, JSON.stringify(facts));
      } finally {
        await proxy.stop();
      }
    });
});

const connectOf = ({ websocket }: NonNullable<Measured['http2']>): string =>
  websocket.offered === false ? 'not offered' : (websocket.socket?.upgrade.kind ?? 'no settings');

const verdictsOf = ({ kind, stream }: GrpcFacts): string =>
  stream === null
    ? kind
    : [stream.delivery, stream.idle, stream.heartbeat, stream.cancel].map((one) => one.kind).join(' ');
