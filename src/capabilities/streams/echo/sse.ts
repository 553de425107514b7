import type { IncomingMessage, ServerResponse } from 'node:http';
import type { EchoParams } from './core/params.ts';
import { runStream, type Run, type Sink } from './stream.ts';

/** Server-sent events by the clock. Each event says when the origin sent it: a client needs no clock of the gate. */
export function serveSse(request: IncomingMessage, response: ServerResponse, run: Omit<Run, 'sink'>): void {
  response.writeHead(200, headersFor(run.params));
  response.flushHeaders();
  const stream = runStream({ ...run, sink: sinkOf(request, response, run.params) });
  response.on('error', () => response.destroy());
  response.on('close', () => stream.closed());
}

const headersFor = ({ accelNo, noTransform, identity }: EchoParams): Record<string, string> => ({
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': noTransform ? 'no-store, no-transform' : 'no-store',
  ...(accelNo && { 'x-accel-buffering': 'no' }),
  ...(identity && { 'content-encoding': 'identity' }),
});

function sinkOf({ socket }: IncomingMessage, response: ServerResponse, { sizeBytes }: EchoParams): Sink {
  const pad = 'x'.repeat(sizeBytes);
  const write = (text: string): number => {
    response.write(text);
    return Buffer.byteLength(text);
  };
  return {
    event: (n, at) => write(`data: ${JSON.stringify({ n, at, ...(sizeBytes > 0 && { pad }) })}\n\n`),
    beat: (at) => write(`: beat ${at}\n\n`),
    done: (count) => void response.end(`event: done\ndata: ${JSON.stringify({ count })}\n\n`),
    die: (how) => {
      // HTTP/2 has one way to say it: a stream that is reset. Without an error Node resets it as if all were well.
      if ('stream' in response) response.destroy(new Error('the echo was asked to die'));
      else if (how === 'rst' && !socket.writableEnded) socket.resetAndDestroy();
      else socket.end();
    },
    cut: () => void response.destroy('stream' in response ? new Error('a bound of the ticket') : undefined),
  };
}
