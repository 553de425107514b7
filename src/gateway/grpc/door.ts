import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Gate } from '../gate.ts';

const SERVICE = '/headgate.v1.Headgate/';

/** Serves calls of `headgate.v1.Headgate`: true where the path is one of its. What it takes is loaded with the first call. */
export function serveGrpc(gate: Gate, request: IncomingMessage, response: ServerResponse, path: string): boolean {
  if (!path.startsWith(SERVICE)) return false;
  response.on('error', () => response.destroy());
  void import('./serve.ts').then(({ serveMethod }) => serveMethod(gate, request, response, path.slice(SERVICE.length)));
  return true;
}
