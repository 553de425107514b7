import type { ServerResponse } from 'node:http';
import { HEAD, listen, sse } from './sse.ts';

/** The peer: what anybody writes over `node:http` without a log, ids or bounds. Same client, same events. */
export const plain = {
  name: 'plain node:http',
  serve: (arrived: (response: ServerResponse) => void) =>
    listen((_, response) => {
      response.writeHead(200, HEAD);
      response.flushHeaders();
      arrived(response);
    }),
  read: sse.read,
};
