import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect, type ClientHttp2Session } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { createH2Server } from '../../../src/gateway/h2/server.ts';
import { MessageReader } from '../../../src/gateway/grpc/message-reader.ts';
import { Answer, protocolOf } from '../../../src/gateway/grpc/protocol.ts';
import type { FanOutProtocol } from './protocol.ts';

const HEADER_BYTES = 65_536;
const SLOW = { bytes: 1 << 20, age: 30_000 };
const ASKED = {
  ':method': 'POST',
  ':path': '/headgate.v1.Headgate/GenerateStream',
  'content-type': 'application/grpc',
};
/** Length-prefixed messages: each has one time of sending in its text, whatever chunk it comes in. */
const SENT = /sent=\d{16}/g;
const TAIL = 24;

/** Messages over HTTP/2 as the gate writes them, with so many streams a connection. */
const over = (name: string, streamsAConnection: number): FanOutProtocol => {
  const sessions: { readonly session: ClientHttp2Session; streams: number }[] = [];
  const sessionOf = (port: number): ClientHttp2Session => {
    const last = sessions.at(-1);
    if (last && last.streams < streamsAConnection) {
      last.streams++;
      return last.session;
    }
    const session = connect(`http://127.0.0.1:${port}`);
    sessions.push({ session, streams: 1 });
    return session;
  };
  return {
    name,
    serve: async (arrived) => {
      const serve = (request: IncomingMessage, response: ServerResponse): void => {
        const answer = new Answer(protocolOf(request)!, response);
        answer.begin();
        arrived((stream) =>
          stream.attach(new MessageReader({ answer, json: false, stream, from: 0, slow: SLOW, gone: () => {} }), 0),
        );
      };
      const server = createH2Server({ headerBytes: HEADER_BYTES, heartbeatMs: () => 10_000, serve, ended: () => {} });
      // As the gate's one port does before it knows what is spoken.
      server.on('connection', (socket: Socket) => socket.setNoDelay(true));
      await new Promise<void>((resolve) =>
        server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () => resolve()),
      );
      return { port: (server.address() as AddressInfo).port, close: () => server.close() };
    },
    read: (port, event) =>
      new Promise((resolve, reject) => {
        const stream = sessionOf(port).request(ASKED);
        let rest = '';
        stream.on('data', (piece: Buffer) => {
          const text = rest + piece.toString('latin1');
          let end = 0;
          for (const match of text.matchAll(SENT)) {
            event(match[0]);
            end = match.index + match[0].length;
          }
          rest = text.slice(Math.max(end, text.length - TAIL));
        });
        stream.once('close', resolve);
        stream.once('error', reject);
        stream.end();
      }),
  };
};

/** As browsers and command-line clients have it. */
export const grpc = over('grpc', 1);
/** As services have it: a channel carries what its process asks. */
export const grpcShared = over('grpc-shared', 100);
