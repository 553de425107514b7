/** The yardstick: node:http in, undici dispatch out, the body parsed, nothing metered. Ratios against it hold on every machine. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Pool, type Dispatcher } from 'undici';

const port = Number(process.env['PORT']);
const pool = new Pool(`http://127.0.0.1:${process.env['UPSTREAM']}`, { connections: 512, pipelining: 1 });
const HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'host', 'content-length', 'upgrade']);

function forward(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
  const headers: string[] = [];
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    if (!HOP.has(request.rawHeaders[i]!.toLowerCase()))
      headers.push(request.rawHeaders[i]!, request.rawHeaders[i + 1]!);
  }
  let control: Dispatcher.DispatchController | undefined;
  response.once('close', () => {
    if (!response.writableFinished) control?.abort(new Error('client gone'));
  });
  pool.dispatch(
    { path: request.url!, method: 'POST', headers, body },
    {
      onRequestStart(controller) {
        control = controller;
      },
      onResponseStart(_controller, status, answer) {
        for (const name of HOP) if (name !== 'content-length') delete answer[name];
        response.writeHead(status, answer as Record<string, string>);
        response.flushHeaders();
      },
      onResponseData(controller, data) {
        if (response.write(data)) return;
        controller.pause();
        response.once('drain', () => controller.resume());
      },
      onResponseEnd() {
        response.end();
      },
      onResponseError() {
        response.destroy();
      },
    },
  );
}

createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  if (request.method === 'GET') return void response.end('ok');
  const parts: Buffer[] = [];
  request.on('data', (chunk: Buffer) => parts.push(chunk));
  request.on('end', () => {
    const raw = Buffer.concat(parts);
    const parsed = JSON.parse(raw.toString()) as { model?: unknown };
    if (typeof parsed.model !== 'string') return void response.writeHead(400).end();
    forward(request, response, raw);
  });
}).listen(port, '127.0.0.1', () => console.log(`listening on ${port}`));
