import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as esbuild from 'esbuild-wasm';
import { join } from 'node:path';
import { once } from 'node:events';

const root = join(import.meta.dirname, '..', '..');

/** The library as a page loads it: one minified module. */
export async function bundleClient(): Promise<Uint8Array> {
  const built = await esbuild.build({
    entryPoints: [join(root, 'src/client/index.ts')],
    ...{ bundle: true, minify: true, format: 'esm', target: 'es2022', write: false, platform: 'browser' },
  });
  return built.outputFiles![0]!.contents;
}

/** A web application of its own origin: a blank page, the library, and tickets that it asks the gate for. */
export interface Page {
  readonly origin: string;
  /** Where the gate is and with which key the application asks it. */
  serve(gate: { readonly url: string; readonly key: string }): void;
  close(): Promise<void>;
}

export async function startPage(): Promise<Page> {
  const client = await bundleClient();
  let gate = { url: '', key: '' };
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url!, 'http://page');
    if (pathname === '/client.js') return response.writeHead(200, { 'content-type': 'text/javascript' }).end(client);
    if (pathname !== '/ticket') return response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html>');
    return void ticketOf(gate, searchParams.get('id')!).then((ticket) => response.end(ticket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    serve: (at) => (gate = at),
    close: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

export async function ticketOf(gate: { readonly url: string; readonly key: string }, id: string): Promise<string> {
  const response = await fetch(`${gate.url}/v1/stream-tickets`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gate.key}` },
    body: JSON.stringify({ stream: id }),
  });
  if (response.status !== 201) throw new Error(`${response.status}: ${await response.text()}`);
  return ((await response.json()) as { ticket: string }).ticket;
}
