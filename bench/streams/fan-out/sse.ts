import { createServer, request, Agent } from 'node:http';
import type { AddressInfo } from 'node:net';
import { heartbeatOf } from '../../../src/gateway/streams/heartbeat.ts';
import { ResponseReader } from '../../../src/gateway/streams/response-reader.ts';
import type { FanOutProtocol, Handler, Serving } from './protocol.ts';

export const HEAD = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache',
  'x-accel-buffering': 'no',
};
const OPTIONS = {
  heartbeat: heartbeatOf('openai-chat', null),
  endAsEvent: false,
  dataAlone: false,
  slow: { bytes: 1024 * 1024, age: 30_000 },
};

export function listen(handler: Handler): Promise<Serving> {
  const server = createServer({ noDelay: true }, handler);
  return new Promise((resolve) =>
    server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () =>
      resolve({
        port: (server.address() as AddressInfo).port,
        close: () => {
          server.closeAllConnections();
          server.close();
        },
      }),
    ),
  );
}

const agent = new Agent({ keepAlive: false });

/** Server-sent events over `node:http`, as the gate writes them. */
export const sse: FanOutProtocol = {
  name: 'sse',
  serve: (arrived) =>
    listen((_, response) => {
      response.writeHead(200, HEAD);
      response.flushHeaders();
      arrived((stream) => stream.attach(new ResponseReader(response, stream, OPTIONS), 0));
    }),
  read: (port, event) =>
    new Promise((resolve, reject) => {
      const call = request({ port, host: '127.0.0.1', agent }, (response) => {
        response.setEncoding('latin1');
        response.on('data', (text: string) => {
          for (let at = text.indexOf('data: '); at >= 0; at = text.indexOf('data: ', at + 6)) event(text.slice(at + 6));
        });
        response.on('end', resolve);
        response.on('error', reject);
      });
      call.on('error', reject);
      call.end();
    }),
};
