import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

/** One request as a collector got it. */
export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly atMs: number;
}

export type Answer = (response: ServerResponse, received: Received) => void;

/** A server in the place of a collector: keeps what comes and answers what the test says. Decodes nothing. */
export interface Collector {
  readonly url: string;
  readonly received: Received[];
  answer(answer: Answer): void;
  close(): Promise<void>;
}

export const accept: Answer = (response) => void response.writeHead(200).end();
export const never: Answer = () => undefined;
export const status =
  (code: number, headers: Record<string, string> = {}, body = ''): Answer =>
  (response) =>
    void response.writeHead(code, headers).end(body);

export async function startCollector(port = 0): Promise<Collector> {
  const received: Received[] = [];
  let answer = accept;
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const sent = Buffer.concat(chunks);
    const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent;
    const one = { path: request.url!, headers: request.headers, body, atMs: Date.now() };
    received.push(one);
    answer(response, one);
  };
  const server = createServer((request, response) => void serve(request, response).catch(() => response.destroy()));
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    answer: (next) => (answer = next),
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}
