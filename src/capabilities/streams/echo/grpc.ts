import type { IncomingMessage, ServerResponse } from 'node:http';
import { constants, type Http2ServerResponse } from 'node:http2';
import { enveloped, FLAG } from '#wire/grpc/index.ts';
import type { EchoParams } from './core/params.ts';
import { runStream, type Run, type Sink } from './stream.ts';

const WEB = 'application/grpc-web';

/** Messages by the clock, as gRPC or gRPC-Web frames them. What a message says is JSON: nobody on the way reads it. */
export function serveGrpcStream(request: IncomingMessage, response: ServerResponse, run: Omit<Run, 'sink'>): void {
  const web = (request.headers['content-type'] ?? '').startsWith(WEB);
  response.writeHead(200, {
    'content-type': web ? `${WEB}+proto` : 'application/grpc',
    'cache-control': 'no-store',
    ...(run.params.accelNo && { 'x-accel-buffering': 'no' }),
  });
  response.flushHeaders();
  const stream = runStream({ ...run, sink: sinkOf(request, response, { web, params: run.params }) });
  response.on('error', () => response.destroy());
  response.on('close', () => stream.closed());
}

interface Spoken {
  readonly web: boolean;
  readonly params: EchoParams;
}

function sinkOf({ socket }: IncomingMessage, response: ServerResponse, { web, params }: Spoken): Sink {
  const pad = 'x'.repeat(params.sizeBytes);
  const message = (value: object): number => {
    const frame = enveloped(FLAG.message, Buffer.from(JSON.stringify(value)));
    response.write(frame);
    return frame.length;
  };
  const breakOff = (): void => {
    const { stream } = response as unknown as Partial<Http2ServerResponse>;
    if (stream) stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    else socket.destroy();
  };
  return {
    event: (n, at) => message({ n, at, ...(pad !== '' && { pad }) }),
    beat: (at) => message({ beat: at }),
    done: (count) => {
      message({ count });
      if (web) response.write(enveloped(FLAG.webTrailers, Buffer.from('grpc-status: 0\r\n')));
      else response.addTrailers({ 'grpc-status': '0' });
      response.end();
    },
    // HTTP/2 has one way to say it: a stream that is reset.
    die: breakOff,
    cut: breakOff,
  };
}
