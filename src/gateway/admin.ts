import type { IncomingMessage, ServerResponse } from 'node:http';
import { HeadgateError } from '#kernel/errors.ts';
import { refuse } from './refuse.ts';
export async function serveAdmin(
  _parts: unknown,
  _request: IncomingMessage,
  response: ServerResponse,
  path: string,
): Promise<void> {
  refuse(response, 'openai', new HeadgateError('endpoint_not_found', { message: path }), null);
}
