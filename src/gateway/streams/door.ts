import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CallId } from '#kernel/brand.ts';
import { HeadgateError } from '#kernel/errors.ts';
import { positionOf, startOf, type LiveStream, type Position } from '#capabilities/streams/index.ts';
import type { Caller } from '#capabilities/tenants/index.ts';
import type { Gate } from '../gate.ts';
import { ResponseReader } from './response-reader.ts';

const PATH = /^\/v1\/streams\/(call_[0-9A-Z]{26})(\/cancel)?$/;
const HEARTBEAT = ': ping\n\n';

const HEAD = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache',
  'x-accel-buffering': 'no',
};

/**
 * `GET /v1/streams/{call id}` reads a stream again, from `Last-Event-ID` or `starting_after` on, and goes on live;
 * `POST …/cancel` ends it from any connection. Null: the path is none of these.
 */
export function serveStreams(
  gate: Gate,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): Promise<void> | null {
  const match = PATH.exec(path);
  if (!match) return null;
  return match[2] === undefined
    ? read(gate, request, response, match[1] as CallId)
    : cancel(gate, request, response, match[1] as CallId);
}

async function read(gate: Gate, request: IncomingMessage, response: ServerResponse, id: CallId): Promise<void> {
  if (request.method !== 'GET') throw wrongMethod(response, 'GET');
  const stream = await streamOf(gate, request, id);
  const start = startOf(stream, positionAsked(request));
  if (!start.ok) throw start.error;
  if (stream.overflowed) throw new HeadgateError('stream_gone', { message: 'The log of this stream grew too large.' });
  stream.resumes++;
  response.writeHead(200, { ...HEAD, 'x-headgate-call-id': id });
  response.flushHeaders();
  stream.attach(new ResponseReader(response, stream, HEARTBEAT), start.value);
}

async function cancel(gate: Gate, request: IncomingMessage, response: ServerResponse, id: CallId): Promise<void> {
  if (request.method !== 'POST') throw wrongMethod(response, 'POST');
  const stream = await streamOf(gate, request, id);
  // The end of a stream that has ended is what it is: to ask again is no mistake.
  stream.cancel();
  const body = Buffer.from(JSON.stringify({ id, status: stream.ended?.status ?? 'cancelling', events: stream.events }));
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
  response.end(body);
}

/** The key's own stream; a 410 that names the entry where the log is gone, a 404 for whatever is not the key's. */
async function streamOf(gate: Gate, request: IncomingMessage, id: CallId): Promise<LiveStream> {
  const caller = callerOf(gate, request);
  const owner = { tenant: caller.tenant.id, key: caller.key.id };
  const stream = gate.streams.find(id, owner);
  if (stream) return stream;
  const entry = await gate.tenants.ownCall(caller, id);
  if (entry === null) throw new HeadgateError('not_found', { message: 'This key has no such stream.' });
  throw new HeadgateError('stream_gone', {
    message: `The log of this stream is gone. Its call ended as \`${entry.status}\`; the entry ${id} has its usage and cost.`,
  });
}

function callerOf(gate: Gate, request: IncomingMessage): Caller {
  const caller = gate.tenants.authenticate(request.headers);
  if (!caller.ok) throw caller.error;
  return caller.value;
}

/** `Last-Event-ID` of browsers, `starting_after` of OpenAI's API; null: from the start. */
function positionAsked(request: IncomingMessage): Position | null {
  const query = new URLSearchParams((request.url ?? '').split('?')[1] ?? '');
  const text = request.headers['last-event-id'] ?? query.get('starting_after');
  if (text === null || text === '') return null;
  const position = positionOf(String(text));
  if (position) return position;
  throw new HeadgateError('invalid_request', {
    field: 'last-event-id',
    message: 'A position is the `id` of the last event that came.',
  });
}

function wrongMethod(response: ServerResponse, method: string): HeadgateError {
  response.setHeader('allow', method);
  return new HeadgateError('method_not_allowed', { message: `This path takes ${method}.` });
}
