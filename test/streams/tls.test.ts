import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { connect, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createServer, type Server } from 'node:tls';
import { temporaryFolder } from '../harness/gate-process.ts';
import { startEchoGate, type EchoGate } from './echo-gate.ts';

const hasOpenssl = ((): boolean => {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

describe('a way over TLS', { skip: hasOpenssl ? false : 'openssl is not installed' }, () => {
  let echo: EchoGate;
  let dir: string;
  let server: Server;
  before(async () => {
    echo = await startEchoGate();
    dir = temporaryFolder('tls');
    const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=localhost'],
        ...['-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', cert],
      ],
      { stdio: 'ignore' },
    );
    const port = Number(new URL(echo.gate.url).port);
    // Offers HTTP/2 and speaks none: what is offered is asked for apart from what is measured.
    server = createServer(
      { key: readFileSync(key), cert: readFileSync(cert), ALPNProtocols: ['h2', 'http/1.1'] },
      (client) => {
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
    rmSync(dir, { recursive: true, force: true });
  });

  async function doctor(env: object): Promise<{ code: number | null; stdout: string; stderr: string }> {
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
    ];
    const child = spawn(process.execPath, args, { env: { PATH: process.env['PATH'] ?? '', ...env } });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, stdout, stderr };
  }

  test('is measured as one in clear, and what the first hop offers is said', async () => {
    const { code, stdout, stderr } = await doctor({ NODE_EXTRA_CA_CERTS: join(dir, 'cert.pem') });
    assert.equal(code, 0, stderr);
    const { http, sse, websocket } = JSON.parse(stdout).ways[0].measured;
    assert.equal(http.offersHttp2, true);
    assert.deepEqual(
      [sse.delivery.kind, sse.heartbeat.kind, sse.cancel.kind, websocket.upgrade.kind, websocket.delivery.kind],
      ['streams', 'reach', 'at_once', 'opens', 'streams'],
    );
  });

  test('a certificate that nobody knows is named', async () => {
    const { code, stderr } = await doctor({});
    assert.equal(code, 1);
    assert.match(stderr, /error way_unreachable: .*DEPTH_ZERO_SELF_SIGNED_CERT/);
  });
});
