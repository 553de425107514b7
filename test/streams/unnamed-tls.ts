/** Like the relay of unnamed.ts, behind TLS: what a browser or an SDK chooses by ALPN goes on in the same version. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect as connectHttp2, constants, createServer as createHttp2, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import type { Certificate } from './certificate.ts';
import { passHead, type Unnamed } from './unnamed.ts';

const NAMES = ['server', 'via', 'x-powered-by', 'alt-svc'];

export async function startUnnamedTls(target: string, certificate: Certificate): Promise<Unnamed> {
  const { port } = new URL(target);
  const trusted = { host: 'localhost', port: Number(port), servername: 'localhost', ca: certificate.text };
  const open = new Set<{ destroy(): void }>();
  const kept = <T extends { destroy(): void; once(event: 'close', then: () => void): unknown }>(one: T): T => {
    open.add(one);
    one.once('close', () => open.delete(one));
    return one;
  };
  // Whether sockets are offered over HTTP/2 is the hop's to say.
  const asked = connectHttp2(target, { ca: certificate.text });
  const [{ enableConnectProtocol }] = (await once(asked, 'remoteSettings')) as [{ enableConnectProtocol?: boolean }];
  asked.destroy();
  const http2 = createHttp2({ settings: { enableConnectProtocol: enableConnectProtocol === true } });
  http2.on('session', (session) => {
    const upstream = kept(connectHttp2(target, { ca: certificate.text }));
    kept(session);
    upstream.on('error', () => session.destroy());
    upstream.on('close', () => session.destroy());
    session.on('error', () => upstream.destroy());
    session.on('close', () => upstream.destroy());
    session.on('stream', (stream: ServerHttp2Stream, headers) => {
      const { host: _, ...rest } = headers;
      const forward = (): void => {
        const on = upstream.request(rest, { endStream: stream.readableEnded });
        stream.pipe(on);
        on.on('response', (answer) => {
          if (stream.destroyed) return;
          for (const name of NAMES) delete answer[name];
          stream.respond(answer);
          on.pipe(stream, { end: false });
        });
        on.on('error', () => undefined);
        on.on('close', () => {
          if (stream.destroyed) return;
          if (on.rstCode === constants.NGHTTP2_NO_ERROR) stream.end();
          else stream.destroy(new Error('reset'));
        });
        stream.on('close', () => on.close(constants.NGHTTP2_CANCEL));
      };
      stream.on('error', () => undefined);
      // A socket over HTTP/2 waits for what the hop offers.
      if (headers[':method'] === 'CONNECT' && !upstream.remoteSettings?.enableConnectProtocol)
        upstream.once('remoteSettings', forward);
      else forward();
    });
  });
  const server = createServer(
    {
      key: readFileSync(certificate.key),
      cert: certificate.text,
      ALPNProtocols: ['h2', 'http/1.1'],
    },
    (client: TLSSocket) => {
      client.setNoDelay(true);
      if (client.alpnProtocol === 'h2') return void http2.emit('connection', kept(client));
      const upstream = kept(connect({ ...trusted, ALPNProtocols: ['http/1.1'] }));
      upstream.setNoDelay(true);
      passHead(kept(client), upstream);
    },
  );
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = async (): Promise<void> => {
    const closed = once(server, 'close');
    server.close();
    for (const one of open) one.destroy();
    await closed;
  };
  return { url: `https://localhost:${(server.address() as AddressInfo).port}`, stop };
}
