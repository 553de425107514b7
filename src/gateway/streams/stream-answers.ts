import type { ServerResponse } from 'node:http';
import { HeadgateError } from '#kernel/errors.ts';
import type { LiveStream } from '#capabilities/streams/index.ts';

/** Ends a stream on somebody's word, and says how far it came. */
export function endByHand(stream: LiveStream, response: ServerResponse): void {
  // The end of a stream that has ended is what it is: to ask again is no mistake.
  stream.cancel();
  const body = Buffer.from(
    JSON.stringify({ id: stream.id, status: stream.ended?.status ?? 'cancelling', events: stream.events }),
  );
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
  response.end(body);
}

export function wrongMethod(response: ServerResponse, method: string): HeadgateError {
  response.setHeader('allow', method);
  return new HeadgateError('method_not_allowed', { message: `This path takes ${method}.` });
}
