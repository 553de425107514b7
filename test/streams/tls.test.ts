import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createServer, type Server } from 'node:tls';
import { hasOpenssl, makeCertificate, type Certificate } from './certificate.ts';
import { startEchoGate, type EchoGate } from './echo-gate.ts';

describe('a way over TLS', { skip: hasOpenssl ? false : 'openssl is not installed' }, () => {
  let echo: EchoGate;
  let certificate: Certificate;
  let server: Server;
  /** Offers HTTP/2 and answers nothing over it. */
  let isDeaf = false;
  before(async () => {
    echo = await startEchoGate();
    certificate = makeCertificate();
    const port = Number(new URL(echo.gate.url).port);
    // Ends TLS and nothing else: both versions go on to the gate's one port.
    server = createServer(
      { key: readFileSync(certificate.key), cert: certificate.text, ALPNProtocols: ['h2', 'http/1.1'] },
      (client) => {
        if (client.alpnProtocol === 'h2' && isDeaf) return void client.destroy();
        const upstream = connect({ port, host: '127.0.0.1', noDelay: true });
        client.pipe(upstream).pipe(client);
        for (const [one, other] of [
          [client, upstream],
          [upstream, client],
        ] as const)
          one.on('error', () => other.destroy()).on('close', () => other.destroy());
      },
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(async () => {
    server?.close();
    await echo?.gate.stop();
    certificate?.remove();
  });

  async function doctor(
    env: object,
    ...flags: readonly string[]
  ): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const { port } = server.address() as AddressInfo;
    const bin = join(import.meta.dirname, '../../bin/headgate.js');
    const args = [
      bin,
      'streams',
      'doctor',
      `https://localhost:${port}/v1`,
      '--quick',
      '--ticket',
      echo.ticket,
      '--json',
      ...flags,
    ];
    const child = spawn(process.execPath, args, { env: { PATH: process.env['PATH'] ?? '', ...env } });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, stdout, stderr };
  }

  test('is measured as one in clear, and what the first hop offers is said', async () => {
    const { code, stdout, stderr } = await doctor({ NODE_EXTRA_CA_CERTS: certificate.cert });
    assert.equal(code, 0, stderr);
    const [{ findings, measured }] = JSON.parse(stdout).ways;
    const { http, http2, sse, websocket } = measured;
    assert.match(findings.find(({ id }: any) => id === 'http.version').says, /a browser gets HTTP\/2 \(ALPN\)/);
    assert.deepEqual(
      [http2.originVersion, http2.sse.delivery.kind, http2.sse.cancel.kind, http2.sse.truncation],
      ['2.0', 'streams', 'at_once', { reset: 'seen', close: 'seen' }],
    );
    assert.deepEqual(http2.websocket, { offered: false, socket: null });
    assert.equal(http.offersHttp2, true);
    assert.deepEqual(
      [sse.delivery.kind, sse.heartbeat.kind, sse.cancel.kind, websocket.upgrade.kind, websocket.delivery.kind],
      ['streams', 'reach', 'at_once', 'opens', 'streams'],
    );
  });

  test('HTTP/2 that is offered and not spoken is what browsers get, and is bad', async () => {
    isDeaf = true;
    const { code, stdout, stderr } = await doctor({}, '--ca', certificate.cert).finally(() => (isDeaf = false));
    assert.equal(code, 0, stderr);
    const [{ findings, measured }] = JSON.parse(stdout).ways;
    assert.equal(measured.http2, null);
    const { state, says } = findings.find(({ id }: any) => id === 'http.version');
    assert.deepEqual([state, /does not answer over it: browsers choose it/.test(says)], ['bad', true]);
    assert.equal(measured.sse.delivery.kind, 'streams', 'over HTTP/1.1 all is well');
  });

  test('a certificate that nobody knows is named', async () => {
    const { code, stderr } = await doctor({});
    assert.equal(code, 1);
    assert.match(stderr, /error way_unreachable: .*DEPTH_ZERO_SELF_SIGNED_CERT/);
    assert.match(stderr, /hint: the certificate is not trusted: --ca names/);
  });

  test('--ca trusts one certificate, --insecure any, and what is no certificate is named', async () => {
    const other = makeCertificate();
    const [named, any, wrong, none, both] = await Promise.all([
      doctor({}, '--ca', certificate.cert),
      doctor({}, '--insecure'),
      doctor({}, '--ca', other.cert),
      doctor({}, '--ca', certificate.key),
      doctor({}, '--ca', certificate.cert, '--insecure'),
    ]);
    other.remove();
    assert.deepEqual(
      [named.code, any.code, wrong.code, none.code, both.code],
      [0, 0, 1, 2, 2],
      named.stderr + any.stderr,
    );
    for (const { stdout } of [named, any])
      assert.equal(JSON.parse(stdout).ways[0].measured.websocket.upgrade.kind, 'opens', 'sockets trust it as well');
    assert.match(wrong.stderr, /SELF_SIGNED|UNABLE_TO_VERIFY|CERT/);
    assert.match(none.stderr, /has no certificate in PEM/);
    assert.match(both.stderr, /contradict/);
  });
});
